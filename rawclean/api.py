"""rawclean for Python programs: a file to a file, a folder to a folder, or a mosaic in memory to a denoised one.

>>> from pathlib import Path
>>> import rawclean
>>> report = rawclean.denoise_file(Path("tests/data/guitar.dng"), Path("guitar_clean.dng"), overwrite=True)
>>> report.camera
'rawclean Simulated 14 bit'
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rawclean import pipeline
from rawclean.batch import session
from rawclean.batch.outcome import Outcome
from rawclean.batch.session import BatchRequest
from rawclean.core.bayer import BayerPattern
from rawclean.core.colour import Colour
from rawclean.core.frame import MIN_SIDE, ActiveArea, Camera, Exposure, RawFrame
from rawclean.core.layout import Layout, PlainLayout
from rawclean.core.levels import Levels
from rawclean.core.xtrans import CANONICAL, XTransPattern
from rawclean.denoise_report import DenoiseReport
from rawclean.errors import InvalidLevelsError, UnsupportedSensorError
from rawclean.settings import DenoiseSettings


def denoise_file(source: Path | str, output: Path | str, **settings: Any) -> DenoiseReport:
    """Denoise a RAW or DNG photo into `output`: .dng, .png or .tiff.

    `settings` are fields of `rawclean.settings.DenoiseSettings`, like strength=0.7, quality="fast" or overwrite=True.
    Raises a RawcleanError, whose message says what to do, where something is wrong with the photo, the value of a
    setting, the model or the output; then no output is left behind.
    """
    return pipeline.denoise_file(Path(source), Path(output), DenoiseSettings(**settings))


def run_batch(folder: Path | str, out: Path | str | None = None, **options: Any) -> Iterator[Outcome]:
    """Denoise every photo of a folder that is not done yet, as `rawclean batch` does: an outcome for each as it ends.

    `out` is `folder`/denoised by default; both may be URLs. `options` are fields of
    `rawclean.batch.session.BatchRequest`, like max_memory=2 << 30, and of `rawclean.settings.DenoiseSettings`. What is
    wrong with a photo is in its outcome. Raises a RawcleanError where no photo can be denoised. The work is done in
    another process, which does not run your script again: it needs no `if __name__ == "__main__":`.

    >>> import rawclean
    >>> for outcome in rawclean.run_batch("tests/data", "clean"):
    ...     print(outcome.job.name, outcome.report.camera)
    guitar.dng rawclean Simulated 14 bit
    """
    asked = {field.name for field in dataclasses.fields(BatchRequest)}
    settings = DenoiseSettings(**{name: value for name, value in options.items() if name not in asked})
    wanted = {name: value for name, value in options.items() if name in asked}
    request = BatchRequest(str(folder), None if out is None else str(out), settings=settings, **wanted)
    return session.run_batch(request, session.plan_batch(request))


def denoise_mosaic(
    mosaic: np.ndarray,
    pattern: str,
    black: float | Sequence[Sequence[float]],
    white: float,
    **settings: Any,
) -> np.ndarray:
    """Denoise a mosaic (H, W) of any number type, as rawpy's `raw_image_visible`, FITS or a sensor give it.

    `pattern` is the colours of its top-left sites row by row: the four of a Bayer mosaic (RGGB, BGGR, GRBG, GBRG), the
    36 of X-Trans, or an empty string without colours. `black` is one level, or rows of those that repeat from the
    top-left site, [[R, G], [G, B]] for RGGB; `white` is the level at which samples are clipped. Both are in the units
    of `mosaic`. `settings` are fields of
    `rawclean.settings.DenoiseSettings`, like noise=(1.6e-3, 2.6e-6) or iso=3200; without them the mosaic shows its
    noise itself. Returns float32 in the same units; samples at white stay.

    Raises UnsupportedSensorError for another pattern or size, InvalidLevelsError for levels that contradict each other
    and for samples that are no finite numbers or masked, InvalidNoiseError where the mosaic shows no noise, UsageError
    for the value of a setting.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> clean = np.broadcast_to(np.linspace(600, 4000, 256), (256, 256))
    >>> noisy = rng.poisson(clean - 512) + rng.normal(512, 3, clean.shape)
    >>> denoised = denoise_mosaic(noisy.round(), "RGGB", black=512, white=16383)
    >>> bool(np.std(denoised - clean) < 0.2 * np.std(noisy - clean))
    True
    """
    wanted = DenoiseSettings(**settings)
    frame = _frame(_real_numbers(mosaic, "mosaic"), _layout(pattern), _levels(black, white))
    return pipeline.clean_frame(pipeline.examine(frame, wanted), wanted).samples


def _layout(pattern: object) -> Layout:
    letters = pattern if isinstance(pattern, str) else None
    if letters == "":
        return PlainLayout.MONOCHROME
    if letters and len(letters) == len("".join(CANONICAL)):
        return XTransPattern.of_letters(letters)
    if letters not in BayerPattern.__members__:
        raise UnsupportedSensorError(
            f"no colour pattern {pattern!r:.40}; give RGGB, BGGR, GRBG, GBRG, 36 of X-Trans, or '' without colours"
        )
    return BayerPattern(letters)


def _levels(black: object, white: object) -> Levels:
    blacks, whites = _real_numbers(black, "black"), _real_numbers(white, "white")
    if whites.ndim or not np.isfinite(whites):
        raise InvalidLevelsError("white is no finite number; give the one level at which all samples are clipped")
    if blacks.size == 1:
        return Levels(blacks.reshape(1, 1), float(whites))
    if blacks.ndim != 2 or not blacks.size:
        raise InvalidLevelsError(
            f"black has the shape {blacks.shape}; give one level, or rows as the pattern lies, [[R, G], [G, B]] of RGGB"
        )
    return Levels(blacks, float(whites))


def _real_numbers(told: object, name: str) -> np.ndarray:
    """An array of float32; raises InvalidLevelsError where a conversion would lose what it says."""
    try:
        numbers = np.asanyarray(told)
    except ValueError as error:
        raise InvalidLevelsError(f"{name} has rows of several lengths; give rows that are equally long") from error
    if np.ma.is_masked(numbers):
        raise InvalidLevelsError(f"{name} has masked values; fill them first, with .filled(...)")
    if numbers.dtype.kind not in "iuf":
        raise InvalidLevelsError(f"{name} is of type {numbers.dtype}; give integers or floating point numbers")
    return np.asarray(numbers, np.float32)


def _frame(samples: np.ndarray, layout: Layout, levels: Levels) -> RawFrame:
    if samples.ndim != 2 or min(samples.shape) < MIN_SIDE:
        raise UnsupportedSensorError(f"samples {samples.shape}; a mosaic is (H, W), each at least {MIN_SIDE}")
    if not np.isfinite(samples).all():
        raise InvalidLevelsError("some samples are not finite numbers")
    return RawFrame(
        raster=samples,
        active=ActiveArea(0, 0, *samples.shape),
        layout=layout,
        levels=levels,
        colour=Colour((1.0, 1.0, 1.0), None),
        camera=Camera("", ""),
        exposure=Exposure(None, None, None, None, None),
        orientation=1,
        noise_profile=None,
        is_float=True,
    )
