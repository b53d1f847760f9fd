"""Any other RAW file to DNG: a new file from LibRaw's reading and the source's EXIF (DNG specification 1.7.1).

IFD0 holds a preview and the tags of the camera, a SubIFD the raster. EXIF and GPS values of TIFF-like sources are
copied byte for byte in the source's byte order, and a maker note goes to its old offset, because offsets inside it
count from the start of the file.
"""

import datetime
import math

import numpy as np

from rawclean.core.colour import SRGB_TO_XYZ
from rawclean.core.frame import RawFrame
from rawclean.core.layout import Layout, PlainLayout
from rawclean.core.printable import printable
from rawclean.io.dng.entries import DenoisedPhoto, identity_entries, preview_entries, raw_entries, version_entries
from rawclean.io.dng.stored import stored_samples
from rawclean.io.preview import Preview
from rawclean.io.raw_photo import RawPhoto
from rawclean.io.tiff import tags
from rawclean.io.tiff.canvas import TiffCanvas
from rawclean.io.tiff.metadata import Metadata
from rawclean.io.tiff.structure import (
    BYTE,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    UNDEFINED,
    Directory,
    Entry,
    Tiff,
    empty_tiff,
)

D65 = 21
_COPIED_FROM_FIRST = (270, 306, 315, 18246, 18249, 33432, 33723)
"""ImageDescription, DateTime, Artist, Rating, RatingPercent, Copyright, IPTC."""


def new_dng(photo: DenoisedPhoto, sidecar: bytes | None = None) -> bytearray:
    """A complete DNG with the metadata of the source and a preview.

    The XMP of a `sidecar` goes before that of the source, as it does in a raw developer.
    """
    metadata = photo.raw.metadata
    stored = stored_samples(photo.frame)
    preview = Preview(photo.frame)
    canvas = TiffCanvas(empty_tiff(metadata.tiff.order if metadata.tiff else "<"))
    maker_note = _placed_maker_note(canvas, metadata)
    own = metadata.tiff.first().entries.get(tags.XMP) if metadata.tiff else None
    packet = sidecar or (own.data if own else None)
    raw = Directory(0).with_entries([*raw_entries(photo, stored, canvas), *_mosaic_entries(canvas.tiff, photo.frame)])
    first = Directory(0).with_entries(
        [
            *_copied(metadata, _COPIED_FROM_FIRST),
            *preview_entries(canvas, preview, preview.size),
            *_camera_entries(canvas.tiff, photo.raw),
            *_lens_entries(metadata),
            *identity_entries(canvas.tiff, photo, stored, packet),
            *version_entries(canvas.tiff, photo.compression),
            _link(canvas, tags.SUB_IFDS, raw),
            _link(canvas, tags.EXIF_IFD, _exif(canvas.tiff, metadata, photo.frame, maker_note)),
            *_gps_link(canvas, metadata),
        ]
    )
    canvas.set_first(canvas.write_directory(first))
    return canvas.finish()


def _mosaic_entries(tiff: Tiff, frame: RawFrame) -> list[Entry]:
    """Tags of the raw directory: pattern and visible area; the pattern counts from its corner."""
    area = frame.active
    return [
        *_pattern_entries(tiff, frame.layout),
        tiff.encode(tags.DEFAULT_SCALE, RATIONAL, [max(1.0, frame.pixel_aspect), max(1.0, 1 / frame.pixel_aspect)]),
        tiff.encode(tags.DEFAULT_CROP_ORIGIN, LONG, [0, 0]),
        tiff.encode(tags.DEFAULT_CROP_SIZE, LONG, [area.width, area.height]),
        tiff.encode(tags.ACTIVE_AREA, LONG, [area.top, area.left, area.top + area.height, area.left + area.width]),
    ]


def _pattern_entries(tiff: Tiff, layout: Layout) -> list[Entry]:
    if isinstance(layout, PlainLayout):
        return []
    period = math.isqrt(len(layout.letters))
    return [
        tiff.encode(tags.CFA_REPEAT_PATTERN_DIM, SHORT, [period, period]),
        tiff.encode(tags.CFA_PATTERN, BYTE, ["RGB".index(letter) for letter in layout.letters]),
        tiff.encode(tags.CFA_PLANE_COLOR, BYTE, [0, 1, 2]),
        tiff.encode(tags.CFA_LAYOUT, SHORT, [1]),
    ]


