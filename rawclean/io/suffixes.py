"""File names of RAW photos."""

from pathlib import Path

RAW_SUFFIXES = frozenset(
    {".3fr", ".arq", ".arw", ".bay", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc"}
    | {".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".ori", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf"}
    | {".srw", ".x3f"}
)
"""Names under which LibRaw's cameras keep their photos; a folder is searched for them."""

RAW_EXTENSIONS = sorted(suffix.removeprefix(".") for suffix in RAW_SUFFIXES)
"""The same without the point, as other programs name them."""


def list_raws(folder: Path) -> list[Path]:
    """RAW photos directly in `folder`, by their names, sorted; raises OSError where it cannot be listed."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in RAW_SUFFIXES)
