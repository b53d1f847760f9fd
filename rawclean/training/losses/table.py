"""Which losses there are: their weights in a recipe, what they need, and how they are made."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from rawclean.core.rules import check_rules
from rawclean.networks import Network
from rawclean.training.losses import Loss, WeightedLoss
from rawclean.training.losses.adversarial import Adversarial
from rawclean.training.losses.aggregation import AggregatedFeatures
from rawclean.training.losses.channel_cost import ChannelCost
from rawclean.training.losses.feature_hints import FeatureHints
from rawclean.training.losses.feature_matching import FeatureMatching, Target
from rawclean.training.losses.heterogeneous import AdaptedFeatures, OutputMatching
from rawclean.training.losses.region_affinity import RegionAffinity
from rawclean.training.losses.relative_error import RelativeError
from rawclean.training.losses.soft import LAYER_WEIGHTS, Contrast, CrossAttention
from rawclean.training.losses.teacher import FeaturePair, FrozenTeacher, check_layers, feature_pairs


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the losses; zero leaves one out. Most need a teacher (`LOSSES`)."""

    relative_error: float = 1.0
    feature_matching: float = 0.0
    """What the teacher sees in the result, and in the target."""
    output_matching: float = 0.0
    """The teacher's result (HMDS, first strategy)."""
    adapted_features: float = 0.0
    """The teacher's features, through learned adapters (HMDS, second strategy)."""
    feature_hints: float = 0.0
    """The teacher's features, through the best linear map; it falls to zero over the run."""
    cross_attention: float = 0.0
    """The teacher's features, through learned attention to them (SKD)."""
    contrast: float = 0.0
    """Nearer to the teacher's result than to the student's own earlier ones (SKD); 0.1 as published."""
    aggregated_features: float = 0.0
    """Learned sums of the teacher's layers (DFA)."""
    region_affinity: float = 0.0
    """How the teacher's features of different regions relate (EMKD)."""
    adversarial: float = 0.0
    """Critics that tell the student from the teacher (HAD-Net); 0.2 as published."""
    gate_cost: float = 0.0
    """The cost of open channels, for a network with gates; needs no teacher."""
    gate_budget: float = 0.5
    """Share of the multiply-adds at which `gate_cost` ends."""
    layers: tuple[int, ...] = (1, 2, 3, 4)
    """Of the teacher's features, coarsest scale 0."""
    target: Target = Target.CLEAN
    """What features are matched with by `feature_matching`."""

    def __post_init__(self) -> None:
        """Raise ValueError where a weight is negative or without end, or all are zero."""
        weights = {name: getattr(self, name) for name in LOSSES}
        check_rules(
            *(
                (f"{name} is at least 0, and not without end", 0 <= weight < math.inf)
                for name, weight in weights.items()
            ),
            ("one of the losses has a weight above 0", any(weights.values())),
            ("gate_budget is at least 0, and below 1", 0 <= self.gate_budget < 1),
        )

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
    def layers(self) -> tuple[int, ...]:
        """Layers of the teacher; raises TrainingError where it does not have them."""
        check_layers(self.master.network, self.weights.layers)
        return self.weights.layers

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
    return FeatureMatching(room.master, room.layers, room.weights.target)


def _contrast(room: Classroom) -> Loss:
    return Contrast(room.master, room.averaged, room.layers[-len(LAYER_WEIGHTS) :])


LOSSES: dict[str, LossEntry] = {
    "relative_error": LossEntry(lambda room: RelativeError(), needs_teacher=False),
    "feature_matching": LossEntry(_feature_matching),
    "output_matching": LossEntry(lambda room: OutputMatching(room.master)),
    "adapted_features": LossEntry(lambda room: AdaptedFeatures(room.master, room.pairs)),
    "feature_hints": LossEntry(lambda room: FeatureHints(room.master, room.pairs), fades=True),
    "cross_attention": LossEntry(lambda room: CrossAttention(room.master, room.pairs)),
    "contrast": LossEntry(_contrast),
    "aggregated_features": LossEntry(lambda room: AggregatedFeatures(room.master, room.pairs)),
    "region_affinity": LossEntry(lambda room: RegionAffinity(room.master, room.pairs)),
    "adversarial": LossEntry(lambda room: Adversarial(room.master, room.pairs)),
    "gate_cost": LossEntry(lambda room: ChannelCost.of(room.student, room.weights.gate_budget), needs_teacher=False),
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
