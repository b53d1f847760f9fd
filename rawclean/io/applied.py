"""Whether the noise of a photo is gone already, as its file says: DNG tag NoiseReductionApplied, or its XMP."""

import re
from pathlib import Path

from rawclean.io.tiff import tags
from rawclean.io.tiff.metadata import Metadata
from rawclean.io.xmp import read_packet

_MARK = re.compile(rb"neural_restore\s*(?:=\s*[\"']|>)\s*raw-denoise\b")


def is_denoised(photo: Path, metadata: Metadata | None) -> bool:
    """Whether tag or XMP of a photo say so, XMP inside it or beside it as `IMG.dng.xmp`; without tags nothing does.

    `IMG.xmp` is not asked: it may be of a result with the same stem.
    """
    if metadata is None:
        return False
    if metadata.tells_noise_reduction:
        return True
    return _is_marked(read_packet(photo.with_name(f"{photo.name}.xmp")) or b"") or _is_marked(_packet(metadata))


def _packet(metadata: Metadata) -> bytes:
    entry = metadata.tiff.first().entries.get(tags.XMP) if metadata.tiff else None
    return entry.data if entry else b""


def _is_marked(packet: bytes) -> bool:
    return _MARK.search(packet) is not None
