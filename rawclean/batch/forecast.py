"""What a run would do to one photo: its noise and its model, found without denoising."""

from dataclasses import dataclass

from rawclean.batch import storage
from rawclean.batch.outcome import DENOISED, Outcome
from rawclean.batch.plan import Job
from rawclean.core.layout import mosaic_of
from rawclean.errors import InvalidNoiseError, RawcleanError, naming
from rawclean.io.applied import is_denoised
from rawclean.io.tiff.metadata import known_metadata
from rawclean.model_choice import model_for
from rawclean.noise_source import find_noise
from rawclean.pipeline import read_photo
from rawclean.settings import DenoiseSettings


@dataclass(frozen=True, slots=True)
class Forecast:
    """A photo's noise and model, or why it will not be denoised."""

    job: Job
    output: str
    camera: str | None = None
    noise_origin: str | None = None
    sigma: float | None = None
    """At 18 % signal."""
    model: str | None = None
    error: str | None = None
    skipped: str | None = None


def forecast(task: Job | Outcome, settings: DenoiseSettings) -> Forecast:
    """Read a photo and choose its model; what is wrong with it is in the result.

    `task` is what `resume.left_to_do` says of it.
    """
    if isinstance(task, Outcome):
        return Forecast(task.job, task.job.output, skipped=task.skipped)
    try:
        with storage.source_at_hand(task.source) as source:
            metadata = known_metadata(source)
            if is_denoised(source, metadata) and not task.denoised_too:
                return Forecast(task, task.output, skipped=DENOISED)
            frame = read_photo(source, settings, metadata).frame
            with naming(source, InvalidNoiseError):
                found = find_noise(frame, settings.told_noise)
            card = model_for(mosaic_of(frame.layout), found.noise, settings)
    except RawcleanError as error:
        return Forecast(task, task.output, error=str(error))
    return Forecast(task, task.output, str(frame.camera), found.origin, found.noise.sigma_at(), card.name)
