"""Write rawclean/man/rawclean.1 from its template and the help of the program: `python tests/support/man_page.py`."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from jinja2 import Environment, StrictUndefined

from rawclean.cli.main import app
from rawclean.version import __version__

FOLDER = Path(__file__).parents[2] / "rawclean" / "man"
PAGE = FOLDER / "rawclean.1"
DATE = "2026-11-28"
"""Of the last change that a reader notices."""
_KINDS = {
    **{"str": "TEXT", "list[str]": "TEXT", "path": "PATH", "list[Path]": "PATH"},
    **{"float": "NUMBER", "float range": "NUMBER", "int": "NUMBER", "int range": "NUMBER"},
}
_ESCAPES = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "^": "\\(ha", "~": "\\(ti"}


@dataclass(frozen=True)
class Option:
    names: str
    text: str


@dataclass(frozen=True)
class Command:
    name: str
    usage: str
    paragraphs: list[str]
    options: list[Option]


def page() -> str:
    """The page as it is for the program as it is."""
    group = typer.main.get_command(app)
    context = typer.Context(group, info_name="rawclean")
    commands = [described(name, command, context) for name, command in leaves(group)]
    template = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    text = (FOLDER / "rawclean.1.j2").read_text(encoding="utf-8")
    options = [option_of(each, context) for each in shown(group, context)]
    return template.from_string(text).render(date=DATE, version=__version__, commands=commands, options=options)


def leaves(group: Any, within: str = "") -> list[tuple[str, Any]]:
    """Every command, by what is typed, in the order of the help."""
    found = []
    for name, command in group.commands.items():
        is_group = hasattr(command, "commands")
        found += leaves(command, f"{within}{name} ") if is_group else [(f"{within}{name}", command)]
    return found


def described(name: str, command: Any, parent: typer.Context) -> Command:
    context = typer.Context(command, info_name=name, parent=parent)
    options = [option_of(each, context) for each in shown(command, context)]
    arguments = [argument(each, context) for each in command.params if each.param_type_name == "argument"]
    paragraphs = [roff(" ".join(part.split())) for part in command.help.split("\n\n")]
    return Command(roff(name), " ".join(["[options]", *arguments]), paragraphs, options)


def shown(command: Any, context: typer.Context) -> list[Any]:
    """What has a line in the help, which the option for help has in every one."""
    return [each for each in command.params if each.get_help_record(context) and each.name != "help"]


def argument(parameter: Any, context: typer.Context) -> str:
    name = f"\\fI{roff(parameter.get_help_record(context)[0].partition(' ')[0].upper())}\\fR"
    return name if parameter.required else f"[{name}]"


def option_of(parameter: Any, context: typer.Context) -> Option:
    """Names in bold, values in italics, and what the help says."""
    names, text = parameter.get_help_record(context)
    if parameter.param_type_name == "argument":
        return Option(argument(parameter, context).strip("[]"), roff(text))
    kind = re.search(r"<(.+)>$", names)
    if kind:
        names = names.replace(kind[0], _KINDS.get(kind[1], kind[1].replace("|", " | ")))
    words = [f"\\fB{roff(word)}\\fR" if word.startswith("-") else f"\\fI{roff(word)}\\fR" for word in names.split()]
    return Option(" ".join(words).replace(",\\fR", "\\fR,"), roff(text))


def roff(text: str) -> str:
    """Plain text, in which `commands` are bold, for the formatter: no line is taken for one of its orders."""
    escaped = "".join(_ESCAPES.get(each, each if each.isascii() else f"\\[u{ord(each):04X}]") for each in text)
    bold = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", escaped)
    lines = textwrap.wrap(bold, 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line.startswith(".") else line for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
