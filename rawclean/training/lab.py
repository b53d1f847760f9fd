"""The recipe of a lab: networks x losses, each pair trained alike, to be compared.

Steps, seeds and photos are equal for all cells, and so are the batches: they are drawn from the seed alone.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rawclean.core.rules import check_rules
from rawclean.core.typed import structured
from rawclean.errors import TrainingError
from rawclean.networks import network_config
from rawclean.training.config import TrainConfig
from rawclean.training.losses.table import LossWeights


@dataclass(frozen=True, slots=True)
class LabNetwork:
    """A row of cells."""

    network: str = "fan"
    network_config: dict[str, Any] = field(default_factory=dict)
    """Fields of the network's own config that differ from its defaults."""
    learning_rate: float | None = None
    """Where the recipe's does not suit it."""

    def __post_init__(self) -> None:
        """Raise ValueError where the network is unknown."""
        network_config(self.network, self.network_config)


@dataclass(frozen=True, slots=True)
class LabConfig:
    """What is compared, and how."""

    networks: dict[str, LabNetwork]
    """By names that are shown, and used for folders."""
    losses: dict[str, LossWeights]
    photos: tuple[str, ...] = ()
    """Folders of photos to learn from, as seen from where the lab is run."""
    dev: str = ""
    """Folder of photos to measure on."""
    limit: int | None = None
    """Measure on the first photos only."""
    sensor_photos: int = 0
    """How many of them to measure the faults of sensors on, which takes most of the time; zero is none."""
    seeds: tuple[int, ...] = (0, 1)
    recipe: TrainConfig = field(default_factory=TrainConfig)
    """All that the cells have in common: steps, stages, noise, teacher."""

    def __post_init__(self) -> None:
        """Raise ValueError where a name is no folder's, or a value can be none of a lab."""
        check_rules(
            *((f"{name!r} is no name for a cell", _is_name(name)) for name in (*self.networks, *self.losses)),
            ("there is at least one of the networks", len(self.networks) > 0),
            ("there is at least one of the losses", len(self.losses) > 0),
            ("there is at least one of the seeds, and none twice", len(set(self.seeds)) == len(self.seeds) > 0),
            ("limit is at least 1", self.limit is None or self.limit > 0),
            ("sensor_photos is at least 0", self.sensor_photos >= 0),
        )


def _is_name(name: str) -> bool:
    """Of a folder, and of a column in a table of Markdown."""
    return name not in ("", ".", "..") and Path(name).name == name and "|" not in name and name.isprintable()


@dataclass(frozen=True, slots=True)
class Cell:
    """One training of a lab."""

    network: str
    loss: str
    config: TrainConfig

    @property
    def folder(self) -> Path:
        """Where it lies in the folder of the lab."""
        return Path(self.network) / self.loss / f"seed-{self.config.seed}"

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.network}, {self.loss}, seed {self.config.seed}"


def cells(lab: LabConfig) -> Iterator[Cell]:
    """All trainings, seed by seed, so that an unfinished lab has whole columns first."""
    for seed in lab.seeds:
        for row, network in lab.networks.items():
            for loss, weights in lab.losses.items():
                config = replace(
                    lab.recipe,
                    network=network.network,
                    network_config=network.network_config,
                    learning_rate=lab.recipe.learning_rate if network.learning_rate is None else network.learning_rate,
                    losses=weights,
                    seed=seed,
                )
                yield Cell(row, loss, config)


def read_lab(path: Path, *, lab: dict[str, Any], recipe: dict[str, Any]) -> LabConfig:
    """Read the TOML file of a lab; values that are not None replace fields of the `lab` and of its `recipe`.

    Raises TrainingError where the file is no lab, has an unknown field or a value of another type, or misses photos or
    a teacher.
    """
    if not path.is_file():
        raise TrainingError(f"{path}: no such lab")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        changed = _changed(table.get("recipe", {}), recipe)
        config = structured(_changed(table, lab) | {"recipe": changed}, LabConfig)
        needs_teacher = any(cell.config.losses.needs_teacher for cell in cells(config))
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{path}: not a lab ({error})") from error
    if not config.photos or not config.dev:
        raise TrainingError(f"{path}: names no photos; give folders with --photos and --dev")
    if needs_teacher and config.recipe.teacher is None:
        raise TrainingError(f"{path}: some of its losses need a teacher; name one with --teacher WEIGHTS")
    return config


def _changed(table: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return table | {key: value for key, value in changes.items() if value is not None}
