"""The noise that a model leaves: what changes in its result when only the noise changes.

Half the mean squared difference of two denoised versions of a photo is the variance of what noise is left; blur, which
is the same in both, does not count.
"""

from pathlib import Path

import numpy as np

from rawclean.core.cfa_family import CfaFamily
from rawclean.evaluation.benchmark import Denoiser
from rawclean.evaluation.scenes import SHOT_LEVELS, read_scenes
from rawclean.models.cards import ResidualPoint


def measure_residual(
    folder: Path, denoiser: Denoiser, mosaic: CfaFamily, limit: int | None = None
) -> tuple[ResidualPoint, ...]:
    """Variance left over variance given, per noise level, over the photos of a folder."""
    points = []
    for shot in SHOT_LEVELS:
        left, given, sigma = [], [], 0.0
        for scene in read_scenes(folder, limit, mosaic):
            (first, noise), (second, _) = scene.noisy(shot, draw=1), scene.noisy(shot, draw=2)
            sigma = noise.sigma_at()
            left.append(np.square(denoiser(first, noise) - denoiser(second, noise)).mean() / 2)
            given.append(np.square(first - second).mean() / 2)
        points.append(ResidualPoint(sigma, float(np.mean(left) / np.mean(given))))
    return tuple(points)
