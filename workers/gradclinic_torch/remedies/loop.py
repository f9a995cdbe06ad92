"""A training loop of one's own, as remedies change it, and the same changes as code for people."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor, nn

from gradclinic.experiments.clipping import Clipping
from gradclinic.experiments.clipping.norm import NormClipping
from gradclinic.experiments.clipping.value import ValueClipping
from gradclinic.experiments.lr_schedules import LrSchedule
from gradclinic.experiments.lr_schedules.constant import Constant
from gradclinic.remedies.base import refuse

from .joining import Batch

LossLike = nn.Module | Callable[[nn.Module, Batch], Tensor]
"""A loss module, called as loss(model(inputs), targets); or a function, called as loss(model, batch)."""

Precision = Literal["float32", "bfloat16", "float16"]
"""The type in which `torch.autocast` computes; in float32, there is no autocast."""
Where = Literal["after building", "batches", "forward pass", "before the step", "after the step"]
_HEADINGS: dict[Where, str] = {
    "after building": "after the model and the optimizer are built",
    "batches": "where the batches are made",
    "forward pass": "around the forward pass and the loss",
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
    sample: Callable[[], tuple[Tensor, Tensor] | None] = lambda: None
    """Draws about 256 training samples as (inputs, targets); None if batches do not have this form."""
    schedule: LrSchedule = field(default_factory=Constant)
    """The factor that multiplies the learning rate in each step."""
    clipping: Clipping | None = None
    """Clipping of the gradient before each step; None if it is not clipped."""
    precision: Precision = "float32"
    """That of the forward pass. In float16, a gradient scaler multiplies the loss."""
    joined: int = 1
    """Number of batches that are joined into the batch of one step."""
    changes: tuple[Change, ...] = ()
    """What the remedies changed so far."""

    def loss_of(self, batch: Batch) -> Tensor:
        """The loss of a batch; a loss module takes batches of the form (inputs, targets)."""
        return self.with_outputs(batch)[0]

    def with_outputs(self, batch: Batch) -> tuple[Tensor, object]:
        """The loss of a batch, and the outputs of the model; None if the loss is a function."""
        with self._casting():
            if isinstance(self.loss, nn.Module):
                inputs, targets = batch
                outputs = self.model(inputs)
                return self.loss(outputs, targets), outputs
            return self.loss(self.model, batch), None

    @property
    def device(self) -> str:
        """The type of the device that the model is on."""
        return next((each.device.type for each in self.model.parameters()), "cpu")

    def _casting(self) -> torch.autocast:
        return torch.autocast(self.device, getattr(torch, self.precision), enabled=self.precision != "float32")

    def changed(self, where: Where, *lines: str) -> "Loop":
        """The same loop, which also knows these lines of code."""
        return replace(self, changes=(*self.changes, Change(where, lines)))

    def held(self) -> list[nn.Parameter]:
        """The parameters that the optimizer changes."""
        return [each for group in self.optimizer.param_groups for each in group["params"]]


def code_between(before: Loop, after: Loop) -> str:
    """What turns one loop into the other, as Python for a program with `model`, `optimizer` and `loss`.

    Each part stands under its place. The schedule and the clipping are written as they are in the end.
    """
    changes = [*after.changes[len(before.changes) :]]
    if after.schedule != before.schedule:
        changes += _scheduled(after)
    if after.clipping != before.clipping:
        changes.append(Change("before the step", (clipping_code(after.clipping),)))
    parts = []
    for where, heading in _HEADINGS.items():
        lines = [line for change in changes if change.where == where for line in change.lines]
        if lines:
            parts.append("\n".join([f"# {heading}", *lines]))
    return "\n\n".join(parts)


def _scheduled(loop: Loop) -> list[Change]:
    if loop.schedule == Constant():
        return [Change("after the step", ("# take no step of a learning-rate scheduler: the rate is constant",))]
    factor = loop.schedule.code(loop.steps)
    imports = ("from math import cos, pi",) if "cos(" in factor else ()
    made = f"scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: {factor})"
    return [Change("after building", (*imports, made)), Change("after the step", ("scheduler.step()",))]


def clipping_code(clipping: Clipping | None) -> str:
    """The line that clips the gradients; raises RemedyDoesNotApply if torch has no function for it."""
    match clipping:
        case None:
            return "# do not clip the gradients"
        case NormClipping(max_norm=max_norm):
            return f"nn.utils.clip_grad_norm_(model.parameters(), {max_norm!r})"
        case ValueClipping(max_value=max_value):
            return f"nn.utils.clip_grad_value_(model.parameters(), {max_value!r})"
        case _:
            raise refuse(f"torch has no {clipping.kind} clipping; use norm or value")
