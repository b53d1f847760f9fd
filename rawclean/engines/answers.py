"""What a model answers on an engine, and how far that may be from what is stored."""

from rawclean.core.answers import Answer, example_noise, example_planes
from rawclean.core.tiling import Tiling
from rawclean.engines.contract import Engine

FLOAT32 = frozenset({"f32", "float32"})
"""What engines call it in their name."""
TOLERANCE_FP32 = 1e-3
"""OpenVINO is 7e-6 off at the most, in all that ships; a GPU that rounds products to TF32 more."""
TOLERANCE_BF16 = 0.04
"""OpenVINO and torch are 0.006 to 0.028 off; two models that ship are 0.044 apart at the least."""


def answer_of(engine: Engine, planes: int) -> Answer:
    """What a model for so many planes takes from the example as noise."""
    example = example_planes(planes)
    whole = Tiling.of((example.shape[1], example.shape[2]), max(example.shape), engine.multiple_of, engine.halo)
    return Answer.of(engine.predict_noise(whole.surrounded(example), example_noise(planes)))


def tolerance_of(engine: Engine) -> float:
    """The largest `Answer.distance` from what torch computed in float32 that the number format explains."""
    return TOLERANCE_FP32 if engine.name.split()[-1] in FLOAT32 else TOLERANCE_BF16
