"""Is a denoised DNG its source in everything but the noise? The checks of `rawclean verify`."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawclean.core.frame import RawFrame
from rawclean.core.layout import independent_planes, mosaic_of, saturated_sites
from rawclean.core.noise import NoiseModel
from rawclean.errors import InvalidNoiseError, UsageError
from rawclean.evaluation.bad_sites import bad_pixel_opcodes_fit, bad_sites, dots_left
from rawclean.io.raw import read_raw
from rawclean.io.tiff import tags
from rawclean.io.tiff.metadata import Metadata
from rawclean.io.tiff.structure import LONG, SHORT, Directory, Entry, Tiff
from rawclean.noise_source import blind_noise, most_noise, photo_noise

LARGEST_SHIFT = 5e-4
"""Mean shift of a channel, of white, beyond which the exposure has moved."""
STANDARD_ERRORS = 3.0
"""Of the mean of what was taken away, which small photos may be off by chance."""
LARGEST_CHANGE, CODES = 12.0, 2.0
"""Standard deviations, of the most noise that anything states, and steps of the file; networks take four at most."""
RESIDUAL_FACTOR = 1.5
"""Seen over stated sigma beyond which a NoiseProfile does not describe the file it is in."""
MIDTONES = 0.75
"""Signal below which noise seldom reaches white."""
MEDIAN_OF_NORMAL = 0.6745
"""Of the magnitude, in standard deviations."""
DEFAULTS = {tags.NEW_SUBFILE_TYPE: 0, tags.SAMPLES_PER_PIXEL: 1, tags.PLANAR_CONFIGURATION: 1}
"""What TIFF says of a tag that is not there."""
CHANGED_TAGS = frozenset(
    {
        *(*tags.STORAGE_TAGS, tags.COMPRESSION, tags.BITS_PER_SAMPLE, tags.JPEG_OFFSET, tags.JPEG_BYTE_COUNT),
        *(tags.BLACK_LEVEL, tags.BLACK_LEVEL_REPEAT_DIM, tags.WHITE_LEVEL, tags.LINEARIZATION_TABLE),
        *(tags.BLACK_LEVEL_DELTA_H, tags.BLACK_LEVEL_DELTA_V),
        *(tags.NOISE_PROFILE, tags.NOISE_REDUCTION_APPLIED, tags.SOFTWARE, tags.XMP),
        *(tags.RAW_DATA_UNIQUE_ID, tags.RAW_IMAGE_DIGEST, tags.NEW_RAW_IMAGE_DIGEST),
        *(tags.ORIGINAL_RAW_FILE_DIGEST, tags.ORIGINAL_RAW_FILE_DATA),
        *(tags.SUB_IFDS, tags.EXIF_IFD, tags.GPS_IFD),
    }
)
"""What denoising must change, and offsets."""
OPCODE_TAGS = frozenset({tags.OPCODE_LIST_1})
"""Of the raw image, compared by itself: opcodes about bad pixels may be gone."""
CURVE_TAGS = frozenset({tags.OPCODE_LIST_2})
"""Of the raw image of a lossy DNG, whose curves are applied when it is read."""
PREVIEW_TAGS = frozenset(
    {
        *(tags.PHOTOMETRIC, tags.SAMPLES_PER_PIXEL, tags.PLANAR_CONFIGURATION, tags.YCBCR_SUB_SAMPLING),
        *(tags.IMAGE_WIDTH, tags.IMAGE_LENGTH),
    }
)
"""Of previews, which are made anew as JPEG."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer."""

    name: str
    passed: bool
    detail: str


def verify(output: Path, source: Path | None = None) -> list[Check]:
    """Check a denoised DNG by itself, and against `source` where it is given.

    Raises UnreadablePhotoError and its like where a file cannot be read, UsageError where their order is wrong.
    """
    photo = read_raw(output)
    frame, metadata = photo.frame, photo.metadata
    checks = [_is_marked(metadata), _residual(frame)]
    if source is not None:
        photo_before = read_raw(source)
        if photo_before.metadata.tells_noise_reduction and not metadata.tells_noise_reduction:
            raise UsageError(f"{source} is denoised and {output} is not; name the result first, then its source")
        before = photo_before.frame
        checks += [_tags(photo_before.metadata, metadata), _geometry(before, frame)]
        if before.samples.shape == frame.samples.shape:
            seen = photo_noise(before)
            bad = bad_sites(before, seen)
            checks += [_levels(before, frame), _means(before, frame, bad), _clipped(before, frame, seen.clip, bad)]
            most = most_noise(before, seen)
            checks += [_changes(before, frame, most, bad), _quieter(frame, most)]
            checks.append(_bad_pixels(before, frame, metadata))
    return checks


