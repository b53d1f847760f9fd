"""Bounds of what a user and a file may say of a photo's noise; free of numpy, so that the command line starts fast."""

MAX_VARIANCE = 1.0
"""Shot or read variance beyond which noise would exceed the whole signal range."""
MAX_ISO = 10_000_000
MAX_SEED = 2**63 - 1
