"""The man page: as the program is, sound, and found once the wheel is installed."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import man_page
import pytest

PAGE = man_page.PAGE


def program_or_skip(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_the_page_says_what_the_program_does():
    message = "python tests/support/man_page.py writes it anew"
    assert PAGE.read_text(encoding="utf-8") == man_page.page(), message


def test_a_line_of_help_is_no_order_to_the_formatter():
    assert man_page.roff(".so /etc/passwd") == "\\&.so /etc/passwd"
    assert man_page.roff("'x' \\fB … `a -b`") == "\\(aqx\\(aq \\efB \\[u2026] \\fBa \\-b\\fR"
    assert not any(line.startswith(".") for line in man_page.roff("words .dng " * 40).splitlines())


def test_mandoc_finds_nothing_to_say():
    lint = [program_or_skip("mandoc"), "-Tlint", "-W", "style", str(PAGE)]
    assert subprocess.run(lint, capture_output=True, text=True).stdout == ""


def test_man_formats_it_without_a_warning():
    show = [program_or_skip("man"), "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(PAGE)]
    done = subprocess.run(show, capture_output=True, text=True)
    if "This system has been minimized" in done.stdout or not shutil.which("groff"):
        pytest.skip("man without a formatter")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_man_finds_it_once_the_wheel_is_installed(tmp_path):
    from build import ProjectBuilder

    man = program_or_skip("man")
    wheel = ProjectBuilder(PAGE.parents[2]).build("wheel", tmp_path)
    venv.create(tmp_path / "venv", with_pip=False)
    install = ["-m", "pip", "--python", str(tmp_path / "venv"), "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, *install], check=True)
    installed = tmp_path / "venv" / "share" / "man" / "man1" / "rawclean.1"
    assert installed.read_bytes() == PAGE.read_bytes()
    path = os.pathsep.join([str(tmp_path / "venv" / "bin"), os.environ["PATH"]])
    environment = {name: value for name, value in os.environ.items() if name != "MANPATH"} | {"PATH": path}
    found = subprocess.run([man, "-w", "rawclean"], capture_output=True, text=True, env=environment)
    assert Path(found.stdout.strip()) == installed
