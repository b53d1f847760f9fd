"""Where the samples of a DNG's raw image lie: strips or tiles (TIFF 6.0, sections 3 and 15).

All are there, inside the file and apart from each other, from the tags and from other pictures, and none is too small
for what it must hold. What LibRaw does not find it leaves as the memory was, which may be another photo.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rawclean.errors import UnreadablePhotoError, UnsupportedSensorError
from rawclean.io.tiff import tags
from rawclean.io.tiff.metadata import Metadata, picture_blocks, picture_pages

MAX_SAMPLES = 1 << 30
"""More than any sensor has; a damaged size must not fill the memory."""
MOST_SAMPLES_PER_BYTE = {
    tags.COMPRESSION_JPEG: 8,
    tags.COMPRESSION_DEFLATE: 1032,
    tags.COMPRESSION_LOSSY_JPEG: 1024,
    tags.COMPRESSION_JPEG_XL: 1 << 16,
}
"""One bit for each; deflate's limit; two bits for each block of 64, chroma at half size; an even 512x512 tile."""
MAX_SEGMENTS = 1 << 15
"""More than the rows of any photo, each a strip, or its tiles of 64x64."""
MOST_EVEN, SMALL = 256, 1 << 22
"""Samples per byte that a raw image has at most, if it is larger than a small one: an even tile is usual, a photo of
nothing else is none, and costs as much memory as any."""
_COMPRESSION_VC5 = 9
_BITS = range(8, 33)
"""Of a sample (DNG specification 1.7.1, chapter 4)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One strip or tile."""

    offset: int
    size: int
    """Bytes."""
    top: int
    left: int
    rows: int
    columns: int
    """As stored: a tile at the border may reach beyond the image."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A raw image as its directory describes it."""

    height: int
    width: int
    colours: int
    """Samples of a pixel."""
    bits: int
    """Of a sample."""
    floating: bool
    """Whether samples are floating point numbers."""
    order: Literal["<", ">"]
    """Of the bytes of a sample, < or >."""
    compression: int
    predictor: int
    segments: tuple[Segment, ...]

    def rows_of(self, segment: Segment) -> tuple[int, int]:
        """Fewest and most rows that a segment may hold; some encoders fill up the last strip, others no last tile."""
        return min(segment.rows, self.height - segment.top), self.segments[0].rows


def stored_image(metadata: Metadata) -> StoredImage:
    """The raw image of a DNG.

    Raises UnreadablePhotoError where something of it is missing or its tags contradict each other or the size of the
    file, UnsupportedSensorError where it is stored in a way that is not read.
    """
    height, width = _size(metadata, tags.IMAGE_LENGTH), _size(metadata, tags.IMAGE_WIDTH)
    colours = _size(metadata, tags.SAMPLES_PER_PIXEL, 1)
    bits = _integers(metadata, tags.BITS_PER_SAMPLE) or (0,)
    compression = _size(metadata, tags.COMPRESSION, tags.COMPRESSION_NONE)
    if height * width * colours > MAX_SAMPLES or len(set(bits)) > 1 or bits[0] not in _BITS:
        raise UnreadablePhotoError(
            f"a raw image of {width}x{height}x{colours} samples of {bits[0]} bits; the file is damaged"
        )
    _check_storage(metadata, compression, colours)
    image = StoredImage(
        *(height, width, colours, bits[0]),
        floating=_is_floating(metadata),
        order=">" if metadata.tiff and metadata.tiff.order == ">" else "<",
        compression=compression,
        predictor=_size(metadata, tags.PREDICTOR, 1),
        segments=_segments(metadata, height, width),
    )
    _check_inside(image.segments, len(metadata.tiff.data) if metadata.tiff else 0)
    _check_apart(image.segments, _other_places(metadata))
    for segment in image.segments:
        _check_filled(image, segment)
    _check_worth(image)
    return image


def _integers(metadata: Metadata, tag: int) -> tuple[int, ...]:
    """Of the raw directory alone: the preview in IFD0 has such tags, too."""
    return metadata.tiff.integers(metadata.raw.entries.get(tag)) if metadata.tiff and metadata.raw else ()


def _size(metadata: Metadata, tag: int, default: int | None = None) -> int:
    """One positive number."""
    values = _integers(metadata, tag) or ((default,) if default else ())
    if len(values) != 1 or values[0] < 1:
        raise UnreadablePhotoError(f"tag {tag} of its raw image is {list(values[:4])}; the file is damaged")
    return values[0]


def _check_storage(metadata: Metadata, compression: int, colours: int) -> None:
    if compression == _COMPRESSION_VC5:
        raise UnsupportedSensorError(
            "a GoPro .GPR, compressed as VC-5, which is not supported; Adobe DNG Converter makes a DNG of it"
        )
    if compression not in (tags.COMPRESSION_NONE, *MOST_SAMPLES_PER_BYTE):
        raise UnsupportedSensorError(f"samples compressed in an unknown way ({compression}); is the file whole?")
    if _integers(metadata, tags.FILL_ORDER) not in ((), (1,)):
        raise UnsupportedSensorError("samples whose bits are in reverse order (FillOrder); is the file whole?")
    if any(factor != 1 for tag in tags.INTERLEAVE_FACTORS for factor in _integers(metadata, tag)):
        raise UnsupportedSensorError("DNG with interleaved rows or columns; this is not supported yet")
    if colours > 1 and _integers(metadata, tags.PLANAR_CONFIGURATION) not in ((), (1,)):
        raise UnsupportedSensorError("DNG with its colours in planes apart; this is not supported yet")


