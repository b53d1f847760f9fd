"""All who say something about the noise of a photo, for people to compare: also those who were not asked."""

from collections.abc import Iterator
from pathlib import Path

from rawclean.core.frame import RawFrame
from rawclean.core.noise import NoiseModel
from rawclean.core.printable import printable
from rawclean.errors import InvalidNoiseError, naming
from rawclean.evaluation.exposed import check_exposed
from rawclean.evaluation.noise_chart import NoiseChart, Witness
from rawclean.io.noise_profiles import profile_noise, typical_noise
from rawclean.io.raw import read_raw
from rawclean.io.raw_photo import RawPhoto
from rawclean.noise_source import THE_PHOTO, FoundNoise, find_noise
from rawclean.settings import NoiseSettings

TAG, PROFILE, CONCLUSION = "NoiseProfile tag", "camera profile", "conclusion"
TYPICAL = "typical camera"
"""The DNG specification's, whose read noise is an old one; the ISO that is weighed has the read noise of today."""
SHORT = {
    TAG: "tag",
    PROFILE: "profile",
    TYPICAL: "typical",
    THE_PHOTO: "photo",
    "option --noise": "--noise",
    CONCLUSION: "all",
}
"""Heads of columns; others are short enough."""


def chart_photo(source: Path, settings: NoiseSettings) -> tuple[NoiseChart, FoundNoise]:
    """Find the noise of a photo as `denoise` does, and chart it.

    Raises a RawcleanError where the photo cannot be read or shows no noise, or the settings are absurd.
    """
    photo = read_raw(source, use_noise_profile=not settings.replaces_tag)
    with naming(source):
        check_exposed(photo.frame)
        found = find_noise(photo.frame, settings)
    return chart_of(photo, found, settings), found


def chart_of(photo: RawPhoto, found: FoundNoise, settings: NoiseSettings) -> NoiseChart:
    """The chart of a photo whose noise was `found` with `settings`."""
    frame = photo.frame
    weighed = [Witness(each.origin, each.noise, SHORT.get(each.origin, each.origin)) for each in found.evidence]
    compared = [
        Witness(f"{name} (for comparison)", noise, SHORT.get(name, name))
        for name, noise in _others(frame, settings)
        if all(not _equal(noise, witness.noise) for witness in weighed)
    ]
    iso = settings.iso or frame.exposure.iso
    subtitle = f"{printable(photo.source.name)}; noise by {found.origin}"
    return NoiseChart(
        title=f"{printable(str(frame.camera))}, ISO {'unknown' if iso is None else f'{iso:g}'}",
        subtitle=subtitle + ("; the camera has smoothed it" if found.correlated else ""),
        points=found.points,
        witnesses=(*weighed, *compared, Witness(CONCLUSION, found.noise, SHORT[CONCLUSION], concludes=True)),
    )


def _others(frame: RawFrame, settings: NoiseSettings) -> Iterator[tuple[str, NoiseModel]]:
    """What camera and ISO say, whether or not it was asked."""
    iso = settings.iso or frame.exposure.iso
    if frame.noise_profile is not None:
        yield TAG, frame.noise_profile
    if iso is None:
        return
    profile = profile_noise(frame.camera, iso)
    if profile is not None:
        yield PROFILE, profile
    try:
        yield TYPICAL, typical_noise(iso)
    except InvalidNoiseError:  # an absurd ISO in the file says nothing
        return


def _equal(one: NoiseModel, other: NoiseModel) -> bool:
    return bool((one.shot == other.shot).all() and (one.read == other.read).all())
