"""The loss of the best constant prediction, from the targets that a loss module is called with."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.experiments.losses import Loss
from gradclinic.experiments.losses.huber import Huber
from gradclinic.experiments.losses.l1 import MeanAbsoluteError

MOST_CALLS, ALL_CALLS, COUNTED_EVERY = 325, 100, 4
"""Batches whose targets are counted: the first 100, then every fourth up to the thousandth. By then their fractions are
known."""

_REDUCTIONS = ("mean", "sum")
TOGETHER = 16
"""Batches of classes that are counted together."""
MOST_KEPT = 100_000
"""Number of targets that are kept, for losses whose best constant is a median."""


class ConstantLoss:
    """Counts targets without waiting for the device; knows the losses whose best constant follows from counts.

    Cross entropy: the entropy of the classes, nats. Squared error: the variance of the targets, mean over outputs.
    Huber and smooth absolute error: the least that a constant reaches for the first targets, mean over outputs.
    Absolute error: the mean absolute deviation from the median, mean over outputs, of the first targets.
    Binary cross entropy: the entropy of each output's fraction of ones, mean over outputs; where ones or elements
    weigh more, of the weighted fraction, times the mean weight.
    A loss that sums over a batch (`reduction="sum"`) has the same, times the mean number of terms of a batch.
    """

    def __init__(self) -> None:
        self._calls = 0
        self._offered = 0
        """Calls since all of them were counted."""
        self._sums: Tensor | None = None
        self._rows: list[Tensor] = []
        self._uncounted: list[tuple[nn.CrossEntropyLoss | nn.NLLLoss, int, Tensor]] = []
        """Loss, number of classes, and a copy of the classes of the last batches."""
        self._terms: Tensor | int = 0
        """Numbers that the losses of all calls were summed over; 0 where they were averaged."""
        self._value: Callable[[], float | None] = lambda: None
        self._floors: list[Tensor] = []
        """The least value that each of the first calls could have had, where targets are soft."""

    @torch.no_grad()
    def saw(self, criterion: nn.Module, outputs: Any, targets: Any) -> bool:
        """Count the targets of one call of the loss; False if its best constant does not follow from counts."""
        if self._calls >= MOST_CALLS:
            return True
        if self._calls >= ALL_CALLS:
            self._offered += 1
            if self._offered % COUNTED_EVERY:
                return True
        known = isinstance(outputs, Tensor) and isinstance(targets, Tensor) and outputs.ndim > 0
        if not known or getattr(criterion, "reduction", None) not in _REDUCTIONS or not _is_torch_s_own(criterion):
            return False
        if not self._count(criterion, outputs, targets):
            return False
        self._calls += 1
        if len(self._floors) < _MOST_FLOORS:
            self._floors.append(_least(criterion, outputs, targets))
        if criterion.reduction == "sum":
            self._terms = self._terms + _terms(criterion, targets)
        return True

    def value(self) -> float | None:
        """The loss; None if nothing was counted, or the loss is of another kind."""
        found = self._value()
        if found is not None and self._calls and not isinstance(self._terms, int):
            found *= float(self._terms) / self._calls
        return found if found is not None and math.isfinite(found) else None

    def floor(self) -> float | None:
        """The least loss that any outputs reach, mean over the first calls; None if it is 0 or not known."""
        found = sum(float(each) for each in self._floors) / max(1, len(self._floors))
        return found if math.isfinite(found) and found > 0 else None

    def _count(self, criterion: nn.Module, outputs: Tensor, targets: Tensor) -> bool:
        if isinstance(criterion, nn.CrossEntropyLoss | nn.NLLLoss):
            self._add_classes(criterion, outputs, targets)
            self._value = lambda: _entropy(self._known())
        elif isinstance(criterion, nn.MSELoss) and outputs.shape == targets.shape:
            rows = targets.reshape(len(targets), -1).double()
            self._add(torch.stack([torch.ones_like(rows).sum(0), rows.sum(0), (rows**2).sum(0)]))
            self._value = lambda: _variance(self._known())
        elif isinstance(criterion, nn.L1Loss) and outputs.shape == targets.shape:
            self._keep(targets.reshape(len(targets), -1).double())
            self._value = lambda: self._least(MeanAbsoluteError())
        elif isinstance(criterion, nn.HuberLoss | nn.SmoothL1Loss) and outputs.shape == targets.shape:
            self._keep(targets.reshape(len(targets), -1).double())
            self._value = lambda: self._huber(criterion)
        elif isinstance(criterion, nn.BCEWithLogitsLoss | nn.BCELoss) and outputs.shape == targets.shape:
            self._add(_binary_counts(criterion, targets))
            self._value = lambda: _binary_entropy(self._known())
        else:
            return False
        return True

    def _add_classes(self, criterion: nn.CrossEntropyLoss | nn.NLLLoss, outputs: Tensor, targets: Tensor) -> None:
        classes = outputs.shape[1] if outputs.ndim > 1 else outputs.shape[0]
        if targets.is_floating_point():
            self._add(_class_counts(criterion, classes, targets))
            return
        if self._uncounted and self._uncounted[0][:2] != (criterion, classes):
            self._count_classes()
        self._uncounted.append((criterion, classes, targets.flatten().clone()))
        if len(self._uncounted) == TOGETHER:
            self._count_classes()

    def _count_classes(self) -> None:
        if self._uncounted:
            criterion, classes, _ = self._uncounted[0]
            self._add(_class_counts(criterion, classes, torch.cat([targets for _, _, targets in self._uncounted])))
            self._uncounted.clear()

    def _add(self, sums: Tensor) -> None:
        if self._sums is not None and self._sums.shape == sums.shape:
            sums = self._sums + sums
        self._sums = sums

    def _keep(self, rows: Tensor) -> None:
        if sum(part.numel() for part in self._rows) < MOST_KEPT:
            self._rows.append(rows)

    def _least(self, loss: Loss) -> float | None:
        """The smallest loss of a constant for the kept targets; None if their widths differ."""
        if len({part.shape[1] for part in self._rows}) != 1:
            return None
        return loss.constant(torch.cat(self._rows).cpu().numpy())

    def _huber(self, criterion: nn.HuberLoss | nn.SmoothL1Loss) -> float | None:
        if isinstance(criterion, nn.HuberLoss):
            return self._least(Huber(delta=criterion.delta))
        if not criterion.beta:
            return self._least(MeanAbsoluteError())
        least = self._least(Huber(delta=criterion.beta))
        return None if least is None else least / criterion.beta

    def _known(self) -> Tensor:
        self._count_classes()
        return torch.zeros(0, dtype=torch.float64) if self._sums is None else self._sums.cpu()


_MOST_FLOORS = 32
"""Calls of the loss from which the least value of soft targets is known well enough."""


def _least(criterion: nn.Module, outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean entropy of soft targets, nats: no outputs have a smaller cross entropy. 0 for others, or if weighted."""
    least = torch.zeros((), dtype=torch.float64)
    if criterion.reduction != "mean" or getattr(criterion, "weight", None) is not None:
        return least
    if isinstance(criterion, nn.CrossEntropyLoss):
        shares = _smoothed(
            targets, outputs.shape[1] if outputs.ndim > 1 else outputs.shape[0], criterion.label_smoothing
        )
        least = -torch.special.xlogy(shares, shares).sum(1).mean()
    elif isinstance(criterion, nn.BCEWithLogitsLoss | nn.BCELoss) and getattr(criterion, "pos_weight", None) is None:
        yes = targets.double()
        least = -(torch.special.xlogy(yes, yes) + torch.special.xlogy(1 - yes, 1 - yes)).mean()
    return least


