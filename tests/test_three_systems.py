"""rawclean without what only Unix has: modules, calls and signals are blocked for it, in every process."""

import json
import os
import shutil
import subprocess
import sys

import pytest

WITHOUT_UNIX = """
import builtins, errno, os, signal, sys
MODULES = {"resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix", "readline"}
CALLS = ["sysconf", "getuid", "geteuid", "fork", "fchmod", "chown", "mkfifo", "killpg", "setsid", "getpgid", "statvfs"]
SIGNALS = ["SIGKILL", "SIGALRM", "SIGHUP", "SIGUSR1", "SIGCHLD", "SIGSTOP", "alarm", "pthread_sigmask", "setitimer"]

def asked_by_rawclean(depth=2):
    return sys._getframe(depth).f_globals.get("__name__", "").partition(".")[0] in ("rawclean", "__mp_main__")

whole_import = builtins.__import__
def without_modules(name, *rest, **more):
    if name.partition(".")[0] in MODULES and asked_by_rawclean():
        raise ImportError(f"{name}: no such module here")
    return whole_import(name, *rest, **more)
builtins.__import__ = without_modules

class Without(type(os)):
    def __getattribute__(self, name):
        if name in object.__getattribute__(self, "__dict__")["_gone"] and asked_by_rawclean():
            raise AttributeError(f"{name}: no such call here")
        return super().__getattribute__(name)

for module, names in ((os, CALLS), (signal, SIGNALS)):
    module._gone = frozenset(names)
    module.__class__ = Without

whole_fsync = os.fsync
def fsync(descriptor):
    if os.path.isdir(f"/proc/self/fd/{descriptor}"):
        raise PermissionError(errno.EACCES, "a folder cannot be synced here")
    whole_fsync(descriptor)
os.fsync = fsync
"""


@pytest.fixture
def elsewhere(tmp_path):
    """Runs a command line as on a system that is no Unix."""
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(WITHOUT_UNIX)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(hook), os.environ.get("PYTHONPATH", "")])}

    def run(*arguments, program=("-m", "rawclean")):
        command = [sys.executable, *program, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)

    return run


def test_the_block_blocks(elsewhere):
    for line in ("import resource", "import os; os.sysconf('SC_PAGE_SIZE')", "import signal; signal.SIGKILL"):
        blocked = elsewhere("-c", f"__name__ = 'rawclean'; exec({line!r}, globals())", program=())
        assert "no such" in blocked.stderr


def test_photos_are_denoised_resumed_and_verified_without_unix(elsewhere, sample, tmp_path):
    output = tmp_path / "out.dng"
    alone = elsewhere("denoise", sample, "-o", output, "--json")
    assert alone.returncode == 0, alone.stderr
    assert json.loads(alone.stdout)["peak_memory_mib"] > 0
    assert elsewhere("verify", output, sample).returncode == 0
    assert "student-general: ok" in elsewhere("models", "verify").stdout
    (tmp_path / "shoot").mkdir()
    for name in ("a.dng", "b.dng"):
        shutil.copy(sample, tmp_path / "shoot" / name)
    (tmp_path / "shoot" / "broken.dng").write_bytes(b"broken")
    first = elsewhere("batch", tmp_path / "shoot", "--json", "--report", tmp_path / "page.html")
    assert first.returncode == 3, first.stderr
    assert "Traceback" not in first.stderr
    assert (tmp_path / "shoot" / "denoised" / "a.dng").read_bytes() == output.read_bytes()
    again = elsewhere("batch", tmp_path / "shoot", "--json")
    assert [json.loads(line)["skipped"] for line in again.stdout.splitlines()].count("done before") == 2
