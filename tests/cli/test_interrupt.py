"""Ctrl-C ends a command that is stuck in LibRaw, and leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from rawclean.cli.interrupt import _watch

STUCK = """
import rawpy
from rawclean.cli import main
from rawclean.io import raw

def stuck(photo, *_):
    print("stuck", flush=True)
    photo.postprocess(demosaic_algorithm=rawpy.DemosaicAlgorithm.DCB, dcb_iterations=10**6)

raw._frame = stuck
main.run()
"""
"""Lets LibRaw work for minutes at the photo that it has opened."""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to consoles only")
@pytest.mark.parametrize("command", ["denoise", "info"])
def test_ctrl_c_ends_a_command_that_is_stuck_in_libraw(sample, tmp_path, command):
    photo = tmp_path / "a.dng"
    shutil.copy(sample, photo)
    with subprocess.Popen([sys.executable, "-c", STUCK, command, photo], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"stuck\n"
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 130
        finally:
            process.kill()
    assert list(tmp_path.iterdir()) == [photo]


def test_ctrl_c_while_the_program_loads(tmp_path):
    (tmp_path / "typer.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "rawclean", "--version"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout.readline() == "loading\n"
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == -signal.SIGINT
        assert run.stderr.read() == ""


def test_nobody_waits_for_a_signal_that_python_heard_together_with_another():
    bell, button = socket.socketpair()
    with bell, button:
        heard, over = threading.Event(), threading.Event()
        button.send(bytes([signal.SIGINT, signal.SIGINT]))
        heard.set()
        over.set()
        button.shutdown(socket.SHUT_WR)
        watcher = threading.Thread(target=_watch, args=(bell, heard, over), daemon=True)
        watcher.start()
        watcher.join(30)
        assert not watcher.is_alive()
