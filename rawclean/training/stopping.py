"""A training that is asked to end does so between two steps, where it can be saved."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = [signal.SIGINT, signal.SIGTERM]
"""Ctrl-C, and what `kill`, torchrun and the schedulers of clusters send."""
if sys.platform != "win32":
    _SIGNALS.append(signal.SIGHUP)  # a terminal that is closed
_SECONDS_OF_ONE = 1.0
"""Signals that come within these are one wish: a key bounces, and a shell and its child are both told."""


@contextmanager
def stop_wanted() -> Iterator[Callable[[], bool]]:
    """Whether one of the signals has come; a later one does what it did before."""
    if threading.current_thread() is not threading.main_thread():  # which alone may listen
        yield lambda: False
        return
    wanted, first = threading.Event(), 0.0
    before = {each: signal.getsignal(each) or signal.SIG_DFL for each in _SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal first
        if not wanted.is_set():
            first = time.monotonic()
            wanted.set()
        elif time.monotonic() - first > _SECONDS_OF_ONE:
            signal.signal(number, before[signal.Signals(number)])
            signal.raise_signal(number)

    for each, handler in before.items():
        if handler is not signal.SIG_IGN:  # as nohup and shells have it for what runs in the background
            signal.signal(each, stop)
    try:
        yield wanted.is_set
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
