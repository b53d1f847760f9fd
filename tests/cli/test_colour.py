"""Colour on a real terminal, and none where NO_COLOR (no-color.org) or a terminal without it asks for that."""

import os
import re
import shutil
import sys

import pytest
from terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals of Unix")

SEQUENCE = re.compile(rb"\x1b\[([0-9;]*)m")
COMMANDS = {
    "help": ("denoise", "--help"),
    "wrong usage": ("denoise", "--nope"),
    "table": ("models", "list"),
    "one bar": ("denoise", "shoot/a.dng", "-o", "out.dng"),
    "many bars": ("batch", "shoot"),
}
IN_COLOUR = {"help", "wrong usage", "one bar", "many bars"}


@pytest.fixture
def shown(tmp_path, sample):
    """What a command shows on a terminal."""
    (tmp_path / "shoot").mkdir()
    shutil.copy(sample, tmp_path / "shoot" / "a.dng")
    ours = ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TERM", "COLORTERM")
    plain = {name: value for name, value in os.environ.items() if name not in ours}

    def run(arguments, **variables):
        command = (sys.executable, "-m", "rawclean", *arguments)
        with Terminal(*command, env=plain | {"TERM": "xterm-256color"} | variables, cwd=tmp_path) as terminal:
            return terminal.read_all()

    return run


def has_colour(output: bytes) -> bool:
    codes = {int(code) for codes in SEQUENCE.findall(output) for code in codes.split(b";") if code}
    return any(30 <= code <= 49 or 90 <= code <= 107 for code in codes)


@pytest.mark.parametrize("what", sorted(IN_COLOUR))
def test_a_terminal_shows_colour(shown, what):
    assert has_colour(shown(COMMANDS[what], NO_COLOR=""))


@pytest.mark.parametrize("what", COMMANDS)
def test_no_color_takes_all_colour_away(shown, what):
    output = shown(COMMANDS[what], NO_COLOR="1")
    assert len(output) > 100
    assert not has_colour(output)


@pytest.mark.parametrize("what", COMMANDS)
def test_a_dumb_terminal_gets_text_alone(shown, what):
    output = shown(COMMANDS[what], TERM="dumb")
    assert len(output) > 50
    assert b"\x1b" not in output
