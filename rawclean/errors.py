"""Failures that a user can act on; the command line prints their message and exits with status 1."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class RawcleanError(Exception):
    """Base of every expected failure; its message says what to do."""


class UsageError(RawcleanError):
    """The value of an option is none that it can have; the command line exits with status 2."""


class UnreadablePhotoError(RawcleanError):
    """The file is no photo that can be decoded: missing, empty, truncated, of another kind."""


class UnsupportedSensorError(RawcleanError):
    """The file decodes, but its sensor layout is none that rawclean denoises."""


class InvalidLevelsError(RawcleanError):
    """Black and white levels, or the geometry, contradict each other."""


class InvalidNoiseError(RawcleanError):
    """Noise parameters that no sensor has: negative, not finite, or beyond the signal."""


class CalibrationError(RawcleanError):
    """Shots that do not give the profile of a camera: of different kinds, of a scene that moved, or without range."""


class OutputError(RawcleanError):
    """The output cannot be written."""


class TargetFullError(OutputError):
    """The output cannot be written, nor can any other: the disk is full, or turned read-only."""


class ModelError(RawcleanError):
    """A model is missing, damaged or not of the kind that its card says."""


class TrainingError(RawcleanError):
    """A recipe, a photo folder or a checkpoint that training cannot use."""


class TrainingStoppedError(RawcleanError):
    """A training was asked to end before its last step; it is saved, and can go on."""


class UnsupportedDeviceError(UsageError):
    """The device asked for is not on this machine."""


class MemoryLimitError(RawcleanError):
    """A photo needs more memory than it may have."""


class SchedulerError(RawcleanError):
    """The cluster asked for cannot be reached."""


class WorkerLostError(RawcleanError):
    """Work that has cost the process that did it its life, more than once."""


class ConfigError(UsageError):
    """A configuration file that cannot be understood."""


class IntegrationError(RawcleanError):
    """A photo program that is not there, or cannot be given an entry."""


@contextmanager
def naming(photo: Path, kind: type[RawcleanError] = RawcleanError) -> Iterator[None]:
    """Put the name of a photo before the message of what is raised inside, if it is of a `kind`."""
    try:
        yield
    except kind as error:
        raise type(error)(f"{photo}: {error}") from error
