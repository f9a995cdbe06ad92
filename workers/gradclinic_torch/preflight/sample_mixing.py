"""Checks whether the output for one sample depends on other samples of its batch, for example after swapped axes.

Before the first step a copy of the model, in evaluation mode, is called with a few samples, and again with one of them
replaced by the first, and by the second, and where nothing changes, with the first or the last one replaced. Where the
other samples' outputs change, samples are mixed. The model itself is not called, and no generator advances.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.measurements.preflight import MixingFacts

from ..model.hooks import first_tensor
from .model_copy import ROUNDING, Arguments, Look, copied, few_of, may_be_copied, output_of, with_tensors
from .reshapes import Reshapes

SAMPLES, FEWEST = 8, 4
"""Maximum and minimum number of samples that the copy is called with."""


class SampleMixing:
    """Keeps the first batch of a training until it has been checked."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._arguments: Arguments | None = None
        self._samples: int | None = None
        self._over_samples = self._done = False

    def before_forward(self, args: tuple[Any, ...], kwargs: Mapping[str, object]) -> None:
        """The model is about to be called."""
        if not self._done and self._arguments is None:
            self._arguments = (args, kwargs)

    def after_loss(self, outputs: Tensor, targets: Any) -> None:
        """The criterion was called: outputs and targets have a row for each sample, or nothing can be told."""
        if self._done or not isinstance(targets, Tensor) or not targets.ndim or not outputs.ndim:
            return
        self._samples = len(targets) if len(targets) == len(outputs) else None
        self._over_samples = len(outputs) >= FEWEST and _sum_to_one(outputs.detach())

    def facts(self) -> MixingFacts | None:
        """What the first batch shows, looked at once; None where it cannot be told."""
        arguments, samples = self._arguments, self._samples
        self._done, self._arguments = True, None
        if arguments is None or samples is None or samples < FEWEST:
            return None
        if self._over_samples:
            return MixingFacts(samples=samples, influence=1.0, over_samples=True)
        try:
            return _facts(self._model, arguments, samples)
        except Exception:  # noqa: BLE001  # a model need not take so few samples, nor be copied
            return None


def _facts(model: nn.Module, arguments: Arguments, samples: int) -> MixingFacts | None:
    count = min(SAMPLES, samples)
    given = few_of(arguments, samples, count)
    inputs = first_tensor((*given[0], *given[1].values()))
    if inputs is None or len(inputs) != count or not may_be_copied(model):
        return None
    alone = copied(model).eval()
    changed_row = count // 2
    reshapes = Reshapes()
    with reshapes:
        before = output_of(alone, given, inputs.device)
    if before is None or len(before) != count:
        return None
    if before.ndim > 2 and inputs.ndim > 1 and before.shape[1] == inputs.shape[1]:
        return reshapes.facts(count)  # the first axis may be time, in outputs and inputs alike
    shown = _Look(alone, given, before, inputs.device).shown(changed_row)
    if shown is None:
        return reshapes.facts(count)
    again = output_of(alone, given, inputs.device)
    if again is None or not torch.equal(again, before):
        return None  # it has a state, so two calls differ
    return MixingFacts(
        samples=count,
        influence=shown.size,
        later_only=shown.row == changed_row and min(shown.others) > changed_row,
        of_ends=shown.row != changed_row,
        over_samples=_sum_to_one(before),
        has_axes=inputs.ndim > 2 or not inputs.is_floating_point(),
        reshaped=reshapes.shape,
    )


@dataclass(frozen=True)
class _Influence:
    """What another sample in the place of one changes."""

    row: int
    """That of the replaced sample."""
    others: tuple[int, ...]
    """The other samples whose outputs change."""
    size: float
    """The largest change in their outputs, over the largest in any."""


class _Look(Look):
    """What outputs change with, of the other samples."""

    def shown(self, row: int) -> _Influence | None:
        """The influence of the sample in this row on others, or else of the first or the last; None without one."""
        tried = (self.influence(each) for each in (row, 0, len(self.before) - 1))
        return next((found for found in tried if found.others), None)

    def influence(self, row: int) -> _Influence:
        """That of the sample in this row, replaced by each of two others in turn."""
        before, count = self.before, len(self.before)
        donors = (1, 2) if row == 0 else (0, 1)
        afters = [self.after(_with_another(self.given, count, row, each)) for each in donors]
        known = [each for each in afters if each is not None and each.shape == before.shape]
        if len(known) < len(afters):
            return _Influence(row, (), 0.0)
        change = torch.stack([(after - before).abs().reshape(count, -1).amax(1) for after in known]).amax(0)
        moved = change > ROUNDING * torch.finfo(before.dtype).eps * max(self.range, float(before.abs().max()))
        others = [each for each in range(count) if each != row and bool(moved[each])]
        return _Influence(row, tuple(others), float(change[others].max() / change.max()) if others else 0.0)


def _sum_to_one(outputs: Tensor) -> bool:
    """Whether each output is a distribution over the samples."""
    return bool((outputs >= 0).all()) and bool(((outputs.sum(0) - 1).abs() < 1e-2).all())


def _with_another(arguments: Arguments, count: int, row: int, donor: int) -> Arguments:
    """The arguments, of `count` samples, with one sample replaced by another."""

    def replaced(tensor: Tensor) -> Tensor:
        if not tensor.ndim or len(tensor) != count:
            return tensor
        other = tensor.clone()
        other[row] = tensor[donor]
        return other

    return with_tensors(arguments, replaced)
