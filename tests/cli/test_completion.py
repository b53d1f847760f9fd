"""rawclean completion, in the shells themselves."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import Terminal

UNIX = ("bash", "zsh", "fish")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shells of Unix")


def shell_or_skip(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture
def environment(tmp_path):
    """A new user's, whose `rawclean` is this one."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "rawclean").write_text(f'#!/bin/sh\nexec {sys.executable} -m rawclean "$@"\n')
    (programs / "rawclean").chmod(0o755)
    home = tmp_path / "ho me's"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ZDOTDIR"))}
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    return kept | {"HOME": str(home), "PATH": path, "TERM": "xterm"}


def install(environment, shell, status=0):
    command = [sys.executable, "-m", "rawclean", "completion", "install", shell]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done


@pytest.mark.parametrize("shell", UNIX)
def test_the_tab_key_completes_after_one_command(environment, tmp_path, shell):
    program = shell_or_skip(shell)
    (tmp_path / "rawclean.toml").write_text("broken = [[")  # of which a shell must show nothing
    install(environment, shell)
    with Terminal(program, "-i", env=environment, cwd=tmp_path) as terminal:
        for typed, completed in (
            ("rawclean calib\t", "rawclean calibrate"),
            ("\x15rawclean denoise --comp\t", "rawclean denoise --compression"),
            ("\x15rawclean denoise --quality st\t", "rawclean denoise --quality standard"),
            ("\x15rawclean models show teach\t", "rawclean models show teacher"),
            ("\x15rawclean denoise progr\t", "rawclean denoise programs"),
        ):
            terminal.shown = b""
            terminal.type(typed)
            try:
                terminal.wait_for(completed.split()[-1])
            except TimeoutError:
                raise AssertionError(typed, terminal.shown) from None
        assert b"rawclean.toml" not in terminal.shown


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_what_users_have_in_their_file_stays_and_one_line_is_added_once(environment, shell):
    start = Path(environment["HOME"]) / ({"zsh": ".zshrc", "bash": ".bashrc"}[shell])
    if sys.platform == "darwin" and shell == "bash":
        start = start.with_name(".bash_profile")
    start.write_bytes(b"alias caf\xe9=true")
    start.chmod(0o640)
    install(environment, shell)
    install(environment, shell)
    first, second = start.read_bytes().splitlines()
    assert first == b"alias caf\xe9=true"
    assert second.endswith(b"# completion of rawclean")
    assert stat.S_IMODE(start.stat().st_mode) == 0o640


def test_a_file_that_cannot_be_written_is_one_line_that_says_what_to_add(environment):
    start = Path(environment["HOME"]) / ".zshrc"
    start.mkdir()
    done = install(environment, "zsh", status=1)
    assert ".zshrc: cannot be written (Is a directory); add this line to it: if [ -r " in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_powershell_is_told_what_to_type(rawclean):
    result = rawclean("completion", "install", "powershell")
    assert result.status == 2
    assert "rawclean completion show powershell | Add-Content $PROFILE" in result.err
    assert (
        "Register-ArgumentCompleter -Native -CommandName rawclean" in rawclean("completion", "show", "powershell").out
    )


def test_what_is_asked_for_is_not_done_while_a_shell_completes(environment):
    completing = environment | {
        "_RAWCLEAN_COMPLETE": "complete_bash",
        "COMP_WORDS": "rawclean --version inf",
        "COMP_CWORD": "2",
    }
    done = subprocess.run([sys.executable, "-m", "rawclean"], env=completing, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("info\n", "")


def test_a_broken_manifest_is_nothing_that_a_shell_shows(environment):
    own = Path(environment["HOME"]) / ".local" / "share" / "rawclean" / "weights"
    if sys.platform == "darwin":
        own = Path(environment["HOME"]) / "Library" / "Application Support" / "rawclean" / "weights"
    own.mkdir(parents=True)
    (own / "manifest.json").write_text("{")
    completing = environment | {
        "_RAWCLEAN_COMPLETE": "complete_bash",
        "COMP_WORDS": "rawclean models show ",
        "COMP_CWORD": "3",
    }
    done = subprocess.run([sys.executable, "-m", "rawclean"], env=completing, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
