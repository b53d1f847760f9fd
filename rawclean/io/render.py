"""A mosaic to a picture: LibRaw's developer, fed with the samples of a `RawFrame`."""

from typing import cast

import numpy as np
import rawpy
import torch
from numpy.typing import NDArray

from rawclean.core.frame import RawFrame

MAX_CODE = 65535


def sensor_codes(frame: RawFrame) -> NDArray[np.uint16]:
    """The raster (H, W), masked borders included, rounded to 16-bit codes."""
    return cast(NDArray[np.uint16], frame.raster.round().clamp(0, MAX_CODE).to(torch.uint16).numpy())


def render(
    frame: RawFrame, *, bits: int, half_size: bool = False, upright: bool = True
) -> NDArray[np.uint8 | np.uint16]:
    """Develop to sRGB (H, W, 3) with the camera's white balance and fixed exposure, 8 or 16 `bits`.

    `upright` turns the picture as the camera was held; without it the picture lies as the sensor does.
    """
    with rawpy.imread(str(frame.source)) as raw:
        raw.raw_image[:] = sensor_codes(frame)
        return raw.postprocess(
            use_camera_wb=True,
            no_auto_bright=True,
            adjust_maximum_thr=0.0,  # the default moves the exposure with the brightest sample
            output_bps=bits,
            half_size=half_size,
            user_flip=None if upright else 0,
        )
