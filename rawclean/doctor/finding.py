"""What an examination of the installation says of one thing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """What a finding means for the user."""

    GOOD = "good"
    NOTE = "note"
    """It works, and something is other than it could be."""
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of an examination."""

    name: str
    """What was looked at."""
    state: State
    text: str


Examination = Callable[[], Iterable[Finding]]
"""Looks at something, and may fail at it."""


def examined(name: str, examination: Examination) -> list[Finding]:
    """The findings of an examination; one that breaks off ends in a fault with this name."""
    findings: list[Finding] = []
    try:
        findings.extend(examination())
    except Exception as error:  # whatever is broken in an installation, the rest is looked at
        findings.append(Finding(name, State.FAULT, f"{type(error).__name__}: {error}"))
    return findings
