"""Muon for the matrices of convolutions, AdamW for all else.

Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) replaces the momentum of a matrix by the nearest orthogonal
one, so that all directions learn at one speed. It is scaled to AdamW's usual step (Liu et al. 2025, arXiv 2502.16982).
torch.optim.Muon takes two-dimensional parameters only, and one at a time; a student has dozens of equal convolutions,
which are orthogonalised together here. Two thousand steps of the student: 45.56 dB, with AdamW alone 44.89.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import torch
from torch import Tensor, nn

BETAS = (0.9, 0.99)
MOMENTUM = 0.95
LEAST_RANK = 8
"""Matrices with fewer rows or columns are left to AdamW."""
_STEP_OF_ADAMW = 0.2
"""Root mean square of AdamW's usual step, in units of the learning rate."""
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the odd polynomial whose iteration moves all singular values close to one (Jordan et al. 2024)."""
_ITERATIONS = 5


class OptimizerChoice(Enum):
    """How weights are updated."""

    MUON = "muon"
    ADAMW = "adamw"


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised; every parameter (rows, ...) is taken as a matrix of its rows."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update all parameters that have a gradient; no closure is taken."""
        assert closure is None
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[len(parameter), parameter[0].numel()].append(parameter)
            for (rows, columns), parameters in alike.items():
                directions = torch.stack([self._direction(each).reshape(rows, columns) for each in parameters])
                steps = orthogonalised(directions) * (_STEP_OF_ADAMW * max(rows, columns) ** 0.5)
                for parameter, step in zip(parameters, steps, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.sub_(step.reshape(parameter.shape), alpha=group["lr"])

    def _direction(self, parameter: Tensor) -> Tensor:
        """The gradient with Nesterov's momentum."""
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum: Tensor = state["momentum"]
        momentum.lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(momentum, MOMENTUM)


def orthogonalised(matrices: Tensor) -> Tensor:
    """The nearest orthogonal matrices of (B, rows, columns), roughly: singular values between 0.7 and 1.2."""
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonalised(matrices.mT).mT
    linear, cubic, quintic = _NEWTON_SCHULZ
    result: Tensor = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        gram = result @ result.mT
        result = linear * result + (cubic * gram + quintic * gram @ gram) @ result
    return result


class Optimizers:
    """The optimizers of all that is learned, stepped as one."""

    def __init__(self, learned: nn.Module, choice: OptimizerChoice, lr: float, weight_decay: float) -> None:
        parameters = list(learned.parameters())
        matrices = [each for each in parameters if choice is OptimizerChoice.MUON and _is_matrix(each)]
        taken = set(map(id, matrices))
        rest = [each for each in parameters if id(each) not in taken]
        adamw = torch.optim.AdamW(rest, lr=lr, betas=BETAS, weight_decay=weight_decay, fused=True)
        self._parts = [adamw, *([Muon(matrices, lr, weight_decay)] if matrices else [])]

    def step(self, learning_rate: float) -> None:
        """Update the weights."""
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = learning_rate
            part.step()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part in self._parts:
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        """Everything that a checkpoint needs."""
        return [part.state_dict() for part in self._parts]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Go on from a checkpoint; raises ValueError where it is of other optimizers."""
        for part, state in zip(self._parts, states, strict=True):
            part.load_state_dict(state)


def _is_matrix(parameter: Tensor) -> bool:
    """Whether it is a convolution that mixes channels, large enough to have directions."""
    return parameter.ndim == 4 and parameter.shape[1] > 1 and min(len(parameter), parameter[0].numel()) >= LEAST_RANK
