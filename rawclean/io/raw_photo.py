"""A photo as it was read, once: its samples, and the tags that a writer carries over."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from rawclean.core.frame import RawFrame
from rawclean.io.tiff.metadata import Metadata


@dataclass(frozen=True, slots=True)
class RawPhoto:
    """What writers take; the file is not read again, so that it cannot have changed."""

    source: Path
    frame: RawFrame
    metadata: Metadata

    def with_frame(self, frame: RawFrame) -> "RawPhoto":
        """The same photo with other samples."""
        return dataclasses.replace(self, frame=frame)
