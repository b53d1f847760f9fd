"""Which losses there are: their weights in a recipe, what they need, and how they are made."""

from collections.abc import Callable
from dataclasses import dataclass

from rawclean.networks import Network
from rawclean.training.losses import Loss, WeightedLoss
from rawclean.training.losses.feature_hints import FeatureHints
from rawclean.training.losses.feature_matching import FeatureMatching, Target
from rawclean.training.losses.heterogeneous import AdaptedFeatures, OutputMatching
from rawclean.training.losses.relative_error import RelativeError
from rawclean.training.losses.teacher import FeaturePair, FrozenTeacher, check_layers, feature_pairs


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the losses; zero leaves one out. All but the first need a teacher, if not said otherwise."""

    relative_error: float = 1.0
    feature_matching: float = 0.0
    """What the teacher sees in the result, and in the target."""
    output_matching: float = 0.0
    """The teacher's result (HMDS, first strategy)."""
    adapted_features: float = 0.0
    """The teacher's features, through learned adapters (HMDS, second strategy)."""
    feature_hints: float = 0.0
    """The teacher's features, through the best linear map; it falls to zero over the run."""
    layers: tuple[int, ...] = (1, 2, 3, 4)
    """Of the teacher's features, coarsest scale 0."""
    target: Target = Target.CLEAN
    """What features are matched with by `feature_matching`."""

    def __post_init__(self) -> None:
        """Raise ValueError where a weight is negative."""
        for name in LOSSES:
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is none that a weight can be")

    @property
    def needs_teacher(self) -> bool:
        """Whether a teacher must be given."""
        return any(getattr(self, name) > 0 for name, entry in LOSSES.items() if entry.needs_teacher)


@dataclass(frozen=True, slots=True)
class Classroom:
    """What losses are made of."""

    weights: LossWeights
    student: Network
    averaged: Network
    """The student's averaged weights, as they go."""
    teacher: FrozenTeacher | None

    @property
    def master(self) -> FrozenTeacher:
        """The teacher, for losses that need one."""
        assert self.teacher is not None
        return self.teacher

    @property
    def pairs(self) -> list[FeaturePair]:
        """Features to compare; raises TrainingError where there are none."""
        return feature_pairs(self.student, self.master.network, self.weights.layers)


@dataclass(frozen=True, slots=True)
class LossEntry:
    """A loss in the table."""

    make: Callable[[Classroom], Loss]
    needs_teacher: bool = True
    fades: bool = False
    """Whether its weight falls to zero over the run."""


def _feature_matching(room: Classroom) -> Loss:
    check_layers(room.master.network, room.weights.layers)
    return FeatureMatching(room.master, room.weights.layers, room.weights.target)


LOSSES: dict[str, LossEntry] = {
    "relative_error": LossEntry(lambda room: RelativeError(), needs_teacher=False),
    "feature_matching": LossEntry(_feature_matching),
    "output_matching": LossEntry(lambda room: OutputMatching(room.master)),
    "adapted_features": LossEntry(lambda room: AdaptedFeatures(room.master, room.pairs)),
    "feature_hints": LossEntry(lambda room: FeatureHints(room.master, room.pairs), fades=True),
}
"""By the name of their weight."""


def weighted_losses(room: Classroom) -> list[WeightedLoss]:
    """The losses whose weight is above zero; raises TrainingError where one does not fit student or teacher."""
    weights = {name: getattr(room.weights, name) for name in LOSSES}
    return [
        WeightedLoss(weights[name], entry.make(room), entry.fades)
        for name, entry in LOSSES.items()
        if weights[name] > 0
    ]
