"""From the colours of a camera to those of a screen."""

from dataclasses import dataclass

import numpy as np

SRGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]],
    np.float32,
)
"""Linear sRGB to XYZ (D65), IEC 61966-2-1."""


@dataclass(frozen=True, slots=True)
class Colour:
    """What a raw developer needs to make colours of the mosaic."""

    wb_gains: tuple[float, float, float]
    """As-shot white balance for R, G, B, green 1."""
    xyz_to_camera: np.ndarray | None
    """(3, 3) from XYZ (D65) to camera colours; None where unknown."""
    tagged_to_srgb: np.ndarray | None = None
    """(3, 3) as `camera_to_srgb`, where the tags of the file give it."""

    @property
    def camera_to_srgb(self) -> np.ndarray:
        """(3, 3) from balanced camera colours to linear sRGB, white to white; no change where nothing is known."""
        if self.tagged_to_srgb is not None:
            return self.tagged_to_srgb
        if self.xyz_to_camera is None:
            return np.eye(3, dtype=np.float32)
        srgb_to_camera = self.xyz_to_camera @ SRGB_TO_XYZ
        inverse: np.ndarray = np.linalg.inv(srgb_to_camera / srgb_to_camera.sum(1, keepdims=True))
        return inverse
