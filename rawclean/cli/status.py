"""Exit statuses."""

FAILED, WRONG_USAGE, PARTLY_FAILED, INTERRUPTED = 1, 2, 3, 130
"""INTERRUPTED is what shells say of a program that Ctrl-C has ended."""
