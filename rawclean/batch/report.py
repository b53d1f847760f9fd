"""A page about a batch: what became of every photo, before and after of the noisiest; one file that opens offline."""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, Template

from rawclean.batch import storage
from rawclean.batch.crops import Crop, crops_of
from rawclean.batch.journal import Entry, State
from rawclean.batch.report_rows import STEPS, filename, table_of
from rawclean.core.printable import harmless
from rawclean.errors import RawcleanError
from rawclean.io.atomic import write_atomically
from rawclean.io.pages import check_page
from rawclean.version import __version__

_HEAD = b"<title>rawclean: "
SHOWN, PIECES_BYTES = 12, 1_500_000
"""Photos with before and after, each costs two developments; and the size from which on no more are added: base64 makes
it a third more, and a page of 5,000 photos is to stay below 5 MB."""
WITHOUT_SCRIPT = 300
"""Photos up to which the table is there a second time, for browsers that run no scripts."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """One photo of the contact sheet."""

    entry: Entry
    crops: Sequence[Crop]
    missing: str | None
    """Why there are no crops."""


def check_report(path: Path) -> None:
    """Raise OutputError where a page cannot be written to `path`, or would replace what is no page of rawclean."""
    check_page(path, path.parent, _HEAD, "report")


def write_report(path: Path, folder: str, entries: Sequence[Entry], executor: Executor) -> None:
    """Write the page about the results in `folder`, developed by `executor`; raises OutputError where that fails."""
    ordered = sorted(entries, key=_urgency)
    measured = [entry for entry in ordered if entry.report]
    page = _template().render(
        version=__version__,
        folder=folder,
        states=Counter(entry.state.value for entry in entries),
        warned=sum(bool(entry.report and entry.report.warning) for entry in measured),
        models=sorted(Counter(entry.report.model for entry in measured if entry.report).items()),
        shown=list(_shown(measured, folder, executor)),
        table=table_of(ordered, folder, path),
        steps=STEPS,
        without_script=WITHOUT_SCRIPT,
    )
    write_atomically(path, [page.encode()])


def _urgency(entry: Entry) -> tuple[bool, float]:
    """What failed or is not finished before the rest, the noisiest of it first."""
    return entry.state is State.DONE, -entry.report.sigma if entry.report else 0.0


def _shown(measured: Sequence[Entry], folder: str, executor: Executor) -> Iterator[_Shown]:
    """The first photos with their pieces, developed by `executor`."""
    size = 0
    for entry in measured[:SHOWN]:
        if size > PIECES_BYTES:
            return
        try:
            crops = executor.submit(crops_of, entry.source, storage.join(folder, entry.name)).result()
            size += sum(len(crop.before) + len(crop.after) for crop in crops)
            yield _Shown(entry, crops, None if crops else "nothing to see: it is all of one colour")
        except RawcleanError as error:
            yield _Shown(entry, (), str(error))


def _harmless(value: object) -> object:
    """What the page is filled with, names above all; what is marked as HTML already has been here before."""
    return harmless(value) if type(value) is str else value


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("rawclean.batch", "."), autoescape=True, trim_blocks=True, finalize=_harmless
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.filters["base64"] = lambda content: base64.b64encode(content).decode()
    environment.filters["filename"] = filename
    return environment.get_template("report.html.j2")
