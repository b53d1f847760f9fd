"""Camera RAW and DNG files to `RawPhoto`: samples by LibRaw (rawpy), tags by our own TIFF reader.

rawpy gives integer blacks in colour order and no DNG tags; for a DNG the tags decide, for the rest LibRaw does.
"""

import dataclasses
import io
import math
from pathlib import Path

import numpy as np
import rawpy

from rawclean.core.bayer import BayerPattern
from rawclean.core.colour import Colour
from rawclean.core.frame import MIN_SIDE, ActiveArea, Exposure, RawFrame
from rawclean.core.layout import Layout, PlainLayout
from rawclean.core.limits import MAX_VARIANCE
from rawclean.core.noise import NoiseModel
from rawclean.core.xtrans import CANONICAL, XTransPattern
from rawclean.errors import (
    InvalidLevelsError,
    RawcleanError,
    UnreadablePhotoError,
    UnsupportedSensorError,
    naming,
)
from rawclean.io import libraw
from rawclean.io.dng.bad_sites import check_opcodes, listed_bad_sites
from rawclean.io.dng.raster import check_raw_image, libraw_reads, read_raster, without_samples
from rawclean.io.dng.raw_digest import contradicts_digest
from rawclean.io.dng.segments import stored_image
from rawclean.io.files import check_is_file
from rawclean.io.levels import check_signal, read_levels, without_black_deltas
from rawclean.io.raw_photo import RawPhoto
from rawclean.io.tiff import tags
from rawclean.io.tiff.metadata import Metadata, read_metadata
from rawclean.io.white_balance import NO_GAINS, camera_gains, neutral_gains
from rawclean.io.whole import check_whole

FLIP_TO_ORIENTATION = {0: 1, 3: 3, 5: 8, 6: 6}
"""LibRaw's turn to EXIF's orientation, for files whose tags are not read."""

DIGEST_DIFFERS = (
    "its raw data do not fit its digest: they are damaged, or a program changed them and left the digest; look at it "
    "closely, and copy it from the card again if you can"
)

MOST_MASKED = 64
"""Masked areas; Adobe's DNG SDK reads four."""


def read_raw(path: Path, metadata: Metadata | None = None, *, use_noise_profile: bool = True) -> RawPhoto:
    """Read a photo: a Bayer or X-Trans mosaic, monochrome, or a demosaiced DNG.

    `metadata` are its tags where they have been read already; `use_noise_profile` says whether its noise tag counts.

    Raises UnreadablePhotoError, UnsupportedSensorError or InvalidLevelsError.
    """
    check_is_file(path)
    with naming(path):
        try:
            metadata = metadata or read_metadata(path)
            frame = _decoded(path, metadata)
        except rawpy.LibRawError as error:
            message = error.args[0] if error.args else error
            text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
            raise UnreadablePhotoError(f"not a RAW photo that can be decoded ({text}); is it whole?") from error
        except OSError as error:
            raise UnreadablePhotoError(error.strerror or str(error)) from error
        return RawPhoto(path, _with_noise_profile(frame, metadata) if use_noise_profile else frame, metadata)


def _decoded(path: Path, metadata: Metadata) -> RawFrame:
    """Check the file, and decode it; raises as `read_raw`, LibRawError and OSError."""
    check_whole(path, metadata)
    _check_dng_layout(metadata)
    check_raw_image(metadata)
    check_opcodes(metadata)
    ours = None if libraw_reads(metadata) else read_raster(metadata)
    with libraw.opened(path if ours is None else io.BytesIO(without_samples(metadata))) as raw:
        raster = libraw.samples(raw, path) if ours is None else ours
        doubt = DIGEST_DIFFERS if contradicts_digest(metadata, raster) else None
        return dataclasses.replace(_frame(raw, metadata, raster), doubt=doubt)


def count_samples(path: Path, metadata: Metadata) -> int:
    """Samples that a photo will have in memory, from its header; 0 where that cannot be read."""
    try:
        if metadata.is_dng:
            image = stored_image(metadata)
            return image.height * image.width * image.colours
        with libraw.opened(path) as raw:
            libraw.check_size(raw, path)
            per_pixel = 1 if raw.raw_type is rawpy.RawType.Flat else 3
            return int(raw.sizes.raw_height) * int(raw.sizes.raw_width) * per_pixel
    except (RawcleanError, rawpy.LibRawError, OSError):  # reading the photo will say it better
        return 0


