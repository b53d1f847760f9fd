"""A page about a batch: what became of every photo, before and after of the noisiest; one file that opens offline."""

import base64
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jinja2 import Environment, PackageLoader, Template

from rawclean.batch import storage
from rawclean.batch.crops import Crops, noisiest_crops
from rawclean.batch.journal import Entry, State
from rawclean.core.printable import escaped, without_credentials
from rawclean.errors import OutputError, RawcleanError
from rawclean.io.atomic import check_target, write_atomically
from rawclean.version import __version__

_HEAD = b"<title>rawclean: "
SHOWN = 12
"""Photos with before and after; each costs two developments."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """One photo of the contact sheet."""

    entry: Entry
    crops: Crops | None
    missing: str | None
    """Why there are no crops."""


def check_report(path: Path) -> None:
    """Raise OutputError where a page cannot be written to `path`, or would replace what is no page of rawclean."""
    if path.is_file():
        with path.open("rb") as file:
            ours = _HEAD in file.read(1024)
        if not ours:
            raise OutputError(f"{path}: exists and is no report of rawclean, so it is kept; name another")
    check_target(path, path.parent, overwrite=True)


def write_report(path: Path, folder: str, entries: Sequence[Entry], executor: Executor) -> None:
    """Write the page about the results in `folder`, developed by `executor`; raises OutputError where that fails."""
    done = [entry for entry in entries if entry.state is State.DONE]
    measured = sorted((entry for entry in done if entry.report), key=_sigma, reverse=True)
    page = _template().render(
        version=__version__,
        folder=folder,
        done=done,
        failed=[entry for entry in entries if entry.state is State.FAILED],
        unfinished=[entry for entry in entries if entry.state is State.BEGUN],
        measured=measured,
        models=sorted(Counter(entry.report.model for entry in measured if entry.report).items()),
        shown=[_shown(entry, folder, executor) for entry in measured[:SHOWN]],
    )
    write_atomically(path, [page.encode()])


def _shown(entry: Entry, folder: str, executor: Executor) -> _Shown:
    try:
        crops = executor.submit(noisiest_crops, entry.source, storage.join(folder, entry.name)).result()
        return _Shown(entry, crops, None)
    except RawcleanError as error:
        return _Shown(entry, None, str(error))


def _sigma(entry: Entry) -> float:
    return entry.report.sigma if entry.report else 0.0


def _harmless(value: object) -> object:
    """What the page is filled with, names above all; what is marked as HTML already has been here before."""
    return escaped(without_credentials(value)) if type(value) is str else value


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("rawclean.batch", "."), autoescape=True, trim_blocks=True, finalize=_harmless
    )
    environment.filters["base64"] = lambda content: base64.b64encode(content).decode()
    environment.filters["filename"] = lambda place: PurePosixPath(place).name
    return environment.get_template("report.html.j2")
