"""Denoise RAW photos. `rawclean.settings` has the options of what is offered here, `rawclean.errors` what is raised."""

from typing import TYPE_CHECKING, Any

from rawclean.version import __version__

if TYPE_CHECKING:
    from rawclean.api import denoise_file, denoise_mosaic, run_batch

__all__ = ["__version__", "denoise_file", "denoise_mosaic", "run_batch"]


def __getattr__(name: str) -> Any:
    """What the package offers, loaded when it is first asked for: the command line starts without it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rawclean import api  # noqa: PLC0415

    return getattr(api, name)