def _check_dng_layout(metadata: Metadata) -> None:
    """Refuse by tag what LibRaw would misread: colour patterns that are neither 2x2 nor 6x6."""
    if not metadata.is_dng:
        return
    mosaic = metadata.numbers(tags.PHOTOMETRIC) == (tags.PHOTOMETRIC_CFA,)
    repeat = metadata.numbers(tags.CFA_REPEAT_PATTERN_DIM) or ((2.0, 2.0) if mosaic else ())
    if repeat and len(metadata.numbers(tags.CFA_PATTERN)) != math.prod(repeat):
        raise UnreadablePhotoError(
            "its colour pattern (CFAPattern) is not of the size that it says; the file is damaged"
        )
    if mosaic and not {0, 1, 2} <= set(metadata.integers(tags.CFA_PATTERN) or (0, 1, 2)):
        raise UnreadablePhotoError("its colour pattern (CFAPattern) does not name three colours; the file is damaged")
    if repeat and repeat not in ((2, 2), (6, 6)):
        quad = repeat == (4, 4)
        kind = "Quad-Bayer sensor" if quad else f"colour pattern of {repeat[0]:g}x{repeat[-1]:g}"
        raise UnsupportedSensorError(f"{kind}; rawclean reads Bayer and X-Trans mosaics, this is not supported yet")


def _layout(raw: rawpy.RawPy, metadata: Metadata, active: ActiveArea) -> Layout:
    """The layout, a pattern as seen from the top-left of `active`; raises UnsupportedSensorError."""
    if metadata.numbers(tags.PHOTOMETRIC) == (tags.PHOTOMETRIC_LINEAR,):
        count = next(iter(metadata.integers(tags.SAMPLES_PER_PIXEL)), 1)
        if count not in {layout.value for layout in PlainLayout}:
            raise UnsupportedSensorError(f"demosaiced DNG of {count} colours; this is not supported yet")
        return PlainLayout(count)
    if raw.raw_type != rawpy.RawType.Flat:
        raise UnsupportedSensorError("already demosaiced in the camera, or a Foveon sensor; this is not supported yet")
    return PlainLayout.MONOCHROME if raw.num_colors == 1 else _pattern(raw, metadata, active)


def _pattern(raw: rawpy.RawPy, metadata: Metadata, active: ActiveArea) -> BayerPattern | XTransPattern:
    """A DNG's tag, which counts from the active area; else LibRaw's pattern, which counts from its visible area."""
    tagged = "".join("RGB"[colour] if 0 <= colour < 3 else "?" for colour in metadata.integers(tags.CFA_PATTERN))
    if len(tagged) == len("".join(CANONICAL)):
        return XTransPattern.of_letters(tagged)
    if tagged in BayerPattern.__members__ and metadata.integers(tags.CFA_PLANE_COLOR) in ((), (0, 1, 2)):
        return BayerPattern(tagged)
    rows, columns = active.top - raw.sizes.top_margin, active.left - raw.sizes.left_margin
    colours = raw.color_desc.decode("ascii", "replace")
    if raw.raw_pattern is None:
        raise UnsupportedSensorError("a sensor without a colour pattern; this is not supported yet")
    letters = "".join(colours[index] for index in raw.raw_pattern.flat)
    if raw.raw_pattern.shape == (6, 6):
        return XTransPattern.of_letters(letters).shifted(rows, columns)
    if letters not in BayerPattern.__members__:
        raise UnsupportedSensorError(f"colour pattern {letters}, not red, green and blue; this is not supported yet")
    return BayerPattern(letters).shifted(rows, columns)


def _check_samples(raw: rawpy.RawPy, layout: Layout, raster: np.ndarray) -> None:
    """Raise UnreadablePhotoError where there are more or fewer samples than the tags say."""
    size, colours = (raw.sizes.raw_height, raw.sizes.raw_width), layout.samples_per_pixel
    if raster.shape != (size if colours == 1 else (colours, *size)):
        raise UnreadablePhotoError("its samples are not laid out as its tags say; the file is damaged")


def _frame(raw: rawpy.RawPy, metadata: Metadata, raster: np.ndarray) -> RawFrame:
    active = _active_area(raw, metadata)
    layout = _layout(raw, metadata, active)
    _check_samples(raw, layout, raster)
    if min(active.height, active.width) < MIN_SIDE:
        raise UnsupportedSensorError(
            f"only {active.width}x{active.height} samples; the smallest photo that can be denoised is "
            f"{MIN_SIDE}x{MIN_SIDE}"
        )
    gains = camera_gains(raw, is_dng=metadata.is_dng)
    frame = RawFrame(
        raster=raster,
        active=active,
        layout=layout,
        levels=read_levels(raw, metadata, layout),
        colour=Colour(gains or NO_GAINS, _xyz_to_camera(raw), _tagged_to_srgb(raw)),
        camera=metadata.camera,
        exposure=_exposure(raw, metadata),
        orientation=metadata.orientation if metadata.tiff else FLIP_TO_ORIENTATION.get(raw.sizes.flip, 1),
        noise_profile=None,
        masked=_masked_areas(metadata),
        pixel_aspect=raw.sizes.pixel_aspect or 1.0,
        is_float=metadata.has_float_samples,
    )
    frame = dataclasses.replace(frame, listed_bad=listed_bad_sites(frame, metadata))
    without_black_deltas(frame, metadata)
    check_signal(frame)
    return frame if gains else _made_neutral(frame)


