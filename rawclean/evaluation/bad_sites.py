"""What `rawclean verify` asks of bad pixels: those that the source names leave no trace in the result."""

import numpy as np

from rawclean.core.bad_pixels import repaired, visible_listed
from rawclean.core.frame import RawFrame
from rawclean.core.layout import PlainLayout
from rawclean.core.noise import NoiseModel
from rawclean.errors import InvalidNoiseError
from rawclean.instruments.bad_pixels import with_found_sites
from rawclean.instruments.measured_noise import MeasuredNoise
from rawclean.io.dng.opcodes import BAD_PIXEL_OPCODES, bad_pixel_constants, opcode_numbers, without_opcodes
from rawclean.io.tiff import tags
from rawclean.io.tiff.metadata import Metadata
from rawclean.noise_source import concluded_alone

LEFT_SHARE = 0.5
"""Of a site's distance from its neighbours, beyond which it is a dot as before."""
LEFT_SIGMAS = 6.0
"""Standard deviations of the noise below which no dot is seen."""


def bad_sites(frame: RawFrame, seen: MeasuredNoise) -> np.ndarray:
    """The visible sites of a source that may be replaced: named by the file or alone far outside the noise.

    `seen` is what the photo shows of its noise.
    """
    listed = visible_listed(frame)
    if frame.layout is PlainLayout.LINEAR_RGB:
        return listed
    signal = frame.levels.to_linear(frame.samples)
    return with_found_sites(signal, listed, frame.layout, _noise(frame, seen))


def bad_pixel_opcodes_fit(before: Metadata, after: Metadata) -> bool:
    """Whether the result's OpcodeList1 is the source's, or that without the opcodes about bad pixels."""
    source, result = (_first_list(metadata) for metadata in (before, after))
    rest = without_opcodes(source, BAD_PIXEL_OPCODES) if source else b""
    return result == source or result == (rest if opcode_numbers(rest) else b"")


def dots_left(before: RawFrame, after: RawFrame, metadata: Metadata) -> int:
    """How many of the sites that the source names show in the result, of which `metadata` are.

    Where the opcodes are still there, a site shows that does not hold their constant any more.
    """
    listed = visible_listed(before)
    opcodes = _first_list(metadata)
    if not listed.any() or not BAD_PIXEL_OPCODES.isdisjoint(opcode_numbers(opcodes)):
        constants = bad_pixel_constants(opcodes)
        return int((after.samples[listed] != constants[0]).sum()) if constants else 0
    distance = [_distance(frame, listed) for frame in (before, after)]
    noise = after.noise_profile or NoiseModel.uniform(0.0, 0.0)
    seen = distance[1] > LEFT_SIGMAS * noise.sigma_at()
    return int((seen & (distance[1] > LEFT_SHARE * distance[0])).sum())


def _distance(frame: RawFrame, listed: np.ndarray) -> np.ndarray:
    """How far each of the `listed` sites is from its neighbours, linear."""
    signal = frame.levels.to_linear(frame.samples)
    return np.abs((signal - repaired(signal, listed, frame.layout))[listed])


def _first_list(metadata: Metadata) -> bytes:
    entry = metadata.raw.entries.get(tags.OPCODE_LIST_1) if metadata.raw else None
    return entry.data if entry else b""


def _noise(frame: RawFrame, seen: MeasuredNoise) -> NoiseModel:
    """As the file states it, or as the photo shows it; more than any photo has where it shows none."""
    if frame.noise_profile is not None:
        return frame.noise_profile
    try:
        return concluded_alone(seen)
    except InvalidNoiseError:
        return NoiseModel.uniform(1.0, 1.0)