def _is_marked(metadata: Metadata) -> Check:
    applied = metadata.numbers(tags.NOISE_REDUCTION_APPLIED)
    detail = f"NoiseReductionApplied {applied[0]:g}" if applied else "no NoiseReductionApplied tag"
    return Check("marked as denoised", metadata.tells_noise_reduction, detail)


def _residual(frame: RawFrame) -> Check:
    """Noise seen against noise stated, at the mean signal."""
    name = "NoiseProfile fits"
    if frame.noise_profile is None:
        return Check(name, False, "no usable NoiseProfile tag")
    linear = frame.levels.to_linear(frame.samples)
    signal = max(0.0, float(linear.mean()))
    stated = frame.noise_profile.sigma_at(signal)
    planes = independent_planes(frame.layout, linear)
    try:
        seen = min(blind_noise(planes, -1.0, mosaic_of(frame.layout)).sigma_at(signal), _roughness(planes))
    except InvalidNoiseError:
        return Check(name, True, f"sigma {stated:.5f} stated; too little of the photo is unclipped to see its own")
    return Check(name, seen <= stated * RESIDUAL_FACTOR, f"sigma {stated:.5f} stated, {seen:.5f} seen")


def _roughness(planes: np.ndarray) -> float:
    """Sigma of white noise that would make samples (4, H, W) bend as much as most of them do.

    Where there is next to no noise, a fit to the variance of patches sees texture alone; most sites have none.
    """
    bends = planes[..., 1:-1] - (planes[..., :-2] + planes[..., 2:]) / 2
    unclipped = bends[planes[..., 1:-1] < MIDTONES]
    return float(np.median(np.abs(unclipped))) / (MEDIAN_OF_NORMAL * math.sqrt(1.5)) if len(unclipped) else 0.0


def _tags(before: Metadata, after: Metadata) -> Check:
    name = "tags"
    if before.tiff is None or after.tiff is None or not before.is_dng:
        return Check(name, True, "the source is no DNG: its tags are not compared")
    found = sorted(_differences(before, after))
    if not bad_pixel_opcodes_fit(before, after):
        found.append("OpcodeList1 of the raw image")
    return Check(name, not found, "; ".join(found) or "none differs but those that denoising changes")


def _differences(before: Metadata, after: Metadata) -> Iterator[str]:
    pages, others = dict(_pages(before)), dict(_pages(after))
    for place in pages.keys() - others.keys():
        yield f"{place} is missing"
    for place in pages.keys() & others.keys():
        (tiff, page, allowed), (other_tiff, other, _) = pages[place], others[place]
        for tag in (page.entries.keys() | other.entries.keys()) - allowed:
            default = tiff.encode(tag, LONG, [DEFAULTS[tag]]) if tag in DEFAULTS else None
            if not _same(tiff, page.entries.get(tag, default), other_tiff, other.entries.get(tag, default)):
                yield f"{place} tag {tag}"


def _pages(metadata: Metadata) -> Iterator[tuple[str, tuple[Tiff, Directory, frozenset[int]]]]:
    """Every directory by its place in the file, with the tags that may differ."""
    assert metadata.tiff is not None
    tiff, first = metadata.tiff, metadata.tiff.first()
    groups: list[tuple[str, Iterable[Directory]]] = [
        ("IFD0", [first]),
        ("SubIFD", tiff.children(first, tags.SUB_IFDS)),
        ("Exif", tiff.children(first, tags.EXIF_IFD)),
        ("GPS", tiff.children(first, tags.GPS_IFD)),
    ]
    for name, pages in groups:
        for index, page in enumerate(pages):
            is_raw = metadata.raw is not None and page.offset == metadata.raw.offset
            changed = OPCODE_TAGS | (CURVE_TAGS if metadata.is_lossy else frozenset()) if is_raw else PREVIEW_TAGS
            yield f"{name}.{index}", (tiff, page, CHANGED_TAGS | changed)


