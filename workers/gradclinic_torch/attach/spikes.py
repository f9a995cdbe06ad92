"""Finds steps whose loss stands out, and which rows of their batches carried it.

The loss of each row is computed from the outputs and targets that the loss module was called with in that step, only
in a step that stands out. Nothing else is called again.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.measurements.spike import MOST_ROWS, MOST_SPIKES, Spike

from ..measure.recording_steps import Level
from ..preflight.own_loss import are_equal, values_of

MOST_CALLS, MOST_SAMPLES = 16, 1024
"""Calls of the loss in one step, and rows of one call, whose losses are computed again."""


@dataclass(frozen=True)
class _Call:
    """One call of the loss module."""

    criterion: nn.Module
    outputs: Tensor
    targets: Tensor
    kwargs: Mapping[str, object]
    value: Tensor
    versions: tuple[int, int]

    def rows(self, samples: int) -> Tensor | None:
        """[rows]: the loss of each row of the batch; None if the loss is no mean or sum over them."""
        if (self.outputs._version, self.targets._version) != self.versions:
            return None
        found = self._apart() if isinstance(getattr(self.criterion, "reduction", None), str) else self._one_by_one()
        if found is None or not found.ndim or not found.numel():
            return None
        entries = found.double().reshape(len(found), -1).mean(dim=1)
        if samples and len(entries) != samples and len(entries) % samples == 0:  # the steps of a sequence, one by one
            entries = entries.reshape(samples, -1).mean(dim=1)
        return entries

    def _apart(self) -> Tensor | None:
        """Of torch's losses, which can leave out the mean over the batch."""
        loss = copy.copy(self.criterion)
        loss.reduction = "none"  # type: ignore[assignment]  # torch declares no type
        with torch.no_grad():
            each: Tensor = type(loss).forward(loss, self.outputs, self.targets, **self.kwargs)
        return each

    def _one_by_one(self) -> Tensor | None:
        """Of a loss of the program's own, called with one row at a time."""
        count = len(self.targets) if self.targets.ndim else 0
        if not 0 < count <= MOST_SAMPLES or len(self.outputs) != count or self.kwargs:
            return None
        singles = [(self.outputs[row : row + 1], self.targets[row : row + 1]) for row in range(count)]
        found = values_of(self.criterion, self.outputs, self.targets, singles, known=self.value)
        if not found:
            return None
        each = torch.stack(found)
        known = self.value.double().reshape(())
        return each if are_equal(each.mean(), known) or are_equal(each.sum(), known) else None


class Spikes:
    """The spikes of one training."""

    def __init__(self) -> None:
        self.found: list[Spike] = []
        self._level = Level()
        self._calls: list[_Call] = []

    def called(self, criterion: nn.Module, args: Sequence[Any], kwargs: Mapping[str, object], value: Any) -> None:
        """The loss module was called in this step."""
        given = (*args[:2], value)
        if len(args) != 2 or not all(isinstance(each, Tensor) for each in given) or len(self.found) == MOST_SPIKES:
            return
        outputs, targets, value = given
        if len(self._calls) < MOST_CALLS:
            versions = (outputs._version, targets._version)
            self._calls.append(
                _Call(criterion, outputs.detach(), targets.detach(), dict(kwargs), value.detach(), versions)
            )

    def saw(self, step: int, loss: float, *, is_last: bool, samples: int) -> None:
        """The finite loss of a step. is_last: whether the calls of the loss are those of this step."""
        if self._level.stands_out(loss) and len(self.found) < MOST_SPIKES:
            usual = median(self._level.values)
            self.found.append(self._spike(step, loss, usual, self._calls if is_last else (), samples=samples))
        self._level.add(loss)

    def step_done(self) -> None:
        """The next calls are those of another step."""
        self._calls = []

    def _spike(self, step: int, loss: float, usual: float, calls: Sequence[_Call], *, samples: int) -> Spike:
        bare = Spike(step=step, loss=loss, usual=usual)
        try:
            each = [call.rows(samples // max(1, len(calls))) for call in calls]
        except Exception:  # noqa: BLE001  # a loss may raise anything; the spike is known without its rows
            return bare
        known = [one for one in each if one is not None]
        if not known or len(known) < len(calls):
            return bare
        rows, carried = carriers(torch.cat(known))
        return bare.model_copy(update={"batch_rows": sum(map(len, known)), "rows": tuple(rows), "carried": carried})


def carriers(losses: Tensor) -> tuple[list[int], float]:
    """The fewest rows that carry half of what the losses [rows] are above their median, and the fraction they carry."""
    excess = (losses - losses.median()).clamp(min=0.0)
    total = float(excess.sum())
    if total <= 0:
        return [], 0.0
    order = excess.argsort(descending=True)
    shares = excess[order].cumsum(0) / total
    count = min(MOST_ROWS, int((shares < 0.5).sum()) + 1)
    return order[:count].tolist(), min(1.0, float(shares[count - 1]))
