"""DNG to DNG: the source with the raw data, the previews and the tags about them replaced.

All other values stay byte for byte. Maker notes keep their place in the file too, since offsets inside them count from
its start; the rest moves together, so that a smaller mosaic makes a smaller file.
"""

import dataclasses
import math
from collections.abc import Collection

import numpy as np

from rawclean.core.frame import RawFrame
from rawclean.errors import OutputError
from rawclean.io.compression import Compression
from rawclean.io.dng.entries import (
    JPEG_XL_VERSION,
    DenoisedPhoto,
    identity_entries,
    noise_profile_entry,
    preview_entries,
    raw_entries,
    version_entries,
)
from rawclean.io.dng.opcodes import (
    BAD_PIXEL_OPCODES,
    MAP_POLYNOMIAL,
    ON_STORED_VALUES,
    bad_pixel_constants,
    opcode_numbers,
    without_opcodes,
)
from rawclean.io.dng.stored import stored_samples
from rawclean.io.preview import Preview
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.metadata import picture_blocks
from rawclean.io.tiff.structure import LONG, Directory, Entry

_APPLIED_TAGS = (tags.LINEARIZATION_TABLE, tags.BLACK_LEVEL_DELTA_H, tags.BLACK_LEVEL_DELTA_V)
"""What reading has already done to the samples."""
_STALE_TAGS = (
    *(tags.RAW_IMAGE_DIGEST, tags.NEW_RAW_IMAGE_DIGEST),
    *(tags.ORIGINAL_RAW_FILE_DIGEST, tags.ORIGINAL_RAW_FILE_DATA),
)
_PINNED_TAGS = (tags.MAKER_NOTE, tags.DNG_PRIVATE_DATA)
"""Values that may hold offsets which nobody knows, and so must not move."""


LEAST_ROOM = 1 << 24
"""Pixels that all previews together may have more than the photo, and still be made at the size that they had."""
LARGEST_SIDE = 65500
"""Of a JPEG, in libjpeg."""


def graft_dng(photo: DenoisedPhoto, *, keep_previews: bool = False) -> bytearray:
    """The DNG that a photo was read from, with its samples replaced, and its previews made anew.

    Raises OutputError where the source's raster is not the one that was read.
    """
    return _Graft(photo, None if keep_previews else Preview(photo.frame)).run()


