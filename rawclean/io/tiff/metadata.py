"""Tags that LibRaw does not hand on: camera names, exposure, and the raw directory of a DNG."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path

from rawclean.core.frame import Camera
from rawclean.errors import UnreadablePhotoError, UnsupportedSensorError
from rawclean.io.tiff import tags
from rawclean.io.tiff.ciff import ciff_camera, is_ciff
from rawclean.io.tiff.enclosed import CAMERA_MARKERS, EXIF_MARKER, GPS_MARKER, SEARCHED, enclosed_tiff
from rawclean.io.tiff.structure import TIFF_STARTS, Directory, Entry, NotTiffError, Tiff, has_damaged_start

MAX_FILE = 1 << 31
"""Bytes: as many 16-bit samples as are read at most."""
HEAD = 2 * SEARCHED
"""Bytes in which the enclosed metadata of other containers lie."""
_JPEG_START, _CIFF_IN_JPEG = b"\xff\xd8", b"HEAP"
MAIN_IMAGES = (0, 16)
"""NewSubFileType of a raw image, and of one that Adobe's Enhance adds."""

NO_CAMERA = Camera("", "")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the file says of the camera; `tiff` is None where the file has no TIFF structure."""

    tiff: Tiff | None = None
    camera: Camera = NO_CAMERA
    orientation: int = 1
    enclosed: bool = False
    """Whether the TIFF structure is a block inside another container, so that its offsets are not the file's."""
    exif: Directory | None = None
    gps: Directory | None = None
    raw: Directory | None = None
    """The full-resolution raw directory of a DNG."""

    @property
    def is_dng(self) -> bool:
        """Whether the file is a DNG with a raw image."""
        return self.raw is not None

    @property
    def is_lossy(self) -> bool:
        """Whether a DNG's raw image is stored as 8-bit lossy JPEG."""
        return self.numbers(tags.COMPRESSION) == (tags.COMPRESSION_LOSSY_JPEG,)

    @property
    def is_jpeg_xl(self) -> bool:
        """Whether a DNG's raw image is stored as JPEG XL (DNG 1.7)."""
        return self.numbers(tags.COMPRESSION) == (tags.COMPRESSION_JPEG_XL,)

    @property
    def is_deflated(self) -> bool:
        """Whether a DNG's raw image is stored deflated."""
        return self.numbers(tags.COMPRESSION) == (tags.COMPRESSION_DEFLATE,)

    @property
    def has_float_samples(self) -> bool:
        """Whether a DNG's raw image is stored as floating point numbers."""
        return tags.FLOATING_POINT in self.numbers(tags.SAMPLE_FORMAT)

    @property
    def tells_noise_reduction(self) -> bool:
        """Whether a DNG says that noise was taken from its raw image (NoiseReductionApplied)."""
        return any(value > 0 for value in self.numbers(tags.NOISE_REDUCTION_APPLIED))

    def entry(self, tag: int) -> Entry | None:
        """A tag of the DNG's raw directory, else of IFD0; None where absent."""
        if self.tiff is None or self.raw is None:
            return None
        return self.raw.entries.get(tag) or self.tiff.first().entries.get(tag)

    def numbers(self, tag: int) -> tuple[float, ...]:
        """Values of a tag of the DNG's raw directory, else of IFD0; empty where absent."""
        return self.tiff.numbers(self.entry(tag)) if self.tiff else ()

    def integers(self, tag: int) -> tuple[int, ...]:
        """As `numbers`, without what is not finite, cut to whole numbers."""
        return tuple(int(value) for value in self.numbers(tag) if math.isfinite(value))

    def exif_number(self, tag: int) -> float | None:
        """One EXIF number; None where it is absent, zero or not a number."""
        if self.tiff is None or self.exif is None:
            return None
        values = self.tiff.numbers(self.exif.entries.get(tag))
        return values[0] if values and 0 < values[0] < math.inf else None

    @property
    def iso(self) -> float | None:
        """ISO speed, from EXIF or from IFD0, where Android's cameras put it."""
        pages = [page for page in (self.exif, self.tiff.first() if self.tiff else None) if page]
        found = (self.tiff.numbers(page.entries.get(tag)) for page in pages for tag in tags.ISO_TAGS if self.tiff)
        return next((iso for iso, *_ in filter(None, found) if 0 < iso < math.inf and iso != tags.ISO_OVERFLOW), None)


def read_metadata(path: Path) -> Metadata:
    """Read the tags of a photo.

    Raises UnreadablePhotoError where a TIFF structure is broken or without end, UnsupportedSensorError for a DNG with
    several raw images, OSError where the file cannot be read.
    """
    data = _content(path)
    camera = ciff_camera(data)
    if camera is not None:
        return Metadata(camera=camera)
    try:
        return _of_tiff(Tiff(data))
    except NotTiffError:
        if has_damaged_start(data):  # LibRaw would read it, and nobody check it
            raise UnreadablePhotoError("not a RAW photo: its first bytes are damaged") from None
        return _of_enclosed(data)


