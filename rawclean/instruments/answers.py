"""What the small networks that look at a photo answer to an example that is the same for ever."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from rawclean.core.answers import Answer, example_planes, example_values
from rawclean.core.noise_patches import PLANES, SIDE, scaled
from rawclean.core.suspect_sites import FEATURES
from rawclean.instruments.noise_meter import NoiseMeter
from rawclean.instruments.site_judge import SiteJudge
from rawclean.models.manifest import JUDGE, METERS

SUSPECTS = 64
TOLERANCE = 1e-3
"""They compute in float32; the two that are most alike are 0.16 apart."""


def answer_of_meter(path: Path) -> Answer:
    """What the meter of a weight file reads from the example; raises ModelError where it is none."""
    planes = example_planes(PLANES)
    pieces = planes.reshape(PLANES, 2, SIDE, 2, SIDE).transpose(1, 3, 0, 2, 4).reshape(4, PLANES, SIDE, SIDE)
    readings = NoiseMeter.load(path).read(scaled(pieces))
    return Answer.of(np.concatenate([readings.log_sigma, readings.log_sd, readings.correlation[:, None]], axis=1))


def answer_of_judge(path: Path) -> Answer:
    """What the judge of a weight file says of the example; raises ModelError where it is none."""
    return Answer.of(SiteJudge.load(path).answers(4 * example_values(SUSPECTS, FEATURES) - 2))


INSTRUMENTS: dict[str, Callable[[Path], Answer]] = {
    **dict.fromkeys(METERS.values(), answer_of_meter),
    JUDGE: answer_of_judge,
}
"""Those that ship with rawclean, by the names of their files."""
