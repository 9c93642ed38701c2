"""Adam as torch computes it, without torch's optimiser class, whose first step imports the compiler: 3 CPU seconds."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adam import adam


class Adam:
    """The same bytes and the same state as ``torch.optim.Adam(..., fused=True)``.

    Parameters
    ----------
    parameters : iterable of nn.Parameter
        Those without a gradient stay as they are.
    learning_rate, weight_decay : float
    """

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float) -> None:
        self.parameters = list(parameters)
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.state: dict[int, dict[str, Tensor]] = {}  # parameter's number -> step and the two moments

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters along their gradients."""
        moved = {number: each for number, each in enumerate(self.parameters) if each.grad is not None}
        for number in moved.keys() - self.state.keys():
            moments = {name: torch.zeros_like(moved[number]) for name in ("exp_avg", "exp_avg_sq")}
            self.state[number] = {"step": torch.zeros((), device=moved[number].device), **moments}
        of_each = [self.state[number] for number in moved]
        adam(
            list(moved.values()),
            [each.grad for each in moved.values() if each.grad is not None],
            [state["exp_avg"] for state in of_each],
            [state["exp_avg_sq"] for state in of_each],
            [],
            [state["step"] for state in of_each],
            fused=True,
            amsgrad=False,
            maximize=False,
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            beta1=0.9,
            beta2=0.999,
            eps=1e-8,
        )

    def state_dict(self) -> dict[str, Any]:
        """What ``load_state_dict`` needs, as torch's Adam has it."""
        return {"state": self.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state = state["state"]
