"""Whether shots can tell the noise of a camera: large enough, lit, of one exposure, of one scene, and equally sharp."""

import math
from collections.abc import Sequence

import numpy as np

from rawclean.core.block_means import block_means
from rawclean.core.noise_line import LEAST_VARIANCE
from rawclean.core.shot_blocks import BLOCK, block_noise, light_gains, means_of_blocks
from rawclean.errors import CalibrationError

LEAST_BLOCKS = 30
"""Blocks, of all planes together, that make a line."""
MAX_LIGHT = 1.25
"""Factor between the brightness of a shot and the mean that is no longer a lamp or a cloud, but another exposure."""
LIT = 5.0
"""Standard deviations of its noise above which the brightest hundredth of the blocks must be: else all is black."""
LEAST_SIMILARITY = 0.9
"""Correlation of the blocks' brightness in two shots below which they show different scenes."""
CONTRAST = 0.02
"""Standard deviation of the brightness, relative to its mean, below which there is nothing to compare."""
ABOVE_NOISE = 3.0
"""What the brightness must vary by beyond what noise makes of it, for there to be something to compare."""
LEAST_TEXTURED, SMOOTHER = 0.25, 0.7
"""Share of the blocks whose roughness in one shot, over that in another, is below the second: that shot is filtered."""


def check_shots(shots: Sequence[np.ndarray], floor: float) -> np.ndarray:
    """Brightness (N,) of each of the shots (P, H, W), linear and clipped at `floor`, over their mean.

    Raises CalibrationError, with what to do, where they do not serve.
    """
    _check_size(shots)
    _check_lit(shots)
    gains = light_gains(shots, floor)
    _check_light(gains)
    _check_scene(shots)
    _check_sharpness(shots)
    return gains


def _check_size(shots: Sequence[np.ndarray]) -> None:
    """Raise where the shots have too few blocks for a line."""
    planes, height, width = shots[0].shape
    if planes * (height // BLOCK) * (width // BLOCK) < LEAST_BLOCKS:
        raise CalibrationError(
            f"{2 * width}x{2 * height} samples are too few to measure noise; take the whole picture, not a crop"
        )


def _check_lit(shots: Sequence[np.ndarray]) -> None:
    """Raise where a shot holds nothing but its noise about black."""
    for index, shot in enumerate(shots):
        if float(np.quantile(block_means(shot, BLOCK), 0.99)) < LIT * block_noise(shot):
            raise CalibrationError(
                f"shot {index + 1} is black but for its noise; take off the lens cap, and expose so that the picture "
                "has black, grey and bright parts"
            )


def _check_light(gains: np.ndarray) -> None:
    """Raise where the shots are not of one exposure."""
    darkest, brightest = int(gains.argmin()), int(gains.argmax())
    if float(gains.max()) > MAX_LIGHT or float(gains.min()) < 1 / MAX_LIGHT:
        raise CalibrationError(
            f"shot {darkest + 1} has {float(gains.min() / gains.max()):.2f} times the light of shot {brightest + 1}; "
            "take all with the same exposure, in steady light"
        )


def _check_scene(shots: Sequence[np.ndarray]) -> None:
    """Raise where shots do not look alike; a scene without contrast is left to other checks."""
    means = means_of_blocks(shots)
    typical = means.mean((0, 2, 3), keepdims=True).clip(min=LEAST_VARIANCE)
    contrast = (means / typical).reshape(len(shots), -1)
    contrast = contrast - contrast.mean(1, keepdims=True)
    least = max(CONTRAST, ABOVE_NOISE * block_noise(shots[0]) / float(typical.mean()))
    for index, (first, other) in enumerate((contrast[0], each) for each in contrast):
        spread = [math.sqrt(float(np.square(each).mean())) for each in (first, other)]
        if max(spread) < least:
            continue
        if float((first * other).mean()) / max(spread[0] * spread[1], LEAST_VARIANCE) < LEAST_SIMILARITY:
            raise CalibrationError(
                f"shots 1 and {index + 1} do not show the same scene; take all from a tripod, of something still"
            )


def _check_sharpness(shots: Sequence[np.ndarray]) -> None:
    """Raise where a shot is smoother than the first one, or that than it, where the scene has least texture."""
    first = _roughness(shots[0])
    for index, shot in enumerate(shots[1:], start=2):
        other = _roughness(shot)
        for smooth, rough, names in ((other, first, (index, 1)), (first, other, (1, index))):
            ratio = smooth[rough > 0] / rough[rough > 0]
            if len(ratio) and float(np.quantile(ratio, LEAST_TEXTURED)) < SMOOTHER:
                raise CalibrationError(
                    f"shot {names[0]} is smoother than shot {names[1]}: it is denoised or blurred; take all from a "
                    "tripod, as the camera writes them"
                )


def _roughness(shot: np.ndarray) -> np.ndarray:
    """How much the samples of a shot (P, H, W) bend, for each of its blocks."""
    bends = shot[..., 1:-1] - (shot[..., :-2] + shot[..., 2:]) / 2
    return np.sqrt(block_means(np.square(bends), BLOCK)).ravel()
