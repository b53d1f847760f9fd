"""Training recipes: TOML files to frozen values."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rawclean.core.cfa_family import CfaFamily
from rawclean.core.limits import MAX_SEED
from rawclean.core.rules import check_rules
from rawclean.core.typed import structured
from rawclean.engines.choices import Precision
from rawclean.errors import TrainingError
from rawclean.networks import network_config
from rawclean.synthesis.noise_draw import NoiseRangeConfig
from rawclean.synthesis.sensor_effects import SensorConfig
from rawclean.synthesis.told_noise import ToldConfig
from rawclean.training.dataset import Synthesis
from rawclean.training.losses.table import LossWeights
from rawclean.training.optimizers import OptimizerChoice


@dataclass(frozen=True, slots=True)
class Stage:
    """Batches of one shape, up to a share of all steps."""

    until: float
    """Share of the steps, in (0, 1]; the last stage ends at 1."""
    batch: int
    crop: int
    """Side of a crop in mosaic samples; a multiple of the network's `multiple_of` times two, for X-Trans three."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One recipe: which network, for how long, on which batches, with which losses."""

    network: str = "fan"
    network_config: dict[str, Any] = field(default_factory=dict)
    """Fields of the network's own config that differ from its defaults."""
    start: str | None = None
    """Weight file to start from; it decides the network, which grows where `network_config` is larger (`growth`)."""
    teacher: str | None = None
    """Weight file of the teacher."""
    steps: int = 80_000
    warmup: int = 500
    optimizer: OptimizerChoice = OptimizerChoice.MUON
    learning_rate: float = 4e-3
    weight_decay: float = 1e-4
    ema: float = 0.999
    """Decay of the averaged weights, which are those that are kept."""
    precision: Precision = Precision.AUTO
    """Autocast of the network; the rest is float32."""
    seed: int = 0
    noise: NoiseRangeConfig = field(default_factory=NoiseRangeConfig)
    sensor: SensorConfig = field(default_factory=SensorConfig)
    told: ToldConfig = field(default_factory=ToldConfig)
    real_share: float = 0.1
    """Share of the crops from real RAW photos, where a folder of such is given (`real_crops`)."""
    losses: LossWeights = field(default_factory=LossWeights)
    stages: tuple[Stage, ...] = (Stage(until=0.6, batch=16, crop=128), Stage(until=1.0, batch=4, crop=256))

    def __post_init__(self) -> None:
        """Raise ValueError where the network is unknown or a value can be none of a training."""
        fields = self.network_config
        if self.start is not None:  # the others differ from its config, which only the training knows
            fields = {name: value for name, value in fields.items() if name == "mosaic"}
        network_config(self.network, fields)
        ends = [stage.until for stage in self.stages]
        check_rules(
            ("steps is at least 1", self.steps > 0),
            ("warmup is at least 0", self.warmup >= 0),
            ("learning_rate is above 0, and at most 1", 0 < self.learning_rate <= 1),
            ("weight_decay is at least 0, and at most 1", 0 <= self.weight_decay <= 1),
            ("ema is at least 0, and below 1", 0 <= self.ema < 1),
            ("real_share is between 0 and 1", 0 <= self.real_share <= 1),
            (f"seed is between 0 and {MAX_SEED}", 0 <= self.seed <= MAX_SEED),
            ("until of the stages rises, and ends at 1", ends == sorted({0.0, *ends})[1:] and ends[-1:] == [1.0]),
            ("batch of a stage is at least 1", all(stage.batch > 0 for stage in self.stages)),
            ("crop of a stage is at least 1", all(stage.crop > 0 for stage in self.stages)),
        )

    def stage_at(self, step: int) -> Stage:
        """The stage that `step` belongs to."""
        return next(stage for stage in self.stages if step < stage.until * self.steps or stage is self.stages[-1])

    @property
    def synthesis(self) -> Synthesis:
        """How noise is added."""
        mosaic = CfaFamily(self.network_config.get("mosaic", CfaFamily.BAYER))
        return Synthesis(self.noise, self.sensor, self.told, mosaic)


def read_recipe(path: Path, **changes: Any) -> TrainConfig:
    """Read a TOML recipe; `changes` that are not None replace its top-level fields.

    Raises TrainingError where the file is no recipe, has an unknown field or a value of another type, or misses a
    teacher.
    """
    if not path.is_file():
        raise TrainingError(f"{path}: no such training recipe")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        config = structured(table | {key: value for key, value in changes.items() if value is not None}, TrainConfig)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path}: not a training recipe ({error})") from error
    if config.losses.needs_teacher and config.teacher is None:
        raise TrainingError(f"{path}: its losses need a teacher; name one with --teacher WEIGHTS")
    return config


def shipped_recipe(name: str) -> Path:
    """The path of a recipe in the package."""
    return Path(__file__).parent / "recipes" / f"{name}.toml"
