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
    36 of X-Trans, or an empty string without colours. `black` is one level or those that repeat from the top-left site,
    `white` the level at which samples are clipped; both are in the units of `mosaic`. `settings` are fields of
    `rawclean.settings.DenoiseSettings`, like noise=(1.6e-3, 2.6e-6) or iso=3200; without them the mosaic shows its
    noise itself. Returns float32 in the same units; samples at white stay.

    Raises UnsupportedSensorError for another pattern or size, InvalidLevelsError for levels that contradict each other
    or samples that are not finite, InvalidNoiseError where the mosaic shows no noise.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> clean = np.broadcast_to(np.linspace(600, 4000, 256), (256, 256))
    >>> noisy = rng.poisson(clean - 512) + rng.normal(512, 3, clean.shape)
    >>> denoised = denoise_mosaic(noisy.round(), "RGGB", black=512, white=16383)
    >>> bool(np.std(denoised - clean) < 0.2 * np.std(noisy - clean))
    True
    """
    frame = _frame(
        np.asarray(mosaic, np.float32), _layout(pattern), np.atleast_2d(np.asarray(black, np.float32)), float(white)
    )
    wanted = DenoiseSettings(**settings)
    return pipeline.clean_frame(pipeline.examine(frame, wanted), wanted).samples


def _layout(pattern: str) -> Layout:
    if not pattern:
        return PlainLayout.MONOCHROME
    if len(pattern) == len("".join(CANONICAL)):
        return XTransPattern.of_letters(pattern)
    if pattern not in BayerPattern.__members__:
        raise UnsupportedSensorError(f"no colour pattern {pattern!r}; give RGGB, BGGR, GRBG, GBRG or 36 of X-Trans")
    return BayerPattern(pattern)


def _frame(samples: np.ndarray, layout: Layout, black: np.ndarray, white: float) -> RawFrame:
    if samples.ndim != 2 or min(samples.shape) < MIN_SIDE:
        raise UnsupportedSensorError(f"samples {samples.shape}; a mosaic is (H, W), each at least {MIN_SIDE}")
    if not np.isfinite(samples).all():
        raise InvalidLevelsError("some samples are not finite numbers")
    return RawFrame(
        raster=samples,
        active=ActiveArea(0, 0, *samples.shape),
        layout=layout,
        levels=Levels(black, white),
        colour=Colour((1.0, 1.0, 1.0), None),
        camera=Camera("", ""),
        exposure=Exposure(None, None, None, None, None),
        orientation=1,
        noise_profile=None,
        is_float=True,
    )
