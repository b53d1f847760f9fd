"""Processes that begin without the program that starts them.

multiprocessing runs the file of `__main__` again in each process that it spawns, so that what is pickled finds its
functions. What a batch hands over are functions of rawclean; a script without `if __name__ == "__main__":` would begin
its batch anew in there, and its worker would die of that.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec

_LOCK = threading.Lock()


@contextmanager
def program_left_out() -> Iterator[None]:
    """Keep processes that are spawned inside from running the program again.

    A package's `__main__` is the one program that multiprocessing never runs again, so this one is named like it
    meanwhile. It stays in its place, so that other threads can pickle its functions.
    """
    main = sys.modules["__main__"]
    name = ".".join(filter(None, (getattr(main, "__package__", None), "__main__")))  # relative imports stay the same
    with _LOCK:
        spec, main.__spec__ = main.__spec__, ModuleSpec(name, None)
        try:
            yield
        finally:
            main.__spec__ = spec
