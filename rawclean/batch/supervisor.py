"""An executor that does its calls in a process of its own, and outlives whatever they do to it.

Where that process dies, takes too long or too much memory, all calls that were in it are suspects and tried again one
by one: the guilty one is alone when it happens again, and is given up.
"""

import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, ParamSpec, TypeVar

import psutil

from rawclean.batch import child
from rawclean.batch.fresh_main import program_left_out
from rawclean.batch.outcome import Step, Stopped
from rawclean.errors import WorkerLostError

P = ParamSpec("P")
T = TypeVar("T")
TRIES = 2
POLL_SECONDS = 0.25
LIBRARIES = 1 << 30
"""Bytes that a process may take beside its photos."""
SECONDS_TO_STOP, SECONDS_TO_WRITE = 3.0, 30.0
"""For calls that are told to stop, and for those of them that write their result just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a call may take."""

    seconds: float = 900.0
    """Of its own: waiting for others is not counted."""
    memory: int | None = None
    """Bytes for photos, as planned; None is all that there is."""

    @property
    def bytes(self) -> int:
        """Of the whole process, libraries included, beyond which something eats memory."""
        if self.memory is None:
            return int(psutil.virtual_memory().total * 0.85)
        return LIBRARIES + 2 * self.memory


@dataclass(slots=True)
class _Task:
    call: child.Call
    future: Future[Any]
    watch: Callable[..., None] | None
    losses: int = 0
    """Processes that were lost while they did it."""
    spent: float = 0.0
    since: float | None = None
    """When its clock began to run; None while it waits."""
    step: Step | None = None

    def seconds(self) -> float:
        return self.spent + (time.monotonic() - self.since if self.since is not None else 0.0)

    def begin(self, step: Step | None) -> None:
        self.spent, self.step = self.seconds(), step
        self.since = None if step is Step.WAIT else time.monotonic()

    def give_up(self, error: BaseException | None = None) -> None:
        if error is None and self.future.cancel():
            self.future.set_running_or_notify_cancel()  # waiters are told by this only
        else:
            self.future.set_exception(error or Stopped())

    def lose(self) -> None:
        self.losses += 1
        self.spent, self.since, self.step = 0.0, None, None


