"""What a user tells, on the command line or in a program, to the value that it stands for.

What takes it alone raises ValueError, whose message says what it can be.
"""

from collections.abc import Callable
from enum import Enum
from numbers import Integral, Real
from typing import Any, TypeVar

from rawclean.core.limits import MAX_ISO, MAX_VARIANCE
from rawclean.errors import UsageError

T = TypeVar("T")
Choice = TypeVar("Choice", bound=Enum)


def value_told(name: str, value_of: Callable[[Any], T], told: object) -> T:
    """The value of what has a name; raises UsageError where it can have none."""
    try:
        return value_of(told)
    except ValueError as error:
        shown = " ".join(f"{told!r:.60}".split())  # an array has lines
        raise UsageError(f"{name} is {shown}; {error}") from error


def choice_of(kind: type[Choice], told: object) -> Choice:
    """A choice, or the word for it."""
    try:
        return kind(told)
    except ValueError as error:
        raise ValueError(f"give one of {', '.join(str(choice.value) for choice in kind)}") from error


def flag_of(told: object) -> bool:
    """True or False."""
    if not isinstance(told, bool):
        raise ValueError("give True or False")
    return told


def name_of(told: object) -> str:
    """A text that is not empty."""
    if not isinstance(told, str) or not told:
        raise ValueError("give a name")
    return told


def iso_of(told: Any) -> float:
    """A number from 1 to MAX_ISO."""
    if not _is_a(Real, told) or not 1 <= told <= MAX_ISO:
        raise ValueError(f"give a number from 1 to {MAX_ISO}")
    return float(told)


def seconds_of(told: Any) -> float:
    """A number above 0."""
    if not _is_a(Real, told) or not told > 0:
        raise ValueError("give a number of seconds above 0")
    return float(told)


def whole_number_of(least: int, told: Any) -> int:
    """A whole number that is not below `least`."""
    if not _is_a(Integral, told) or told < least:
        raise ValueError(f"give a whole number, at least {least}")
    return int(told)


def shot_and_read_of(told: Any) -> tuple[float, float]:
    """Two variances on the linear signal 0 to 1, or a text like 1.6e-3,2.6e-6."""
    try:
        shot, read = (float(part) for part in (told.split(",") if isinstance(told, str) else told))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("give two numbers like 1.6e-3,2.6e-6") from error
    if not (0 <= shot <= MAX_VARIANCE and 0 <= read <= MAX_VARIANCE):
        raise ValueError(f"variances are from 0 to {MAX_VARIANCE:g}")
    return shot, read


def _is_a(kind: type, told: object) -> bool:
    """Whether that is a number of the kind; to Python True is one, but nobody means it."""
    return isinstance(told, kind) and not isinstance(told, bool)
