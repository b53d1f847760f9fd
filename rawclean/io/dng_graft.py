"""DNG to DNG: the source's bytes with the raw data, the previews and the tags about them replaced.

All that is not named here keeps its place in the file, so that offsets inside maker notes stay valid.
"""

import numpy as np
from numpy.typing import NDArray

from rawclean.errors import OutputError
from rawclean.io import metadata as tags
from rawclean.io.dng import (
    DenoisedPhoto,
    identity_entries,
    noise_profile_entry,
    preview_entries,
    preview_pixels,
    preview_size,
    raw_entries,
)
from rawclean.io.metadata import read_metadata
from rawclean.io.tiff import LONG, Directory, Tiff, TiffCanvas

_LAYOUT_TAGS = (
    *(tags.STRIP_OFFSETS, tags.STRIP_BYTE_COUNTS, tags.ROWS_PER_STRIP, tags.PREDICTOR, tags.SAMPLE_FORMAT),
    *(tags.TILE_WIDTH, tags.TILE_LENGTH, tags.TILE_OFFSETS, tags.TILE_BYTE_COUNTS),
)
_APPLIED_TAGS = (tags.LINEARIZATION_TABLE, tags.BLACK_LEVEL_DELTA_H, tags.BLACK_LEVEL_DELTA_V)
"""What reading has already done to the samples."""
_STALE_TAGS = (
    *(tags.RAW_IMAGE_DIGEST, tags.NEW_RAW_IMAGE_DIGEST),
    *(tags.ORIGINAL_RAW_FILE_DIGEST, tags.ORIGINAL_RAW_FILE_DATA),
)
_MAX_CHAIN = 16


def graft_dng(photo: DenoisedPhoto) -> bytearray:
    """The DNG `photo.frame.source` with its mosaic replaced.

    Raises OutputError where the source's raster is not the one that was read.
    """
    facts = read_metadata(photo.frame.source)
    if facts.tiff is None or facts.raw is None:
        raise OutputError(f"{photo.frame.source}: changed while it was denoised; try again")
    return _Graft(photo, facts.tiff, facts.raw).run()


class _Graft:
    """One file under change; the preview is rendered once and scaled for each place that holds one."""

    def __init__(self, photo: DenoisedPhoto, tiff: Tiff, raw: Directory) -> None:
        self.photo = photo
        self.tiff = tiff
        self.canvas = TiffCanvas(tiff)
        self.raw_offset = raw.offset
        self.pixels: NDArray[np.uint8] = preview_pixels(photo.frame)
        stored = tuple(tiff.integers(raw.entries.get(tag))[:1] for tag in (tags.IMAGE_LENGTH, tags.IMAGE_WIDTH))
        if stored != tuple((side,) for side in photo.frame.raster.shape):
            raise OutputError(f"{photo.frame.source}: its raw image is cropped in a way that is not supported yet")

    def run(self) -> bytearray:
        chain = self._chain()
        following = 0
        for page in reversed(chain[1:]):
            following = self._write(page, following)
        first = chain[0]
        children = self.tiff.children(first, tags.SUB_IFDS)
        offsets = [self._write(child, child.next_offset) for child in children]
        if not any(map(self._is_preview, [*chain, *children])):
            offsets.append(self._new_preview())
        self.canvas.set_first(self._write(first, following, offsets))
        return self.canvas.finish()

    def _chain(self) -> list[Directory]:
        """IFD0 and those linked after it."""
        chain = [self.tiff.first()]
        while chain[-1].next_offset and len(chain) < _MAX_CHAIN:
            chain.append(self.tiff.directory(chain[-1].next_offset))
        return chain

    def _write(self, page: Directory, next_offset: int, children: list[int] | None = None) -> int:
        """Store `page` anew with its content replaced; return its offset."""
        self.canvas.release(page.offset, page.size)
        if page.offset == self.raw_offset:
            self._release_data(page)
            page = page.with_entries(
                raw_entries(self.photo, self.canvas), dropped=(*_LAYOUT_TAGS, *_APPLIED_TAGS, *_STALE_TAGS)
            )
        elif self._is_preview(page):
            page = self._with_new_preview(page)
        if children is not None:
            page = self._with_identity(page, children)
        return self.canvas.write_directory(Directory(page.offset, page.entries, next_offset))

    def _with_identity(self, first: Directory, children: list[int]) -> Directory:
        changed = identity_entries(self.tiff, self.photo)
        if children:
            changed.append(self.tiff.encode(tags.SUB_IFDS, LONG, children))
        if tags.NOISE_PROFILE in first.entries:
            changed.append(noise_profile_entry(self.tiff, self.photo.residual))
        return first.with_entries(changed, dropped=_STALE_TAGS)

    def _is_preview(self, page: Directory) -> bool:
        """Whether a directory holds a reduced picture of the photo; masks and depth maps are none."""
        kind = self.tiff.integers(page.entries.get(tags.NEW_SUBFILE_TYPE)) or (1,)
        return page.offset != self.raw_offset and kind[0] & 0xFFFF == 1 and self._size(page) is not None

    def _size(self, page: Directory) -> tuple[int, int] | None:
        height, width = (self.tiff.integers(page.entries.get(tag)) for tag in (tags.IMAGE_LENGTH, tags.IMAGE_WIDTH))
        if height and width and 0 < height[0] <= 1 << 16 and 0 < width[0] <= 1 << 16:
            return height[0], width[0]
        return preview_size(self.pixels) if tags.JPEG_OFFSET in page.entries else None

    def _with_new_preview(self, page: Directory) -> Directory:
        self._release_data(page)
        size = self._size(page) or preview_size(self.pixels)
        dropped = (*_LAYOUT_TAGS, tags.JPEG_OFFSET, tags.JPEG_BYTE_COUNT)
        kind = page.entries.get(tags.NEW_SUBFILE_TYPE)
        return page.with_entries([*preview_entries(self.canvas, self.pixels, size), *([kind] if kind else [])], dropped)

    def _new_preview(self) -> int:
        entries = preview_entries(self.canvas, self.pixels, preview_size(self.pixels))
        return self.canvas.write_directory(Directory(0).with_entries(entries))

    def _release_data(self, page: Directory) -> None:
        """Give back the blocks of the page's picture."""
        pairs = (
            (tags.STRIP_OFFSETS, tags.STRIP_BYTE_COUNTS),
            (tags.TILE_OFFSETS, tags.TILE_BYTE_COUNTS),
            (tags.JPEG_OFFSET, tags.JPEG_BYTE_COUNT),
        )
        for offsets, sizes in pairs:
            blocks = (self.tiff.integers(page.entries.get(tag)) for tag in (offsets, sizes))
            for offset, size in zip(*blocks, strict=False):
                self.canvas.release(offset, size)
