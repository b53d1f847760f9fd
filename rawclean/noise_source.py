"""Which noise a photo has, by all evidence: its tag, its camera's profile, its ISO, and the photo itself.

Every witness is a density over shot and read noise with a width of its own (`core.noise_belief`); the conclusion is the
mean of their product. Only `--noise` is believed without question.
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.frame import RawFrame
from rawclean.core.layout import independent_planes, mosaic_of
from rawclean.core.limits import MAX_VARIANCE
from rawclean.core.noise import MID_GREY, NoiseModel
from rawclean.core.noise_belief import LIAR, USUAL_ELECTRONS, NoiseBelief, prior_belief, stated_belief
from rawclean.errors import InvalidNoiseError
from rawclean.instruments.measured_noise import MeasuredNoise, NoisePoint, measure_noise
from rawclean.instruments.noise_meter import shipped_meter
from rawclean.io.noise_profiles import profile_noise, typical_noise
from rawclean.settings import NoiseSettings

TAG_WIDTH = 0.1
"""Standard deviation of the log of sigma by a tag; phones' are worse, which is what `LIAR` is for."""
PROFILE_WIDTH = 0.08
"""Of a profile, measured on another exemplar and at another temperature."""
ISO_WIDTH = 0.45
"""Of the typical camera at an ISO: cameras lie within a factor of three in variance (DNG specification 1.7.1)."""
AGREEING = 2.0
"""Standard deviations within which a witness agrees with the conclusion."""
DISAGREEMENT = 1.5
"""Factor between a stated sigma and the conclusion's from which on a warning is given."""
CAUTION = 0.3
"""Standard deviations by which a network is told more noise than concluded: a sigma 20 % too low costs three times what
one 20 % too high does. With 0.3 no dev photo loses more than 0.68 dB, with 1 one loses 0.89, with 0.007 dB less lost on
average: the uncertain photos are textured, and there too much is told already."""
QUIET, TEXTURE = 4e-3, 5e-3
"""Sigma at 18 % signal below which a tag or a profile counts alone, and what fine texture everywhere is measured as at
most: where a photo shows no more than that, it cannot contradict them. (At shot noise 1e-5 five of 25 photos lost 0.15
to 5.4 dB by its word, measured as 1.9 to 3.5 times their noise.)"""
LEAST_READ = 1e-12
"""Variance, far below quantisation, that keeps the sigma of a clean photo above zero."""
TINY = np.float32(1e-20)
"""Divides zero safely."""
BAND, ENOUGH_SAMPLES = 192, 6_000_000
"""Rows of a band: whole periods of every mosaic and whole pieces of its planes; samples that are enough."""
THE_PHOTO = "the photo itself"
NOTHING_SEEN = (
    "nearly all of the photo is black, clipped or perfectly even: its noise cannot be measured, and the file "
    "does not state it; give it with --iso N or --noise SHOT,READ"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One witness of the noise."""

    origin: str
    """In words: NoiseProfile tag, camera profile, ISO 800, the photo itself."""
    noise: NoiseModel
    """Fields (4,)."""
    width: float
    """Standard deviation of the log of sigma."""


@dataclass(frozen=True, slots=True)
class FoundNoise:
    """The noise of a photo and how it is known."""

    noise: NoiseModel
    """Fields (4,)."""
    width: float
    """Standard deviation of the log of its sigma."""
    origin: str
    """The witnesses that agree with it, in words."""
    evidence: tuple[Evidence, ...]
    clip: np.ndarray
    """(4,) linear signal at which R, Gr, Gb and B are saturated, at most one."""
    points: tuple[NoisePoint, ...]
    """What the photo shows, for people."""
    correlated: bool
    """Whether the camera has smoothed its noise."""
    warning: str | None

    @property
    def told(self) -> NoiseModel:
        """What a network is best told: the noise and its uncertainty."""
        return self.noise.times(math.exp(2 * CAUTION * self.width))


def find_noise(frame: RawFrame, settings: NoiseSettings) -> FoundNoise:
    """The noise of a photo.

    Raises InvalidNoiseError where neither the file nor the photo tells anything.
    """
    linear = _sampled_linear(frame)
    measured = _measured(frame, linear)
    signal = max(0.0, float(linear.mean()))
    if settings.noise is not None:
        return _ordered(settings.noise, measured, signal)
    stated = _stated(frame, settings)
    if not stated and not measured.points:
        raise InvalidNoiseError(NOTHING_SEEN)
    found = weighed(stated, measured, signal=signal)
    warning = "; ".join(filter(None, (frame.noise_profile_fault, found.warning))) or None
    return dataclasses.replace(found, warning=warning)


def photo_noise(frame: RawFrame) -> MeasuredNoise:
    """What a photo shows by itself, its clip levels among it."""
    return _measured(frame, _sampled_linear(frame))


def most_noise(frame: RawFrame, measured: MeasuredNoise) -> NoiseModel:
    """The most that any witness states of the noise of a photo, fields (4,); none where there is no witness."""
    said = [NoiseModel.uniform(0.0, 0.0), *(each.noise for each in _stated(frame, NoiseSettings()))]
    if measured.points:
        said.append(concluded_alone(measured))
    shot, read = (np.max(fields, axis=0) for fields in ([each.shot for each in said], [each.read for each in said]))
    return NoiseModel(shot, read)


def blind_noise(planes: np.ndarray, floor: float = -math.inf, mosaic: CfaFamily = CfaFamily.BAYER) -> NoiseModel:
    """What `planes` (4, H, W), linear, of a mosaic show by themselves, fields (4,).

    Raises InvalidNoiseError where they show nothing.
    """
    return concluded_alone(measure_noise(planes, floor, shipped_meter(mosaic)))


def concluded_alone(measured: MeasuredNoise) -> NoiseModel:
    """The noise by what a photo shows and nothing else, fields (4,); raises InvalidNoiseError where that is nothing."""
    if not measured.points:
        raise InvalidNoiseError(NOTHING_SEEN)
    return _evidence(THE_PHOTO, prior_belief() & measured.belief, MID_GREY).noise


def weighed(stated: list[Evidence], measured: MeasuredNoise, *, signal: float) -> FoundNoise:
    """Conclude from what is `stated` and measured; `signal`, linear, is where most of the photo is."""
    prior = prior_belief()
    conclusion = prior & measured.belief
    photo = _evidence(THE_PHOTO, conclusion, signal)
    silent = not measured.points or any(_below_texture(each, photo) for each in stated)
    if silent and stated:
        conclusion = prior
    for each in stated:  # one that nothing can contradict is believed
        conclusion = conclusion & stated_belief(each.noise, each.width, 0.0 if silent else LIAR)
    concluded = _evidence("", conclusion, signal)
    evidence = (*stated, *([photo] if measured.points else []))
    agreeing = [each for each in evidence if _agree(each, concluded, signal)]
    noise = _shaped(concluded.noise, agreeing)
    origin = " and ".join(each.origin for each in agreeing) or THE_PHOTO
    found = Evidence(origin, noise, concluded.width)
    return _found(found, evidence, measured, _warning(found, tuple(stated), signal))


def _ordered(noise: tuple[float, float], measured: MeasuredNoise, signal: float) -> FoundNoise:
    """The noise that the user orders, with a warning where the photo shows another; raises InvalidNoiseError."""
    stated = NoiseModel.uniform(*noise)
    told = Evidence("option --noise", NoiseModel(stated.shot, stated.read.clip(min=LEAST_READ)), 0.0)
    if not measured.points:
        return _found(told, (told,), measured, None)
    photo = _evidence(THE_PHOTO, prior_belief() & measured.belief, signal)
    return _found(told, (told, photo), measured, _warning(told, (photo,), signal))


def _found(
    concluded: Evidence, evidence: tuple[Evidence, ...], measured: MeasuredNoise, warning: str | None
) -> FoundNoise:
    return FoundNoise(
        noise=concluded.noise,
        width=concluded.width,
        origin=concluded.origin,
        evidence=evidence,
        clip=measured.clip,
        points=measured.points,
        correlated=measured.correlated,
        warning=warning,
    )


def _stated(frame: RawFrame, settings: NoiseSettings) -> list[Evidence]:
    """What the file and its camera's profile say, the best witness first."""
    if settings.iso is None and frame.noise_profile is not None:
        return [Evidence("NoiseProfile tag", frame.noise_profile, TAG_WIDTH)]
    iso = settings.iso or frame.exposure.iso
    if iso is None:
        return []
    profile = profile_noise(frame.camera, iso)
    if profile is not None:
        return [Evidence("camera profile", profile, PROFILE_WIDTH)]
    if settings.iso is None and iso < 1:
        return []
    shot = float(typical_noise(iso).shot[0])  # its read noise, 33 electrons, is that of no camera today
    return [Evidence(f"ISO {iso:g}", NoiseModel.uniform(shot, min((USUAL_ELECTRONS * shot) ** 2, 1.0)), ISO_WIDTH)]


def _measured(frame: RawFrame, linear: np.ndarray) -> MeasuredNoise:
    """What the linear samples of a photo show."""
    meter = shipped_meter(mosaic_of(frame.layout))
    return measure_noise(independent_planes(frame.layout, linear), _floor(frame), meter)


def _sampled_linear(frame: RawFrame) -> np.ndarray:
    """Evenly spread bands of the rows of a large photo, linear (..., H, W); more of it tells nothing new."""
    samples = frame.samples
    count = samples.shape[-2] // BAND
    step = round(samples.size / ENOUGH_SAMPLES)
    if step > 1 and count >= step:
        bands = [samples[..., top : top + BAND, :] for top in range(0, count * BAND, step * BAND)]
        samples = np.concatenate(bands, axis=-2)
    return frame.levels.to_linear(samples)


def _floor(frame: RawFrame) -> float:
    """Signal of the lowest code, which may hide lower values; integer codes end half a code above zero."""
    least = 0.0 if frame.is_float else 0.5
    return (least - float(frame.levels.black.min())) / frame.levels.scale


def _evidence(origin: str, belief: NoiseBelief, signal: float) -> Evidence:
    shot, read = (min(value, MAX_VARIANCE) for value in belief.shot_and_read())
    return Evidence(origin, NoiseModel.uniform(shot, max(read, LEAST_READ)), belief.width(signal))


def _below_texture(witness: Evidence, photo: Evidence) -> bool:
    """Whether a good witness states less than the photo shows, and so little that it may be texture that it shows."""
    stated, shown = witness.noise.sigma_at(), photo.noise.sigma_at()
    return witness.width <= TAG_WIDTH and stated < QUIET and stated < shown < TEXTURE


def _agree(witness: Evidence, concluded: Evidence, signal: float) -> bool:
    distance = abs(math.log(witness.noise.sigma_at(signal) / concluded.noise.sigma_at(signal)))
    return distance <= AGREEING * math.hypot(witness.width, concluded.width)


def _shaped(noise: NoiseModel, agreeing: list[Evidence]) -> NoiseModel:
    """`noise`, as different between the planes as the witness that knows planes says."""
    if not agreeing:
        return noise
    shot, read = agreeing[0].noise.shot, agreeing[0].noise.read
    return NoiseModel(
        noise.shot.mean() * shot / max(shot.mean(), TINY), noise.read.mean() * read / max(read.mean(), TINY)
    )


def _warning(concluded: Evidence, witnesses: tuple[Evidence, ...], signal: float) -> str | None:
    """What to say where a witness that should know is far from the conclusion."""
    taken = concluded.noise.sigma_at(signal)
    for each in witnesses:
        said = each.noise.sigma_at(signal)
        factor = max(DISAGREEMENT, math.exp(AGREEING * each.width))
        if not said / factor <= taken <= said * factor:
            return (
                f"{each.origin} says sigma {said:.5f} at this photo's mean signal, but {taken:.5f} was taken, by "
                f"{concluded.origin}; if the result is too smooth or too noisy, give "
                f"--noise {float(each.noise.shot.mean()):.2e},{float(each.noise.read.mean()):.2e}"
            )
    return None
