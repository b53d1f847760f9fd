"""The process that does the work of a local batch: it takes calls from a pipe and answers with steps and results.

It shares nothing with the process that watches it, so that a decoder that crashes, hangs or eats the memory takes
nothing but this process with it.
"""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from rawclean.batch.outcome import Stopped
from rawclean.core.glibc import keep_freed_memory


@dataclass(frozen=True, slots=True)
class Call:
    """Something to do."""

    number: int
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    followed: bool
    """Whether the function takes a `watch`."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the `watch` of a call was told; nothing where the call has just begun."""

    number: int
    told: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class End:
    """What a call returned or raised."""

    number: int
    result: Any
    error: BaseException | None


STOP, FINISH = "stop", "finish"
"""Give up what is not being written; end when all calls are answered."""


def serve(pipe: Connection, width: int) -> None:
    """Do calls, `width` at once, until told to finish; ends at once where the other process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the one that watches says what to do
    keep_freed_memory()
    child = _Child(pipe)
    with ThreadPoolExecutor(width, "photo") as threads:
        while True:
            try:
                asked = pipe.recv()
            except (EOFError, OSError):
                os._exit(1)
            if asked == FINISH:
                return
            if asked == STOP:
                child.stop.set()
            else:
                threads.submit(child.do, asked)


class _Child:
    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._lock = pipe, threading.Lock()
        self.stop = threading.Event()

    def do(self, call: Call) -> None:
        self._send(Step(call.number, ()))
        try:
            result = call.function(*call.arguments, **({"watch": self._watch(call)} if call.followed else {}))
            self._send(End(call.number, result, None))
        except BaseException as error:  # it is raised again in the other process
            self._send(End(call.number, None, error))

    def _watch(self, call: Call) -> Callable[..., None]:
        def watch(*told: Any) -> None:
            if self.stop.is_set():
                raise Stopped
            self._send(Step(call.number, told))

        return watch

    def _send(self, message: Step | End) -> None:
        with self._lock:
            self._pipe.send(message)
