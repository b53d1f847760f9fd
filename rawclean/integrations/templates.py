"""The files that are installed, with the command of this installation in them."""

import os

from jinja2 import Environment, PackageLoader, StrictUndefined

from rawclean.integrations.entries import MARK


def render(template: str, program: str, **values: str) -> bytes:
    """The bytes of a template's file for a program, with its mark; names that are no text keep their bytes."""
    environment = Environment(
        loader=PackageLoader("rawclean.integrations", "."),
        autoescape=False,  # no HTML: every value comes quoted for the file's own language
        keep_trailing_newline=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    mark = f"{MARK.decode()} {program}`; with --remove it takes this file away again"
    return os.fsencode(environment.get_template(template).render(mark=mark, **values))
