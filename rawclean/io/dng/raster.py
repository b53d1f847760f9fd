"""The samples of a DNG, decoded by us in all but lossy files.

LibRaw 0.22 does not see that a tile is damaged, and leaves in it what the memory held. It takes plain samples for one
strip without gaps, whatever the tags say of tiles and of bytes between them. It rounds floating point samples
to 15 bits, has no JPEG XL, no deflated integers, takes two tiles that fill the width between them for the doubled lines
of a cinema camera, and is three times slower at lossless JPEG. Lossy JPEG it reads together with its curves; whether a
tile is damaged, libjpeg-turbo says, which decodes it to its end before.
"""

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from rawclean.core.cores import on_all_cores
from rawclean.errors import UnreadablePhotoError
from rawclean.io.dng.jpeg_markers import BASELINE, EXTENDED, PROGRESSIVE, Jpeg, read_markers
from rawclean.io.dng.ljpeg_reader import we_decode
from rawclean.io.dng.segments import Segment, StoredImage, stored_image
from rawclean.io.dng.tile_decoders import decode_segment
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.metadata import Metadata
from rawclean.io.tiff.structure import LONG, SHORT, Directory

_LOSSY = (BASELINE, EXTENDED, PROGRESSIVE)


def check_raw_image(metadata: Metadata) -> None:
    """Raise UnreadablePhotoError or UnsupportedSensorError where a DNG's raw image is not all there, or a trap.

    Of JPEG the structure is checked to the end of each tile, and what is lossy, which LibRaw reads, is decoded to it.
    """
    if not metadata.is_dng:
        return
    image = stored_image(metadata)
    _check_table(metadata)
    if image.compression not in (tags.COMPRESSION_LOSSY_JPEG, tags.COMPRESSION_JPEG):
        return

    def check(segment: Segment) -> int:
        block = _block(metadata, segment)
        jpeg = read_markers(block)
        _check_jpeg(jpeg, segment, image)
        if jpeg.process in _LOSSY:
            _check_decodes(block, image)
        return jpeg.precision

    if len(set(on_all_cores(check, image.segments))) > 1:
        raise UnreadablePhotoError("parts of its raw image of different precision; the file is damaged")


def libraw_reads(metadata: Metadata) -> bool:
    """Whether LibRaw's samples are taken; metadata of a file that is no DNG leave it no rival."""
    if not metadata.is_dng:
        return True
    image = stored_image(metadata)
    if image.compression == tags.COMPRESSION_JPEG:
        return not all(we_decode(read_markers(_block(metadata, segment))) for segment in image.segments[:1])
    return image.compression == tags.COMPRESSION_LOSSY_JPEG


def read_raster(metadata: Metadata) -> np.ndarray:
    """All samples of a DNG, (H, W) or (colours, H, W) float32, in the units of its levels.

    Raises UnreadablePhotoError where they cannot be decoded to the end, UnsupportedSensorError for unknown numbers.
    """
    image = stored_image(metadata)
    table = _linearisation(metadata, image)
    raster = np.empty((image.height, image.width, image.colours), np.float32)

    def place(segment: Segment) -> None:
        samples = decode_segment(_block(metadata, segment), segment, image)
        if table is not None:
            samples = table.take(samples, mode="clip")
        target = raster[segment.top : segment.top + segment.rows, segment.left : segment.left + segment.columns]
        target[:] = samples[: target.shape[0], : target.shape[1]]

    on_all_cores(place, image.segments)
    if image.floating and not np.isfinite(raster).all():
        raise UnreadablePhotoError("some samples are not finite numbers; the file is damaged")
    return np.ascontiguousarray(np.moveaxis(raster, -1, 0)) if image.colours > 1 else raster[..., 0]


