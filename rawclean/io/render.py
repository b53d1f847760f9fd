"""Samples to a picture: LibRaw's developer, fed with those of a `RawFrame`."""

import dataclasses
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rawpy
from numpy.typing import NDArray

from rawclean.core.frame import RawFrame
from rawclean.core.noise import NoiseModel
from rawclean.errors import UnreadablePhotoError, naming
from rawclean.io.compression import Compression
from rawclean.io.dng.build import new_dng
from rawclean.io.dng.entries import DenoisedPhoto
from rawclean.io.dng.graft import graft_dng
from rawclean.io.dng.raster import libraw_reads
from rawclean.io.dng.stored import stored_samples
from rawclean.io.images import read_picture, read_tiff
from rawclean.io.raw import read_raw
from rawclean.io.raw_photo import RawPhoto
from rawclean.io.spelled import spelled
from rawclean.io.suffixes import RAW_SUFFIXES
from rawclean.io.tiff.metadata import Metadata
from rawclean.io.white_balance import camera_gains

NO_NOISE = NoiseModel.uniform(0.0, 0.0)


def render(photo: DenoisedPhoto, *, bits: int) -> NDArray[np.uint8 | np.uint16]:
    """Develop to sRGB (H, W, 3) with the camera's white balance and fixed exposure, 8 or 16 `bits`, upright.

    Raises UnreadablePhotoError where LibRaw rejects the source.
    """
    red, green, blue = photo.frame.colour.wb_gains
    try:
        with _opened(photo) as raw:
            own = camera_gains(raw, is_dng=photo.raw.metadata.is_dng)
            return _developed(raw, bits, None if own else [red, green, blue, green])
    except rawpy.LibRawError as error:
        raise UnreadablePhotoError(f"cannot be developed ({error}); is it whole?") from error


def render_frame(frame: RawFrame) -> NDArray[np.uint8]:
    """Develop samples alone, without their file, as `render` does: (H, W, 3), upright."""
    as_codes = dataclasses.replace(frame, is_float=False)
    photo = DenoisedPhoto(RawPhoto(Path(), as_codes, Metadata()), NO_NOISE, strength=0.0, compression=Compression.NONE)
    with rawpy.imread(io.BytesIO(new_dng(photo))) as raw:
        return _developed(raw, 8, None).astype(np.uint8, copy=False)


def _developed(raw: rawpy.RawPy, bits: int, gains: list[float] | None) -> NDArray[np.uint8 | np.uint16]:
    """What all developments have in common; `gains` are used in place of the file's."""
    picture = raw.postprocess(
        use_camera_wb=True,
        user_wb=gains,
        no_auto_bright=True,
        adjust_maximum_thr=0.0,  # the default moves the exposure with the brightest sample
        output_bps=bits,
    )
    return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture


def picture_of(path: Path) -> NDArray[np.uint8]:
    """What a photo or a result looks like, (H, W, 3): RAW files developed as `render` does, pictures as they are.

    Raises UnreadablePhotoError and the other errors of `read_raw`.
    """
    if path.suffix.lower() in RAW_SUFFIXES:
        photo = read_raw(path, use_noise_profile=False)
        as_it_is = DenoisedPhoto(photo, NO_NOISE, strength=0.0)
        with naming(path):
            return render(as_it_is, bits=8).astype(np.uint8, copy=False)
    return read_tiff(path) if path.suffix.lower() in (".tif", ".tiff") else read_picture(path)


@contextmanager
def _opened(photo: DenoisedPhoto) -> Iterator[rawpy.RawPy]:
    """LibRaw with the photo's samples: in place of the source's, or in a plain DNG where it cannot decode those."""
    if not libraw_reads(photo.raw.metadata):
        plain = photo.stored_as(Compression.NONE)
        with rawpy.imread(io.BytesIO(graft_dng(plain, keep_previews=True))) as raw:
            yield raw
        return
    with rawpy.imread(str(spelled(photo.raw.source))) as raw:  # which has been read, and so checked
        codes = stored_samples(photo.frame, spread=False).values
        if raw.raw_image.ndim == 3:
            raw.raw_image[..., : codes.shape[2]] = codes
        else:
            raw.raw_image[:] = codes[..., 0]
        yield raw
