"""The cost of a student's open channels, which makes gates close that earn less than they cost (MoD-NAS in small)."""

from collections.abc import Callable

from torch import Tensor

from rawclean.errors import TrainingError
from rawclean.networks import Network
from rawclean.networks.channel_gates import ChannelGates, relative_cost
from rawclean.networks.fan import Fan
from rawclean.training.batch import Batch
from rawclean.training.losses import Loss
from rawclean.training.prediction import Prediction


class ChannelCost(Loss):
    """One where all gates are open, zero where the multiply-adds are down to the `budget`, a share of all."""

    def __init__(self, cost: Callable[[], Tensor], budget: float) -> None:
        super().__init__()
        self.cost = cost
        self.budget = budget

    @classmethod
    def of(cls, student: Network, budget: float) -> "ChannelCost":
        """The cost of this student; raises TrainingError where it has no gates."""
        if not isinstance(student, Fan) or not student.gates:
            raise TrainingError("gate_cost is for a fan with gates; say so in [network_config]")
        gates = [gate for gate in student.gates if isinstance(gate, ChannelGates)]
        return cls(lambda: relative_cost(student.layers(), gates), budget)

    def forward(self, student: Prediction, batch: Batch) -> Tensor:
        """The excess; gradients reach the gates only."""
        return (self.cost() - self.budget).clamp(min=0) / (1 - self.budget)
