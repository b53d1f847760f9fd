"""Ctrl-C while LibRaw decodes: Python hears it only once LibRaw returns, which on a damaged file may be never."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rawclean.cli.status import INTERRUPTED

SECONDS_TO_HEAR = 1.0


@contextmanager
def heard_in_libraw() -> Iterator[None]:
    """Let Ctrl-C end the process where it is stuck in LibRaw; nothing is being written then."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # nohup and the like ignore it
        yield
        return
    heard, over = threading.Event(), threading.Event()

    def hear(number: int, frame: FrameType | None) -> None:
        heard.set()
        signal.default_int_handler(number, frame)

    bell, button = socket.socketpair()
    with bell, button:
        button.setblocking(False)
        watcher = threading.Thread(target=_watch, args=(bell, heard, over), name="interrupt", daemon=True)
        watcher.start()
        signal.signal(signal.SIGINT, hear)
        before = signal.set_wakeup_fd(button.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            over.set()
            heard.set()
            button.shutdown(socket.SHUT_WR)
            watcher.join()  # it may not find its end of the pair closed


def _watch(bell: socket.socket, heard: threading.Event, over: threading.Event) -> None:
    """Take the number of each signal, which is sent at once, and see whether Python hears it too.

    Of two that come together Python may hear one; nobody waits for the other once it is `over`.
    """
    while number := bell.recv(1):
        if number[0] == signal.SIGINT:
            while not heard.wait(SECONDS_TO_HEAR) and not over.is_set():
                _end_in_libraw()
            heard.clear()


def _end_in_libraw() -> None:
    from rawclean.cli.progress import show_cursor
    from rawclean.io import libraw

    if libraw.is_at_work():
        show_cursor()
        os._exit(INTERRUPTED)
