"""Training recipes: TOML files to frozen values."""

import dataclasses
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rawclean.core.mosaics import Mosaic
from rawclean.engines.choices import Precision
from rawclean.errors import TrainingError
from rawclean.networks import NETWORKS
from rawclean.synthesis.noise_draw import NoiseRangeConfig
from rawclean.synthesis.sensor_effects import SensorConfig
from rawclean.synthesis.told_noise import ToldConfig
from rawclean.training.dataset import Synthesis
from rawclean.training.optimizers import OptimizerChoice


@dataclass(frozen=True, slots=True)
class Stage:
    """Batches of one shape, up to a share of all steps."""

    until: float
    """Share of the steps, in (0, 1]; the last stage ends at 1."""
    batch: int
    crop: int
    """Side of a crop in mosaic samples; a multiple of twice the network's `multiple_of`."""


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the losses; zero leaves one out. Matching losses need a teacher."""

    relative_error: float = 1.0
    feature_matching: float = 0.0
    output_matching: float = 0.0
    feature_hints: float = 0.0
    """At the start; it falls to zero over the run."""
    layers: tuple[int, ...] = (1, 2, 3, 4)
    """Of the teacher's decoder, coarsest scale 0."""
    target: str = "clean"
    """What features are matched with: clean or teacher."""

    @property
    def needs_teacher(self) -> bool:
        """Whether a teacher must be given."""
        return max(self.feature_matching, self.output_matching, self.feature_hints) > 0


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One recipe: which network, for how long, on which batches, with which losses."""

    network: str = "fan"
    network_config: dict[str, Any] = field(default_factory=dict)
    """Fields of the network's own config that differ from its defaults."""
    start: str | None = None
    """Weight file to start from; it decides network and config."""
    teacher: str | None = None
    """Weight file of the teacher."""
    steps: int = 80_000
    warmup: int = 500
    optimizer: str = OptimizerChoice.MUON.value
    """muon or adamw."""
    learning_rate: float = 4e-3
    weight_decay: float = 1e-4
    ema: float = 0.999
    """Decay of the averaged weights, which are those that are kept."""
    precision: str = Precision.AUTO.value
    """Autocast of the network: bf16, fp32, or auto for what the hardware is fast in; the rest is float32."""
    seed: int = 0
    noise: NoiseRangeConfig = field(default_factory=NoiseRangeConfig)
    sensor: SensorConfig = field(default_factory=SensorConfig)
    told: ToldConfig = field(default_factory=ToldConfig)
    losses: LossWeights = field(default_factory=LossWeights)
    stages: tuple[Stage, ...] = (Stage(until=0.6, batch=16, crop=128), Stage(until=1.0, batch=4, crop=256))

    def stage_at(self, step: int) -> Stage:
        """The stage that `step` belongs to."""
        return next(stage for stage in self.stages if step < stage.until * self.steps or stage is self.stages[-1])

    @property
    def synthesis(self) -> Synthesis:
        """How noise is added."""
        mosaic = Mosaic(self.network_config.get("mosaic", Mosaic.BAYER.value))
        return Synthesis(self.noise, self.sensor, self.told, mosaic)


_TABLES: dict[str, Callable[..., Any]] = {
    "noise": NoiseRangeConfig,
    "sensor": SensorConfig,
    "told": ToldConfig,
    "losses": LossWeights,
}
"""Tables of a recipe."""


def read_recipe(path: Path, **changes: Any) -> TrainConfig:
    """Read a TOML recipe; `changes` that are not None replace its top-level fields.

    Raises TrainingError where the file is no recipe, names an unknown field, or misses a teacher.
    """
    if not path.is_file():
        raise TrainingError(f"{path}: no such training recipe")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"{path}: not a training recipe ({error})") from error
    try:
        config = dataclasses.replace(_config(table), **{k: v for k, v in changes.items() if v is not None})
    except (TypeError, ValueError, AttributeError) as error:
        raise TrainingError(f"{path}: {error}") from error
    if config.network not in NETWORKS:
        raise TrainingError(f"{path}: unknown network {config.network!r}; known: {', '.join(NETWORKS)}")
    if config.optimizer not in (choice.value for choice in OptimizerChoice):
        raise TrainingError(f"{path}: unknown optimizer {config.optimizer!r}; known: muon, adamw")
    if config.precision not in (choice.value for choice in Precision):
        raise TrainingError(f"{path}: unknown precision {config.precision!r}; known: auto, bf16, fp32")
    if config.losses.needs_teacher and config.teacher is None:
        raise TrainingError(f"{path}: its losses need a teacher; name one with --teacher WEIGHTS")
    return config


def shipped_recipe(name: str) -> Path:
    """The path of a recipe in the package."""
    return Path(__file__).parent / "recipes" / f"{name}.toml"


def _config(table: dict[str, Any]) -> TrainConfig:
    fields = dict(table)
    for name, kind in _TABLES.items():
        if name in fields:
            fields[name] = kind(**{key: _frozen(value) for key, value in fields[name].items()})
    if "stages" in fields:
        fields["stages"] = tuple(Stage(**stage) for stage in fields["stages"])
    return TrainConfig(**fields)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