def without_samples(metadata: Metadata) -> bytearray:
    """The DNG with an empty image, which LibRaw can open to tell the rest; raises UnreadablePhotoError."""
    if metadata.tiff is None or metadata.raw is None:
        raise UnreadablePhotoError("not a DNG")
    tiff, canvas, first = metadata.tiff, TiffCanvas(metadata.tiff), metadata.tiff.first()
    raw = canvas.write_directory(_emptied(metadata.raw, stored_image(metadata), canvas))
    if metadata.raw.offset != first.offset:
        offsets = tiff.integers(first.entries[tags.SUB_IFDS])
        pages = [raw if offset == metadata.raw.offset else offset for offset in offsets]
        raw = canvas.write_directory(first.with_entries([tiff.encode(tags.SUB_IFDS, LONG, pages)]))
    canvas.set_first(raw)
    return canvas.finish()


def _emptied(raw: Directory, image: StoredImage, canvas: TiffCanvas) -> Directory:
    """The directory with its image as one strip of zeros."""
    tiff = canvas.tiff
    strip = bytes(2 * image.height * image.width * image.colours)
    plain = [
        tiff.encode(tags.BITS_PER_SAMPLE, SHORT, [16] * image.colours),
        tiff.encode(tags.COMPRESSION, SHORT, [tags.COMPRESSION_NONE]),
        tiff.encode(tags.STRIP_OFFSETS, LONG, [canvas.place(strip)]),
        tiff.encode(tags.ROWS_PER_STRIP, LONG, [image.height]),
        tiff.encode(tags.STRIP_BYTE_COUNTS, LONG, [len(strip)]),
    ]
    return raw.with_entries(plain, (*tags.STORAGE_TAGS, tags.SAMPLE_FORMAT, tags.LINEARIZATION_TABLE))


def _block(metadata: Metadata, segment: Segment) -> bytes:
    assert metadata.tiff is not None
    return bytes(metadata.tiff.data[segment.offset : segment.offset + segment.size])


def _check_jpeg(jpeg: Jpeg, segment: Segment, image: StoredImage) -> None:
    """Raise UnreadablePhotoError where a JPEG is not whole, or not of the size of the tile that it is for."""
    least, most = image.rows_of(segment)
    fits = least <= jpeg.samples / (segment.columns * image.colours) <= most
    if jpeg.process in _LOSSY:
        size = (jpeg.width, jpeg.components)
        fits = fits and jpeg.complete and size == (segment.columns, image.colours)
    elif image.compression == tags.COMPRESSION_LOSSY_JPEG:
        fits = False
    if jpeg.precision > image.bits:
        raise UnreadablePhotoError(
            f"a JPEG of {jpeg.precision} bits for samples of {image.bits}; copy the file from the card again"
        )
    if not fits:
        raise UnreadablePhotoError(
            f"a JPEG of {jpeg.width}x{jpeg.height}x{jpeg.components} samples for a part of its raw image of "
            f"{segment.columns}x{segment.rows}x{image.colours}; copy the file from the card again"
        )


def _check_decodes(block: bytes, image: StoredImage) -> None:
    """Raise UnreadablePhotoError where libjpeg-turbo finds a lossy JPEG damaged, or does not come to its end."""
    try:
        simplejpeg.decode_jpeg(block, "GRAY" if image.colours == 1 else "RGB", strict=True)
    except ValueError as error:
        raise UnreadablePhotoError(
            f"a part of its raw image cannot be decoded to its end ({error}); copy the file from the card again"
        ) from error


def _check_table(metadata: Metadata) -> None:
    """Raise UnreadablePhotoError where a linearisation table is not of 16-bit numbers, as LibRaw takes it to be."""
    table = metadata.entry(tags.LINEARIZATION_TABLE)
    if table is not None and (table.kind != SHORT or not 0 < table.count <= 1 << 16):
        raise UnreadablePhotoError("its LinearizationTable is not one of 16-bit numbers; the file is damaged")


def _linearisation(metadata: Metadata, image: StoredImage) -> NDArray[np.float32] | None:
    """The value of each stored code, the last one for all beyond; None where codes are values."""
    table = metadata.numbers(tags.LINEARIZATION_TABLE)
    return np.array(table, dtype=np.float32) if table and not image.floating else None