def _made_neutral(frame: RawFrame) -> RawFrame:
    """With the white balance that the photo itself suggests."""
    return dataclasses.replace(frame, colour=dataclasses.replace(frame.colour, wb_gains=neutral_gains(frame)))


def _active_area(raw: rawpy.RawPy, metadata: Metadata) -> ActiveArea:
    """A DNG's ActiveArea, else LibRaw's visible area; LibRaw makes odd origins even and loses a line.

    Raises InvalidLevelsError where the tag names samples that are not there.
    """
    sizes = raw.sizes
    corners = metadata.integers(tags.ACTIVE_AREA)
    if metadata.entry(tags.ACTIVE_AREA) is None:
        return ActiveArea(sizes.top_margin, sizes.left_margin, sizes.height, sizes.width)
    if len(corners) == 4:
        top, left, bottom, right = corners
        if 0 <= top < bottom <= sizes.raw_height and 0 <= left < right <= sizes.raw_width:
            return ActiveArea(top, left, bottom - top, right - left)
    raise InvalidLevelsError(f"its ActiveArea {corners[:4]} is not inside the image; the file is damaged")


def _masked_areas(metadata: Metadata) -> tuple[ActiveArea, ...]:
    """The rectangles of MaskedAreas: top, left, bottom and right of each; those without extent do not count.

    Raises InvalidLevelsError where there are more than a sensor has.
    """
    corners = metadata.integers(tags.MASKED_AREAS)
    if len(corners) > 4 * MOST_MASKED:
        raise InvalidLevelsError(f"{len(corners) // 4} masked areas (MaskedAreas); the file is damaged")
    rectangles = zip(*(corners[side::4] for side in range(4)), strict=False)
    return tuple(
        ActiveArea(top, left, bottom - top, right - left)
        for top, left, bottom, right in rectangles
        if 0 <= top < bottom and 0 <= left < right
    )


def _xyz_to_camera(raw: rawpy.RawPy) -> np.ndarray | None:
    """(3, 3), by the camera's name; None where LibRaw does not know it."""
    matrix = np.array(raw.rgb_xyz_matrix, np.float32)[:3]
    return matrix if matrix.any() else None


def _tagged_to_srgb(raw: rawpy.RawPy) -> np.ndarray | None:
    """(3, 3) by the tags of the file, which LibRaw works out for DNGs."""
    matrix = np.array(raw.color_matrix, np.float32)[:, :3]
    return matrix if matrix.any() else None


def _exposure(raw: rawpy.RawPy, metadata: Metadata) -> Exposure:
    other = raw.other

    def positive(value: float) -> float | None:
        return value if math.isfinite(value) and value > 0 else None

    return Exposure(
        iso=metadata.iso or (None if other.iso_speed == tags.ISO_OVERFLOW else positive(other.iso_speed)),
        seconds=metadata.exif_number(tags.EXPOSURE_TIME) or positive(other.shutter_speed),
        aperture=metadata.exif_number(tags.F_NUMBER) or positive(other.aperture),
        focal_length=metadata.exif_number(tags.FOCAL_LENGTH) or positive(other.focal_length),
        timestamp=positive(other.timestamp.timestamp() if other.timestamp else 0.0),
    )


def _with_noise_profile(frame: RawFrame, metadata: Metadata) -> RawFrame:
    """The photo with its NoiseProfile tag: one pair (shot, read) for all colours, or one per colour plane R, G, B.

    A tag whose values are not those of a sensor does not count, and the photo says why.
    """
    values = metadata.numbers(tags.NOISE_PROFILE)
    if not values:
        return frame
    planes = {2: (0, 0, 0, 0), 6: (0, 1, 1, 2), 8: (0, 1, 2, 3)}.get(len(values))
    if planes is None:
        return dataclasses.replace(
            frame, noise_profile_fault=f"its NoiseProfile tag has {len(values)} values; left out"
        )
    absurd = next((value for value in values if not 0 <= value <= MAX_VARIANCE), None)
    if absurd is not None:
        return dataclasses.replace(frame, noise_profile_fault=f"its NoiseProfile tag says {absurd:g}; left out")
    profile = NoiseModel.per_plane([values[2 * i] for i in planes], [values[2 * i + 1] for i in planes])
    return dataclasses.replace(frame, noise_profile=profile) if (profile.shot > 0).all() else frame