def known_metadata(path: Path) -> Metadata | None:
    """As `read_metadata`; None where the tags cannot be read, which reading the photo says better."""
    try:
        return read_metadata(path)
    except (UnreadablePhotoError, UnsupportedSensorError, OSError):
        return None


def picture_blocks(tiff: Tiff, page: Directory) -> list[tuple[int, int]]:
    """Offset and bytes of each block of the picture of a directory."""
    pairs = ((tiff.integers(page.entries.get(tag)) for tag in pair) for pair in tags.PICTURE_PLACES)
    return [block for offsets, sizes in pairs for block in zip(offsets, sizes, strict=False)]


def picture_pages(tiff: Tiff) -> list[Directory]:
    """The directories that may hold a picture, IFD0 first, each once; raises UnreadablePhotoError."""
    pages = (page for top in tiff.chain() for page in (top, *tiff.children(top, tags.SUB_IFDS)))
    return list({page.offset: page for page in pages}.values())


def _content(path: Path) -> bytes:
    """The file; of one whose values do not lie all over it, the head.

    Raises UnreadablePhotoError for one that is larger than a photo, so that it does not fill the memory.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        if not (head.startswith(TIFF_STARTS) or is_ciff(head)):
            return head
        size = path.stat().st_size
        if size > MAX_FILE:
            raise UnreadablePhotoError(f"{size >> 30} GiB are more than a RAW photo has; is it one?")
        return head + file.read()


def _of_tiff(tiff: Tiff) -> Metadata:
    first = tiff.chain()[0]
    return Metadata(
        tiff=tiff,
        camera=Camera(tiff.text(first.entries.get(tags.MAKE)), tiff.text(first.entries.get(tags.MODEL))),
        orientation=_orientation(tiff, first),
        exif=next(iter(tiff.children(first, tags.EXIF_IFD)), None),
        gps=next(iter(tiff.children(first, tags.GPS_IFD)), None),
        raw=_raw_directory(tiff) if _is_dng(tiff, first) else None,
    )


def _of_enclosed(data: bytes) -> Metadata:
    if data.startswith(_JPEG_START) and _CIFF_IN_JPEG in data:
        raise UnreadablePhotoError("a JPEG of an old Canon camera, not a RAW photo")  # whose directories may be endless
    tiff = enclosed_tiff(data, CAMERA_MARKERS)
    if tiff is None:
        return Metadata()
    found = dataclasses.replace(_of_tiff(tiff), enclosed=True, raw=None)
    exif, gps = (enclosed_tiff(data, (marker,)) for marker in (EXIF_MARKER, GPS_MARKER))
    return dataclasses.replace(found, exif=exif.first() if exif else found.exif, gps=gps.first() if gps else found.gps)


def _orientation(tiff: Tiff, first: Directory) -> int:
    orientation = next(iter(tiff.integers(first.entries.get(tags.ORIENTATION))), 1)
    return orientation if 1 <= orientation <= 8 else 1


def _is_dng(tiff: Tiff, first: Directory) -> bool:
    """Whether IFD0 says that the file is a DNG.

    Raises UnreadablePhotoError where another directory does: LibRaw would read a DNG that nobody has checked.
    """
    if tags.DNG_VERSION in first.entries:
        return True
    try:
        others = picture_pages(tiff)[1:]
    except UnreadablePhotoError:  # some cameras' links lead nowhere
        return False
    if any(tags.DNG_VERSION in page.entries for page in others):
        raise UnreadablePhotoError("a DNG that does not say so where it must (DNGVersion); the file is damaged")
    return False


def _raw_directory(tiff: Tiff) -> Directory:
    """The one main image of a DNG; cameras put it in IFD0 or in a SubIFD.

    Raises UnreadablePhotoError where there is none, UnsupportedSensorError where there are several, or it is elsewhere.
    """
    first = tiff.first()
    below = [page.offset for page in tiff.children(first, tags.SUB_IFDS)]
    if len({first.offset, *below}) <= len(below):
        raise UnreadablePhotoError("its directories contain themselves, or one of them twice; the file is damaged")
    raws = [page for page in picture_pages(tiff) if _is_raw(tiff, page)]
    if not raws:
        raise UnreadablePhotoError("this DNG has no full-resolution raw image")
    if len(raws) > 1:
        raise UnsupportedSensorError(
            f"holds {len(raws)} raw images (pixel shift, bracketing or an enhanced copy), which belong together; "
            "export one of them as a DNG of its own, and denoise that"
        )
    if raws[0].offset not in (first.offset, *below):
        raise UnsupportedSensorError(
            "its raw image is neither in the first directory nor right below it, where a DNG has it; convert it with "
            "Adobe DNG Converter"
        )
    return raws[0]


def _is_raw(tiff: Tiff, page: Directory) -> bool:
    """Whether a directory holds raw samples at full resolution: a main image, an alternative, or an enhanced one."""
    kind, photometric = (tiff.integers(page.entries.get(tag)) for tag in (tags.NEW_SUBFILE_TYPE, tags.PHOTOMETRIC))
    return photometric in ((tags.PHOTOMETRIC_CFA,), (tags.PHOTOMETRIC_LINEAR,)) and (kind or (0,))[0] in MAIN_IMAGES