class Supervisor(Executor):
    """Calls in a process of their own, `width` at once; it is started with the first one."""

    def __init__(self, width: int, limits: Limits) -> None:
        self._width, self._limits = width, limits
        self._lock = threading.RLock()
        self._waiting: deque[_Task] = deque()
        self._running: dict[int, _Task] = {}
        self._numbers = 0
        self._process: Any = None
        self._pipe: Any = None  # a Connection, of another class on Windows
        self._stopped_at: float | None = None
        self._closing = False
        self._failure: BaseException | None = None
        self._bell, self._button = multiprocessing.Pipe(duplex=False)
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have `function` called; a `watch` among its arguments by name stays here, and is told what its own is told.

        It must be one that can be pickled, with all arguments by position but that. Raises what has ended the
        supervision.
        """
        watch: Any = kwargs.get("watch")
        with self._lock:
            if self._failure is not None:
                raise self._failure
            self._numbers += 1
            call = child.Call(self._numbers, function, args, watch is not None)
            task = _Task(call, Future(), watch)
            self._waiting.append(task)
        self._ring()
        return task.future

    def stop(self) -> None:
        """Give up all calls, without a trace; those that write their result may do so."""
        with self._lock:
            self._stopped_at = self._stopped_at or time.monotonic()
            while self._waiting:
                self._waiting.popleft().give_up()
            self._tell(child.STOP)
        self._ring()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the process: in peace where it has nothing to do, else at once."""
        with self._lock:
            self._closing = True
        self._ring()
        if wait:
            self._thread.join()

    def _ring(self) -> None:
        with suppress(OSError):  # the thread has gone
            self._button.send_bytes(b"")

    def _tell(self, message: object) -> None:
        if self._pipe is not None:
            with suppress(OSError):  # a process that has died is found so by the thread
                self._pipe.send(message)

    def _supervise(self) -> None:
        try:
            while not self._closing:
                self._supervise_once()
        except BaseException as error:  # a thread ends unseen, and who waits for a call would wait for ever
            self._failure = error
        with self._lock:
            self._end_process()
            for task in [*self._running.values(), *self._waiting]:
                task.give_up(self._failure)
            self._bell.close()
            self._button.close()

    def _supervise_once(self) -> None:
        with self._lock:
            sources = [self._bell, *([self._pipe, self._process.sentinel] if self._process else [])]
        ready = wait(sources, POLL_SECONDS)
        if self._bell in ready:
            self._bell.recv_bytes()
        with self._lock:
            self._receive()
            reason = self._reason_to_end()
            if reason:
                self._bury(reason)
            if self._stopped_at is not None and not self._running:
                self._end_process()
                self._stopped_at = None
            self._dispatch()

    def _receive(self) -> None:
        """Take what the process has sent; what a dead one sent last is still there."""
        try:
            while self._pipe is not None and self._pipe.poll():
                self._take(self._pipe.recv())
        except (EOFError, OSError):
            return

    def _take(self, message: child.Step | child.End) -> None:
        task = self._running.get(message.number)
        if task is None:
            return
        if isinstance(message, child.Step):
            task.begin(next((told for told in message.told if isinstance(told, Step)), task.step))
            if task.watch and message.told:
                task.watch(*message.told)
            return
        del self._running[message.number]
        if message.error is not None:
            task.future.set_exception(message.error)
        else:
            task.future.set_result(message.result)

    def _reason_to_end(self) -> str | None:
        """Why the process, if there is one, must go or has gone."""
        if self._process is None:
            return None
        if not self._process.is_alive():
            return f"it crashed, {_in_words(self._process.exitcode)}"
        if any(task.seconds() > self._limits.seconds for task in self._running.values()):
            return f"it took longer than {self._limits.seconds:g} s; --timeout gives it more"
        if self._stopped_at is not None and self._running and self._is_late_to_stop(self._stopped_at):
            return "it did not stop"
        with suppress(psutil.Error):
            if psutil.Process(self._process.pid).memory_info().rss > self._limits.bytes:
                return f"it took more than {self._limits.bytes >> 20} MiB of memory"
        return None

    def _is_late_to_stop(self, since: float) -> bool:
        writes = any(task.step is Step.WRITE for task in self._running.values())
        return time.monotonic() - since > (SECONDS_TO_WRITE if writes else SECONDS_TO_STOP)

    def _bury(self, reason: str) -> None:
        """End the process and decide on the calls that were in it."""
        self._process.kill()
        self._process.join()
        self._receive()
        suspects, self._running = list(self._running.values()), {}
        self._drop()
        for task in reversed(suspects):
            task.lose()
            if self._stopped_at is not None:
                task.give_up()
            elif task.losses >= TRIES:
                task.future.set_exception(WorkerLostError(f"{task.losses} tries, and {reason}"))
            else:
                self._waiting.appendleft(task)

    def _dispatch(self) -> None:
        """Hand over calls: those that may have cost a process its life alone."""
        while self._waiting and self._stopped_at is None and len(self._running) < self._width:
            careful = self._waiting[0].losses or any(task.losses for task in self._running.values())
            if careful and self._running:
                return
            task = self._waiting.popleft()
            if task.losses or task.future.set_running_or_notify_cancel():
                if self._process is None:
                    self._start()
                self._running[task.call.number] = task
                self._tell(task.call)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # no thread, lock or GPU of this process is shared
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=child.serve, args=(theirs, self._width), name="photos", daemon=True)
        with program_left_out(), _interrupts_blocked():  # inherited: the child would end its imports with a traceback
            self._process.start()
        theirs.close()

    def _end_process(self) -> None:
        if self._process is None:
            return
        if not self._running:
            self._tell(child.FINISH)
            self._process.join(SECONDS_TO_STOP)
        self._process.kill()
        self._process.join()
        self._drop()

    def _drop(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        self._process.close()
        self._process = self._pipe = None


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Keep Ctrl-C from this thread and from processes that it starts; Windows has no such thing, and needs none."""
    mask = getattr(signal, "pthread_sigmask", None)
    before = mask(getattr(signal, "SIG_BLOCK"), {signal.SIGINT}) if mask else None  # noqa: B009 (not on Windows)
    try:
        yield
    finally:
        if mask:
            mask(getattr(signal, "SIG_SETMASK"), before)  # noqa: B009


def _in_words(status: int | None) -> str:
    if status is None or status >= 0:
        return f"exit status {status}"
    return signal.Signals(-status).name if -status in {each.value for each in signal.Signals} else f"signal {-status}"