def _is_floating(metadata: Metadata) -> bool:
    """Whether samples are floating point numbers; raises UnsupportedSensorError where they are no whole ones either."""
    kinds = set(_integers(metadata, tags.SAMPLE_FORMAT))
    if not kinds <= {tags.UNSIGNED} and kinds != {tags.FLOATING_POINT}:
        raise UnsupportedSensorError(
            "samples that may be negative or are no numbers (SampleFormat); is the file whole?"
        )
    return kinds == {tags.FLOATING_POINT}


def _segments(metadata: Metadata, height: int, width: int) -> tuple[Segment, ...]:
    """All strips or tiles, by rows."""
    tiled = bool(_integers(metadata, tags.TILE_OFFSETS))
    rows = _size(metadata, tags.TILE_LENGTH) if tiled else min(_size(metadata, tags.ROWS_PER_STRIP, height), height)
    columns = _size(metadata, tags.TILE_WIDTH) if tiled else width
    offsets = _integers(metadata, tags.TILE_OFFSETS if tiled else tags.STRIP_OFFSETS)
    sizes = _integers(metadata, tags.TILE_BYTE_COUNTS if tiled else tags.STRIP_BYTE_COUNTS)
    count = -(-height // rows) * -(-width // columns)
    if count > MAX_SEGMENTS:
        raise UnreadablePhotoError(f"a raw image in {count} parts of {columns}x{rows} samples; the file is damaged")
    if not count <= min(len(offsets), len(sizes)):
        raise UnreadablePhotoError(f"{min(len(offsets), len(sizes))} of {count} parts of its raw image are there")
    corners = ((top, left) for top in range(0, height, rows) for left in range(0, width, columns))
    return tuple(
        Segment(offset, size, top, left, rows if tiled else min(rows, height - top), columns)
        for offset, size, (top, left) in zip(offsets, sizes, corners, strict=False)
    )


def _check_inside(segments: Sequence[Segment], end: int) -> None:
    """Raise UnreadablePhotoError where a segment is missing, or outside of the file."""
    for segment in segments:
        if segment.size < 1 or segment.offset < 1:
            raise UnreadablePhotoError("a part of its raw image is missing; copy the file from the card again")
        if segment.offset + segment.size > end:
            raise UnreadablePhotoError("its raw image ends beyond the end of the file; copy it from the card again")


def _other_places(metadata: Metadata) -> list[tuple[int, int]]:
    """Start and end of what has a place in the file beside the raw image: tags, and other pictures."""
    assert metadata.tiff is not None
    assert metadata.raw is not None
    others = (page for page in picture_pages(metadata.tiff) if page.offset != metadata.raw.offset)
    blocks = (block for page in others for block in picture_blocks(metadata.tiff, page))
    return [*metadata.tiff.places(), *((offset, offset + size) for offset, size in blocks)]


def _check_apart(segments: Sequence[Segment], others: Sequence[tuple[int, int]]) -> None:
    """Raise UnreadablePhotoError where a segment shares bytes with another one, or with what else has its place."""
    parts = [(segment.offset, segment.offset + segment.size, True) for segment in segments]
    rest = [(start, end, False) for start, end in others if start < end]
    part_end = rest_end = 0
    for start, end, is_part in sorted(parts + rest):
        if is_part and start < part_end:
            raise UnreadablePhotoError("two parts of its raw image lie at the same place; the file is damaged")
        if start < (rest_end if is_part else part_end):
            raise UnreadablePhotoError("a part of its raw image lies over tags or a preview; the file is damaged")
        part_end, rest_end = (end, rest_end) if is_part else (part_end, max(rest_end, end))


def _check_filled(image: StoredImage, segment: Segment) -> None:
    """Raise UnreadablePhotoError where a segment is too small for its samples."""
    line = segment.columns * image.colours
    if image.compression == tags.COMPRESSION_NONE:
        enough = segment.rows * -(-line * image.bits // 8) <= segment.size
    else:
        enough = segment.rows * line <= segment.size * MOST_SAMPLES_PER_BYTE[image.compression]
    if not enough:
        raise UnreadablePhotoError(
            f"{segment.size} bytes cannot hold {segment.columns}x{segment.rows} samples; the file is damaged"
        )


def _check_worth(image: StoredImage) -> None:
    """Raise UnreadablePhotoError where the parts hold far more samples than the image, or the bytes than a photo."""
    samples = image.height * image.width * image.colours
    held = sum(segment.rows * segment.columns for segment in image.segments) * image.colours
    size = sum(segment.size for segment in image.segments)
    if held > 4 * samples + SMALL or samples > MOST_EVEN * size + SMALL:
        raise UnreadablePhotoError(
            f"{size} bytes in parts of {held} samples, for a raw image of {samples}; the file is damaged"
        )
