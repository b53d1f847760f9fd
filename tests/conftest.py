import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from rawclean.cli import main

REPOSITORY = Path(__file__).parents[1]

signal.signal(signal.SIGINT, signal.default_int_handler)
# A shell that starts the tests in the background has it ignored, by them and by all programs that they start.


class Result(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def rawclean(monkeypatch, capfd) -> Callable[..., Result]:
    """Run the command line in this process, as its entry point does."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["rawclean", *map(str, arguments)])
        capfd.readouterr()
        status = 0
        try:
            main.run()
        except SystemExit as exit_:
            status = exit_.code if isinstance(exit_.code, int) else 1 if exit_.code else 0
        return Result(status, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def sample() -> Path:
    """A noisy DNG made by `rawclean simulate`."""
    return Path(__file__).parent / "data" / "guitar.dng"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The team's folder of photos and real RAW files, which is not part of the project."""
    folder = Path(os.environ.get("RAWCLEAN_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared test files at {folder}; set RAWCLEAN_SHARED")
    return folder
