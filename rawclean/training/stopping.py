"""A training that is asked to end does so between two steps, where it can be saved."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = signal.SIGINT, signal.SIGTERM
"""Ctrl-C, and what `kill`, torchrun and the schedulers of clusters send."""


@contextmanager
def stop_wanted() -> Iterator[Callable[[], bool]]:
    """Whether one of the signals has come; the second of a kind does what it did before."""
    if threading.current_thread() is not threading.main_thread():  # which alone may listen
        yield lambda: False
        return
    wanted = threading.Event()
    before = {each: signal.getsignal(each) or signal.SIG_DFL for each in _SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, before[signal.Signals(number)])
        wanted.set()

    for each, handler in before.items():
        if handler is not signal.SIG_IGN:  # as nohup and shells have it for what runs in the background
            signal.signal(each, stop)
    try:
        yield wanted.is_set
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