def _camera_entries(tiff: Tiff, photo: RawPhoto) -> list[Entry]:
    """Tags of IFD0: identity and colour of the camera."""
    frame = photo.frame
    known = frame.colour.xyz_to_camera
    matrix = np.linalg.inv(SRGB_TO_XYZ) if known is None else known  # the neutral choice where nothing is known
    return [
        tiff.encode_text(tags.MAKE, frame.camera.make or "Unknown"),
        tiff.encode_text(tags.MODEL, frame.camera.model or "Unknown"),
        tiff.encode(tags.ORIENTATION, SHORT, [frame.orientation]),
        tiff.encode_text(tags.UNIQUE_CAMERA_MODEL, str(frame.camera)),
        tiff.encode(tags.COLOR_MATRIX_1, SRATIONAL, matrix.flatten().tolist()),
        tiff.encode(tags.CALIBRATION_ILLUMINANT_1, SHORT, [D65]),
        tiff.encode(tags.AS_SHOT_NEUTRAL, RATIONAL, [1 / gain for gain in frame.colour.wb_gains]),
        tiff.encode_text(tags.ORIGINAL_RAW_FILE_NAME, printable(photo.source.name)),
    ]


def _lens_entries(metadata: Metadata) -> list[Entry]:
    """EXIF's LensSpecification is DNG's LensInfo: focal lengths and f-numbers as four rationals."""
    lens = metadata.exif.entries.get(tags.LENS_SPECIFICATION) if metadata.exif else None
    return [Entry(tags.LENS_INFO, lens.kind, lens.count, lens.data)] if lens else []


def _exif(tiff: Tiff, metadata: Metadata, frame: RawFrame, maker_note: Entry | None) -> Directory:
    """The source's EXIF, completed by what LibRaw reads of the exposure."""
    exposure = frame.exposure
    known = [
        (tags.EXPOSURE_TIME, exposure.seconds),
        (tags.F_NUMBER, exposure.aperture),
        (tags.FOCAL_LENGTH, exposure.focal_length),
    ]
    entries = [tiff.encode(tag, RATIONAL, [value]) for tag, value in known if value]
    entries.append(tiff.encode(tags.EXIF_VERSION, UNDEFINED, list(b"0231")))
    if exposure.iso:
        iso = min(round(exposure.iso), 2**32 - 1)
        entries.append(tiff.encode(tags.ISO_SPEED, SHORT, [min(iso, tags.ISO_OVERFLOW)]))
        entries.append(tiff.encode(tags.RECOMMENDED_EXPOSURE_INDEX, LONG, [iso]))
    if exposure.timestamp:
        taken = datetime.datetime.fromtimestamp(exposure.timestamp)  # LibRaw reads the camera's clock as local time
        entries.append(tiff.encode_text(tags.DATE_TIME_ORIGINAL, taken.strftime("%Y:%m:%d %H:%M:%S")))
    source = [entry for entry in _moved(metadata.exif) if entry.tag not in (tags.MAKER_NOTE, tags.INTEROPERABILITY_IFD)]
    return Directory(0).with_entries([*entries, *source, *([maker_note] if maker_note else [])])


def _placed_maker_note(canvas: TiffCanvas, metadata: Metadata) -> Entry | None:
    """Store the maker note where it was; None where the source has none, or has it in another container."""
    entry = metadata.exif.entries.get(tags.MAKER_NOTE) if metadata.exif else None
    if metadata.enclosed or entry is None or entry.offset is None or entry.offset < 8:
        return None
    canvas.reserve(entry.offset, entry.data)
    return entry


def _gps_link(canvas: TiffCanvas, metadata: Metadata) -> list[Entry]:
    return [_link(canvas, tags.GPS_IFD, Directory(0).with_entries(_moved(metadata.gps)))] if metadata.gps else []


def _copied(metadata: Metadata, wanted: tuple[int, ...]) -> list[Entry]:
    first = metadata.tiff.first() if metadata.tiff else None
    return [entry for entry in _moved(first) if entry.tag in wanted]


def _moved(directory: Directory | None) -> list[Entry]:
    """Entries of a directory, to be placed anew."""
    entries = directory.entries.values() if directory else ()
    return [entry.unplaced() for entry in entries]


def _link(canvas: TiffCanvas, tag: int, directory: Directory) -> Entry:
    return canvas.tiff.encode(tag, LONG, [canvas.write_directory(directory)])