def _same(tiff: Tiff, entry: Entry | None, other_tiff: Tiff, other: Entry | None) -> bool:
    if entry is None or other is None or tiff.order != other_tiff.order:
        return entry is other
    if {entry.kind, other.kind} <= {SHORT, LONG}:
        return tiff.integers(entry) == other_tiff.integers(other)
    return (entry.kind, entry.count, entry.data) == (other.kind, other.count, other.data)


def _geometry(before: RawFrame, after: RawFrame) -> Check:
    words = [
        f"{frame.layout.name} {frame.active.width}x{frame.active.height} from {frame.active.left},{frame.active.top}, "
        f"orientation {frame.orientation}"
        for frame in (before, after)
    ]
    same = (before.layout, before.active, before.orientation) == (after.layout, after.active, after.orientation)
    return Check("geometry", same, words[1] if same else " became ".join(words))


def _levels(before: RawFrame, after: RawFrame) -> Check:
    """Black and white may be multiplied, by the same factor."""
    factor = after.levels.white / before.levels.white
    black = before.levels.black * factor
    same = bool(np.isclose(black, after.levels.black, rtol=1e-4, atol=0.5).all())
    return Check("levels", same, f"white {after.levels.white:g}, {factor:g} times the source's")


def _means(before: RawFrame, after: RawFrame, bad: np.ndarray) -> Check:
    """How far the mean of each colour moved, without what is clipped, and without `bad` pixels.

    What is bright in the result is left out: of what is nearly white only those samples are unclipped that noise has
    made darker. The two greens count together: where a sensor's differ by crosstalk, denoising evens them out.
    """
    first, second = (frame.levels.to_linear(frame.samples) for frame in (before, after))
    kept = (before.samples < before.levels.white) & (second < MIDTONES) & ~bad
    change = independent_planes(after.layout, np.where(kept, second - first, np.float32(0))).reshape(4, -1)
    red, first_green, second_green, blue = change.mean(1, dtype=float)
    worst = max(abs(float(shift)) for shift in (red, (first_green + second_green) / 2, blue))
    chance = STANDARD_ERRORS * float(change.std(1).max()) / math.sqrt(change.shape[1])
    return Check("mean of each colour", worst <= LARGEST_SHIFT + chance, f"moved by up to {worst:.3%} of white")


def _changes(before: RawFrame, after: RawFrame, most: NoiseModel, bad: np.ndarray) -> Check:
    """No sample but `bad` ones moves farther than noise could have moved it: no network takes more away."""
    first, second = (frame.levels.to_linear(frame.samples) for frame in (before, after))
    signal = np.maximum(first, second).clip(min=0)
    sigma = np.sqrt(float(most.shot.max()) * signal + float(most.read.max()))
    moved = int(((np.abs(second - first) > LARGEST_CHANGE * sigma + CODES / before.levels.scale) & ~bad).sum())
    return Check("size of each change", moved == 0, f"{moved} samples moved by more than {LARGEST_CHANGE:g} sigma")


def _quieter(after: RawFrame, most: NoiseModel) -> Check:
    """The noise that the result states is less than the source's."""
    stated = after.noise_profile.sigma_at() if after.noise_profile else 0.0
    least = CODES / after.levels.scale
    fits = stated <= RESIDUAL_FACTOR * most.sigma_at() + least
    return Check("less noise than the source", fits, f"sigma {stated:.5f} stated, {most.sigma_at():.5f} in the source")


def _clipped(before: RawFrame, after: RawFrame, clip: np.ndarray, bad: np.ndarray) -> Check:
    """Samples at white, or where a plane saturates below it at `clip` (4,), must be what they were, if not `bad`."""
    samples, layout = before.samples, before.layout
    planes = layout.pack(before.levels.to_linear(samples))
    saturated = saturated_sites(layout, planes, clip, (samples.shape[-2], samples.shape[-1]))
    clipped = (saturated | (samples >= before.levels.white)) & ~bad
    factor = after.levels.white / before.levels.white
    moved = int((after.samples[clipped] != before.samples[clipped] * factor).sum())
    return Check("clipped samples", moved == 0, f"{moved} of {int(clipped.sum())} changed")


def _bad_pixels(before: RawFrame, after: RawFrame, metadata: Metadata) -> Check:
    """Sites that the source names as bad must be replaced, or still be marked for the developer."""
    named = 0 if before.listed_bad is None else int(before.listed_bad.sum())
    left = dots_left(before, after, metadata)
    return Check("bad pixels", left == 0, f"{left} of the {named} that the source names show")