class _Graft:
    """One file under change; `preview` goes to each place that holds one."""

    def __init__(self, photo: DenoisedPhoto, preview: Preview | None) -> None:
        metadata = photo.raw.metadata
        if metadata.tiff is None or metadata.raw is None:
            raise OutputError("is no DNG")
        self.photo = photo
        self.metadata = metadata
        self.tiff = metadata.tiff
        self.canvas = TiffCanvas(metadata.tiff)
        self.raw_offset = metadata.raw.offset
        raw = _without_applied(metadata.raw, photo, is_lossy=metadata.is_lossy)
        self.stored = stored_samples(_with_marks(photo.frame, raw), spread=_may_be_spread(raw))
        self.preview = preview
        self.room = math.prod(photo.frame.raster.shape[-2:]) + LEAST_ROOM
        size = tuple(metadata.integers(tag)[:1] for tag in (tags.IMAGE_LENGTH, tags.IMAGE_WIDTH))
        if size != tuple((side,) for side in photo.frame.raster.shape[-2:]):
            raise OutputError("its raw image is cropped in a way that is not supported yet")

    def run(self) -> bytearray:
        chain = self.tiff.chain()
        first = chain[0]
        children = self.tiff.children(first, tags.SUB_IFDS)
        linked = {tag: self.tiff.children(first, tag)[:1] for tag in (tags.EXIF_IFD, tags.GPS_IFD)}
        self._release([*chain, *children, *(page for pages in linked.values() for page in pages)])
        offsets = [self._write(child, child.next_offset) for child in children]
        if self.preview is not None and not any(map(self._is_preview, [*chain, *children])):
            offsets.append(self._new_preview(self.preview))
        links = {tags.SUB_IFDS: offsets} if offsets else {}
        links |= {tag: [self._write(page, 0) for page in pages] for tag, pages in linked.items() if pages}
        following = 0
        for page in reversed(chain[1:]):
            following = self._write(page, following)
        self.canvas.set_first(self._write(self._with_identity(first, links), following))
        return self.canvas.finish()

    def _release(self, pages: list[Directory]) -> None:
        """Give back what is stored anew: tables, their values but pinned ones, and pictures that are replaced."""
        blocks = [(page.offset, page.size) for page in pages]
        kept: list[tuple[int, int]] = []
        for entry in (entry for page in pages for entry in page.entries.values()):
            if entry.offset is not None:
                (kept if entry.tag in _PINNED_TAGS else blocks).append((entry.offset, len(entry.data)))
        for page in pages:
            if page.offset == self.raw_offset or (self.preview is not None and self._is_preview(page)):
                blocks += picture_blocks(self.tiff, page)
        self.canvas.release(blocks, kept)

    def _write(self, page: Directory, next_offset: int) -> int:
        """Store a released `page` with its picture replaced; return its offset."""
        page = page.with_entries(entry.unplaced() for entry in page.entries.values() if entry.tag not in _PINNED_TAGS)
        if page.offset == self.raw_offset:
            page = _without_applied(page, self.photo, is_lossy=self.metadata.is_lossy)
            dropped = (*tags.STORAGE_TAGS, *_APPLIED_TAGS, *_STALE_TAGS)
            page = page.with_entries(raw_entries(self.photo, self.stored, self.canvas), dropped)
        elif self.preview is not None and self._is_preview(page):
            page = self._with_new_preview(page, self.preview)
        return self.canvas.write_directory(Directory(page.offset, page.entries, next_offset))

    def _with_identity(self, first: Directory, links: dict[int, list[int]]) -> Directory:
        xmp = first.entries.get(tags.XMP)
        changed = identity_entries(self.tiff, self.photo, self.stored, xmp.data if xmp else None)
        oldest_reader = self.tiff.integers(first.entries.get(tags.DNG_BACKWARD_VERSION))
        if self.photo.compression is Compression.JXL and oldest_reader < JPEG_XL_VERSION:
            changed += version_entries(self.tiff, Compression.JXL)
        changed += [self.tiff.encode(tag, LONG, offsets) for tag, offsets in links.items()]
        if tags.NOISE_PROFILE in first.entries:
            changed.append(noise_profile_entry(self.tiff, self.photo.residual, self.photo.frame.layout))
        return first.with_entries(changed, dropped=(*_STALE_TAGS, *_APPLIED_TAGS))

    def _is_preview(self, page: Directory) -> bool:
        """Whether a directory holds a reduced picture of the photo; masks and depth maps are none."""
        kind = self.tiff.integers(page.entries.get(tags.NEW_SUBFILE_TYPE)) or (1,)
        reduced = page.offset != self.raw_offset and kind[0] & 0xFFFF == 1
        return reduced and (self._size(page) is not None or tags.JPEG_OFFSET in page.entries)

    def _size(self, page: Directory) -> tuple[int, int] | None:
        height, width = (self.tiff.integers(page.entries.get(tag)) for tag in (tags.IMAGE_LENGTH, tags.IMAGE_WIDTH))
        return (height[0], width[0]) if height and width and height[0] > 0 and width[0] > 0 else None

    def _with_new_preview(self, page: Directory, preview: Preview) -> Directory:
        size = self._size(page) or preview.size
        if math.prod(size) > self.room or max(size) > LARGEST_SIDE:
            size = preview.size
        self.room -= math.prod(size)
        dropped = (*tags.STORAGE_TAGS, tags.JPEG_OFFSET, tags.JPEG_BYTE_COUNT)
        kind = page.entries.get(tags.NEW_SUBFILE_TYPE)
        return page.with_entries([*preview_entries(self.canvas, preview, size), *([kind] if kind else [])], dropped)

    def _new_preview(self, preview: Preview) -> int:
        entries = preview_entries(self.canvas, preview, preview.size)
        return self.canvas.write_directory(Directory(0).with_entries(entries))


def _may_be_spread(raw: Directory) -> bool:
    """Whether no opcode depends on the codes as they are."""
    first = raw.entries.get(tags.OPCODE_LIST_1)
    return first is None or ON_STORED_VALUES.isdisjoint(opcode_numbers(first.data))


def _without_applied(raw: Directory, photo: DenoisedPhoto, *, is_lossy: bool) -> Directory:
    """Without the opcodes whose work is done: polynomials, by LibRaw when it decodes a lossy DNG, and bad pixels."""
    if photo.bad_pixels_repaired and photo.frame.listed_bad is not None:
        raw = _without(raw, tags.OPCODE_LIST_1, BAD_PIXEL_OPCODES)
    return _without(raw, tags.OPCODE_LIST_2, {MAP_POLYNOMIAL}) if is_lossy else raw


def _without(raw: Directory, tag: int, numbers: Collection[int]) -> Directory:
    """Without some opcodes of a list, and without the list if nothing else is in it."""
    opcodes = raw.entries.get(tag)
    if opcodes is None:
        return raw
    rest = without_opcodes(opcodes.data, numbers)
    return raw.with_entries([Entry(tag, opcodes.kind, len(rest), rest)] if opcode_numbers(rest) else [], dropped=[tag])


def _with_marks(frame: RawFrame, raw: Directory) -> RawFrame:
    """With the constant that marks bad sites back in its places, where the opcode that looks for it stays."""
    first = raw.entries.get(tags.OPCODE_LIST_1)
    constants = bad_pixel_constants(first.data) if first else []
    if frame.listed_bad is None or not constants:
        return frame
    marked = np.where(frame.listed_bad, np.float32(constants[0]), frame.raster)
    return dataclasses.replace(frame, raster=marked)
