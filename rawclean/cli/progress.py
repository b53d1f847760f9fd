"""Progress bars and tables: the only user of rich."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Update = Callable[[int, int | None], None]
"""Sets a bar to (done, total); the total may not be known."""


@contextmanager
def progress_bars(*titles: str, quiet: bool) -> Iterator[list[Update]]:
    """One bar per title on a terminal's standard error, nothing elsewhere; yields their updates."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = quiet or not console.is_terminal
    to_file = not sys.stdout.isatty()  # then the bars must leave standard output alone
    with Progress(*columns, console=console, transient=True, disable=hidden, redirect_stdout=not to_file) as progress:

        def update_of(title: str) -> Update:
            task = progress.add_task(title, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield [update_of(title) for title in titles]


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on standard output."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*head, title=title, title_justify="left")
    for row in rows:
        table.add_row(*map(str, row))
    Console().print(table)
