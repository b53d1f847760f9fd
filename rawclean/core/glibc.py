"""The tuning of memory that glibc has, and other C libraries have not."""

import ctypes
import sys
from collections.abc import Callable


def glibc_mallopt() -> Callable[[int, int], int] | None:
    """mallopt(parameter, value); None where another C library is at work."""
    if sys.platform != "linux":
        return None
    try:
        mallopt: Callable[[int, int], int] = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return None
    return mallopt
