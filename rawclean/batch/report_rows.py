"""The table of a batch's report: one short list per photo, harmless in HTML, and links to the files of this machine."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, quote_from_bytes

from rawclean.batch import storage
from rawclean.batch.journal import Entry
from rawclean.core.printable import harmless
from rawclean.denoise_report import DenoiseReport

STEPS = ("decode", "noise", "network", "write")
DIGITS = 3
"""Of numbers; more is not known, and makes the page larger."""
Plain = str | float | None | list["Plain"]


@dataclass(frozen=True, slots=True)
class Table:
    """What the page's script makes a table of."""

    bases: tuple[str, str]
    """What all links to results, and all to sources, begin with."""
    rows: list[list[Plain]]
    """See `_row`."""


def table_of(entries: Sequence[Entry], folder: str, page: Path) -> Table:
    """The table of results in `folder`, for a page at the path `page`."""
    results = [link(storage.join(folder, entry.name), page) if entry.report else None for entry in entries]
    sources = [link(entry.source, page) for entry in entries]
    bases = _base(results), _base(sources)
    rows = [
        _row(entry, [each and each.removeprefix(base) for each, base in zip(pair, bases, strict=True)])
        for entry, *pair in zip(entries, results, sources, strict=True)
    ]
    return Table(bases, rows)


def link(place: str, page: Path) -> str | None:
    """The URL that leads from `page` to a file of this machine, relative where that works; None for one elsewhere.

    Browsers open no s3://, and other URLs may hold what is secret.
    """
    if not storage.is_local(place):
        return None
    path = storage.local_path(place).absolute()
    try:
        relative = os.path.relpath(path, page.absolute().parent)
    except ValueError:  # on another drive of Windows
        return path.as_uri()
    name = relative.replace(os.sep, "/")
    return f"./{quote_from_bytes(os.fsencode(name)) if os.name == 'posix' else quote(name)}"


def filename(place: str) -> str:
    """The last part of a path or URL."""
    return PurePosixPath(place.replace(os.sep, "/")).name


def _row(entry: Entry, links: Sequence[str | None]) -> list[Plain]:
    """State, result, source, their links, why it failed or a warning, and what is known of a photo that is done."""
    report = entry.report
    said = entry.error or (report.warning if report else None)
    names = harmless(entry.name), harmless(filename(entry.source))
    return [entry.state.value, *names, *links, harmless(said or ""), *(_known(report) if report else ())]


def _known(report: DenoiseReport) -> Iterator[Plain]:
    """Camera, ISO, sigma, who agrees with it, what each witness says, model, and seconds of `STEPS`."""
    yield harmless(report.camera)
    yield _rounded(report.iso)
    yield _rounded(report.sigma)
    yield harmless(report.noise_origin)
    yield [[harmless(each.origin), _rounded(each.sigma), _rounded(each.width)] for each in report.evidence]
    yield harmless(report.model)
    yield [_rounded(report.seconds.get(step)) for step in STEPS]


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.{DIGITS}g}")


def _base(links: Sequence[str | None]) -> str:
    """What all that are links begin with, up to a slash."""
    common = os.path.commonprefix([each for each in links if each])  # noqa: RUF071 (cut at a slash)
    return common[: common.rfind("/") + 1]
