"""Training recipes: TOML files to frozen values."""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rawclean.errors import TrainingError
from rawclean.networks import NETWORKS
from rawclean.training.noise_draw import NoiseRangeConfig


@dataclass(frozen=True, slots=True)
class Stage:
    """Batches of one shape, up to a share of all steps."""

    until: float
    """Share of the steps, in (0, 1]; the last stage ends at 1."""
    batch: int
    crop: int
    """Side of a crop in mosaic samples; a multiple of twice the network's `multiple_of`."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One recipe: which network, for how long, on which batches."""

    network: str = "fan"
    network_config: dict[str, Any] = field(default_factory=dict)
    """Fields of the network's own config that differ from its defaults."""
    steps: int = 80_000
    warmup: int = 500
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    ema: float = 0.999
    """Decay of the averaged weights, which are those that are kept."""
    precision: str = "bf16"
    """Autocast of the network: bf16 or fp32; losses and subtraction are float32."""
    seed: int = 0
    noise: NoiseRangeConfig = field(default_factory=NoiseRangeConfig)
    stages: tuple[Stage, ...] = (Stage(until=0.6, batch=16, crop=128), Stage(until=1.0, batch=4, crop=256))

    def stage_at(self, step: int) -> Stage:
        """The stage that `step` belongs to."""
        return next(stage for stage in self.stages if step < stage.until * self.steps or stage is self.stages[-1])


def read_recipe(path: Path, steps: int | None = None) -> TrainConfig:
    """Read a TOML recipe; `steps` overrides its length.

    Raises TrainingError where the file is no recipe or names an unknown field.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"{path}: not a training recipe ({error})") from error
    try:
        table["noise"] = NoiseRangeConfig(**table.get("noise", {}))
        if "stages" in table:
            table["stages"] = tuple(Stage(**stage) for stage in table["stages"])
        config = TrainConfig(**table)
    except TypeError as error:
        raise TrainingError(f"{path}: {error}") from error
    if config.network not in NETWORKS:
        raise TrainingError(f"{path}: unknown network {config.network!r}; known: {', '.join(NETWORKS)}")
    return config if steps is None else dataclasses.replace(config, steps=steps)


def shipped_recipe(name: str) -> Path:
    """The path of a recipe in the package."""
    return Path(__file__).parent / "recipes" / f"{name}.toml"
