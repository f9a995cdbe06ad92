"""A training loop of one's own, as remedies change it, and the same changes as code for people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from gradclinic.experiments.clipping import Clipping
from gradclinic.experiments.lr_schedules import LrSchedule
from gradclinic.experiments.lr_schedules.constant import Constant

Batch: TypeAlias = Any
"""One batch of a user's own data, in any form that the loss takes."""
LossLike = nn.Module | Callable[[nn.Module, Batch], Tensor]
"""A loss module, called as loss(model(inputs), targets); or a function, called as loss(model, batch)."""

Where = Literal["after building", "batches", "before the step", "after the step"]
_HEADINGS: dict[Where, str] = {
    "after building": "after the model and the optimizer are built",
    "batches": "where the batches are made",
    "before the step": "between loss.backward() and optimizer.step()",
    "after the step": "after optimizer.step()",
}


@dataclass(frozen=True)
class Change:
    """Lines of Python that change a program in the same way as a remedy."""

    where: Where
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A model with its optimizer and loss, and what happens around them in each step."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    loss: LossLike
    steps: int
    batch: Batch
    """One batch, to find out what the model does with it."""
    schedule: LrSchedule = field(default_factory=Constant)
    """The factor that multiplies the learning rate in each step."""
    clipping: Clipping | None = None
    """Clipping of the gradient before each step; None if it is not clipped."""
    joined: int = 1
    """Number of batches that are joined into the batch of one step."""
    changes: tuple[Change, ...] = ()
    """What the remedies changed so far."""

    def loss_of(self, batch: Batch) -> Tensor:
        """The loss of a batch; a loss module takes batches of the form (inputs, targets)."""
        if isinstance(self.loss, nn.Module):
            inputs, targets = batch
            found: Tensor = self.loss(self.model(inputs), targets)
            return found
        return self.loss(self.model, batch)

    def changed(self, where: Where, *lines: str) -> "Loop":
        """The same loop, which also knows these lines of code."""
        return replace(self, changes=(*self.changes, Change(where, lines)))


def code_of(changes: Sequence[Change]) -> str:
    """The changes as Python for a program with `model`, `optimizer` and `loss`, each part under its place."""
    parts = []
    for where, heading in _HEADINGS.items():
        lines = [line for change in changes if change.where == where for line in change.lines]
        if lines:
            parts.append("\n".join([f"# {heading}", *lines]))
    return "\n\n".join(parts)