def _smoothed(targets: Tensor, classes: int, smoothing: float) -> Tensor:
    """[rows, classes]: what a cross entropy makes of its targets; of classes one row, as all have the same entropy."""
    if targets.is_floating_point():
        return (targets if targets.ndim > 1 else targets[None]).double() * (1 - smoothing) + smoothing / classes
    shares = torch.full((1, classes), smoothing / classes, dtype=torch.float64)
    shares[0, 0] += 1.0 - smoothing
    return shares


def _is_torch_s_own(criterion: nn.Module) -> bool:
    """Whether torch defines what it computes: a class that a program derives from one of torch's may make another."""
    return type(criterion).forward.__module__.startswith("torch.nn.")


def _terms(criterion: nn.Module, targets: Tensor) -> Tensor:
    """How many losses a call sums: of a classification one for each row that is not ignored, by its class's weight."""
    if not isinstance(criterion, nn.CrossEntropyLoss | nn.NLLLoss):
        return torch.tensor(float(targets.numel()))
    if targets.is_floating_point():
        return targets.double().sum()
    flat = targets.flatten()
    counted = flat[flat != criterion.ignore_index]
    return torch.tensor(float(len(counted))) if criterion.weight is None else criterion.weight[counted].double().sum()


def _class_counts(criterion: nn.CrossEntropyLoss | nn.NLLLoss, classes: int, targets: Tensor) -> Tensor:
    """[classes]: how often each is the target, weighted and smoothed as the loss does."""
    if targets.is_floating_point():
        axis = 1 if targets.ndim > 1 else 0
        counts = targets.double().sum([other for other in range(targets.ndim) if other != axis])
    else:
        flat = targets.flatten()
        counted = (flat != criterion.ignore_index).double()
        counts = torch.zeros(classes, dtype=torch.float64, device=flat.device)
        counts.index_add_(0, flat.clamp(0, classes - 1), counted)
    smoothing = getattr(criterion, "label_smoothing", 0.0)
    counts = counts * (1 - smoothing) + counts.sum() * smoothing / classes
    return counts if criterion.weight is None else counts * criterion.weight.double()


def _entropy(counts: Tensor) -> float:
    shares = counts / counts.sum()
    return float(-torch.special.xlogy(shares, shares).sum())


def _variance(sums: Tensor) -> float:
    count, total, squares = sums
    return float((squares / count - (total / count) ** 2).mean())


def _binary_counts(criterion: nn.BCEWithLogitsLoss | nn.BCELoss, targets: Tensor) -> Tensor:
    """[3, outputs]: ones and zeros, weighted as the loss does, and how many there are without weights."""
    ones = targets.double()
    zeros = 1 - ones
    more = getattr(criterion, "pos_weight", None)
    if more is not None:
        ones = ones * more.double()
    if criterion.weight is not None:
        ones, zeros = ones * criterion.weight.double(), zeros * criterion.weight.double()
    parts = (ones, zeros, torch.ones_like(targets, dtype=torch.float64))
    return torch.stack([part.reshape(len(targets), -1).sum(0) for part in parts])


def _binary_entropy(counts: Tensor) -> float:
    weighed, rows = counts[:2].sum(0), counts[2]
    shares = counts[:2] / weighed
    return float((-torch.special.xlogy(shares, shares).sum(0) * weighed / rows).mean())
