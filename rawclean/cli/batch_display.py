"""A batch on the terminal: one bar for the run, one line per photo at work, then what came of it."""

import time
from collections import defaultdict
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rawclean.cli.progress import LiveLines, print_table
from rawclean.cli.report import (
    Shown,
    log_line,
    print_blocked,
    print_error,
    print_json,
    print_line,
    print_notes,
    print_warning,
    summary,
)

if TYPE_CHECKING:
    from rawclean.batch.forecast import Forecast
    from rawclean.batch.outcome import Outcome, Step
    from rawclean.batch.plan import Job
    from rawclean.io.walk import LeftOut

SOME = 5
"""Names of what is left out, of each kind."""


class BatchDisplay:
    """Follows a run; a context manager while it lasts."""

    def __init__(self, title: str, total: int | None, shown: Shown) -> None:
        self._shown, self._total = shown, total
        self._lines = LiveLines(title, total, hidden=not shown.in_words)
        self._start = time.monotonic()
        self._sigmas: dict[str, list[float]] = defaultdict(list)
        self.done = self.skipped = self.failed = 0

    @property
    def ended(self) -> int:
        """Photos that are done with, one way or another."""
        return self.done + self.skipped + self.failed

    def __enter__(self) -> Self:
        self._lines.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.stop()

    def follow(self, job: "Job", step: "Step", share: float) -> None:
        """Show how far a photo is; called by the threads that work."""
        self._lines.put(job.name, step.value, share)

    def show(self, outcome: "Outcome") -> None:
        """Show one outcome: its report on standard output, what went wrong on standard error."""
        from rawclean.batch.outcome import DENOISED, EXISTS

        self._count(outcome)
        self._lines.drop(outcome.job.name, counts=outcome.skipped is None)
        minutes = (time.monotonic() - self._start) / 60
        of_all = f" of {self._total}" if self._total else ""
        rate = (self.done + self.failed) / minutes
        self._lines.note(f"{self.ended}{of_all} photos, {rate:.1f} a minute, {self.failed} failed")
        if outcome.report:
            log_line(summary(outcome.report))
        if self._shown.as_json:
            print_json(outcome)
        elif outcome.report and not self._shown.quiet:
            print_line(summary(outcome.report))
        if outcome.skipped == EXISTS:
            print_error(f"{outcome.job.output}: {outcome.skipped}")
        elif outcome.skipped:
            say = print_error if outcome.skipped == DENOISED else log_line
            say(f"{outcome.job.source}: {outcome.skipped}")
        if outcome.error:
            print_error(outcome.error)
            print_notes(outcome.trace or "")
        elif outcome.report and outcome.report.warning:
            print_warning(f"{outcome.job.source}: {outcome.report.warning}")

    def totals(self) -> None:
        """Say what became of the photos, and which model their noise called for."""
        minutes = (time.monotonic() - self._start) / 60
        log_line(f"{self.done} denoised, {self.skipped} skipped, {self.failed} failed, in {minutes:.1f} minutes")
        if not self._shown.in_words:
            return
        head = ("denoised", "skipped", "failed", "minutes")
        print_table(f"photos: {self.ended}", head, [(self.done, self.skipped, self.failed, f"{minutes:.1f}")])
        rows = [(name, len(sigmas), f"{min(sigmas):.4f} to {max(sigmas):.4f}") for name, sigmas in self._sigmas.items()]
        if rows:
            print_table("models by noise", ("model", "photos", "sigma at 18 % signal"), sorted(rows))

    def _count(self, outcome: "Outcome") -> None:
        self.done += outcome.report is not None
        self.skipped += outcome.skipped is not None
        self.failed += outcome.error is not None
        if outcome.report:
            self._sigmas[outcome.report.model].append(outcome.report.sigma)


class LeftOutNotes:
    """What in the folder is no photo of the run: a line for each sub-folder that is closed, and one for each kind."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._names: dict[LeftOut, list[str]] = defaultdict(list)
        self.blocked: set[str] = set()
        """Sub-folders in which there may be photos that nobody has seen."""

    def note(self, name: str, why: "LeftOut", said: str) -> None:
        """Say at once what cannot be looked into; remember the rest."""
        from rawclean.batch.storage import join
        from rawclean.io.walk import LeftOut

        if why is not LeftOut.BLOCKED:
            self._names[why].append(name)
        elif name not in self.blocked:
            self.blocked.add(name)
            print_blocked(join(self._folder, name), said)

    def summarise(self) -> None:
        """Count what else is left out, and name some of each kind."""
        for why, names in self._names.items():
            more = ", ..." if len(names) > SOME else ""
            print_error(f"{self._folder}: {len(names)} left out, {why.value}: {', '.join(names[:SOME])}{more}")


def print_forecasts(forecasts: "Iterable[Forecast]", shown: Shown) -> None:
    """What a run would do, one line per photo."""
    for forecast in forecasts:
        log_line(_in_words(forecast))
        if shown.as_json:
            print_json(forecast)
        elif not shown.quiet:
            print_line(_in_words(forecast))


def _in_words(forecast: "Forecast") -> str:
    if forecast.skipped or forecast.error:
        return f"{forecast.job.source}: nothing ({forecast.skipped or forecast.error})"
    return (
        f"{forecast.job.source} to {forecast.output}: {forecast.camera}, sigma {forecast.sigma:.4f} by "
        f"{forecast.noise_origin}, {forecast.model}"
    )
