"""Progress bars and tables: the only user of rich."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rawclean.core.printable import harmless

_DESCRIPTION = "{task.description}"
Update = Callable[[int, int | None], None]
"""Sets a bar to (done, total); the total may not be known."""


@contextmanager
def progress_bars(*titles: str, quiet: bool) -> Iterator[list[Update]]:
    """One bar per title on a terminal's standard error, nothing elsewhere; yields their updates."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn(_DESCRIPTION, markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = quiet or not console.is_terminal
    to_file = not sys.stdout.isatty()  # then the bars must leave standard output alone
    with Progress(*columns, console=console, transient=True, disable=hidden, redirect_stdout=not to_file) as progress:

        def update_of(title: str) -> Update:
            task = progress.add_task(harmless(title), total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield [update_of(title) for title in titles]


class LiveLines:
    """A bar for a run with its own lines for what is at work, on a terminal's standard error; nothing elsewhere."""

    def __init__(self, title: str, total: int | None, *, hidden: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        texts = (TextColumn(text, markup=False) for text in (_DESCRIPTION, "{task.fields[note]}"))
        columns = (next(texts), BarColumn(), next(texts))
        self._progress = Progress(
            *columns,
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=hidden or not console.is_terminal,
            redirect_stdout=sys.stdout.isatty(),
            speed_estimate_period=600,  # a photo takes seconds
        )
        self._total = total
        self._run = self._progress.add_task(harmless(title), total=total, note="")
        self._lines: dict[str, Any] = {}

    def start(self) -> None:
        """Show the lines from now on."""
        self._progress.start()

    def stop(self) -> None:
        """Take them away."""
        self._progress.stop()

    def put(self, name: str, step: str, share: float) -> None:
        """Show, or move, the line of something at work; `share` of its step is done."""
        if name not in self._lines:
            self._lines[name] = self._progress.add_task(f"  {harmless(name)}", total=1.0, note=step)
        self._progress.update(self._lines[name], completed=share, note=step)

    def drop(self, name: str, *, counts: bool) -> None:
        """Take a line away and move the bar; what did not count as work shortens it, so that the rate stays true."""
        if name in self._lines:
            self._progress.remove_task(self._lines.pop(name))
        if counts:
            self._progress.advance(self._run)
        elif self._total is not None:
            self._total -= 1
            self._progress.update(self._run, total=self._total)

    def note(self, text: str) -> None:
        """Say something beside the bar."""
        self._progress.update(self._run, note=text)


def show_cursor() -> None:
    """Give a terminal back the cursor that a bar hides, where the process ends without taking the bar away."""
    from rich.console import Console

    Console(stderr=True).show_cursor()


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on standard output."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*head, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(harmless(str(cell)) for cell in row))
    Console(markup=False, emoji=False).print(table)
