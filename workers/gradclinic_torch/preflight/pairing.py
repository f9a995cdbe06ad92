"""Whether the targets of the first samples depend on the inputs, and pictures and their maps lie alike.

The dependence is tested by the distance correlation, which is 0 only where inputs and targets are independent, as those
of other samples are: Szekely and Rizzo 2013, J. Multivariate Anal. 117 (bias-corrected); its p-value is that of Shen,
Panda and Vogelstein 2022, J. Comput. Graph. Stat. 31 (chi-square).
"""

from collections.abc import Mapping, Sequence
from math import erfc, sqrt
from typing import Any

import torch
from torch import Tensor

from gradclinic.measurements.preflight import FitFacts, PairingFacts

from .others_targets import of_others
from .simple_fits import simple_fits
from .turned_maps import TurnedMaps

SAMPLES = 512
"""Number of samples that are compared."""
_CALLS = 64
"""Calls of the loss in which so many are waited for."""
COLUMNS = 1024
"""Most columns of a sample; of a wider one every second, third, ... entry is taken."""
_FEWEST = 32
"""With fewer different samples there is no test."""


class Pairing:
    """Keeps the first samples, each with its target, and compares them."""

    def __init__(self) -> None:
        self._inputs: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._called: list[tuple[Tensor, ...]] = []
        """What the model was called with since the last call of the loss; of two calls or more, the first two."""
        self._calls = self._samples = 0
        self._amounts = True
        self._maps = TurnedMaps()

    @property
    def done(self) -> bool:
        """Whether enough was kept."""
        return self._samples >= SAMPLES or self._calls >= _CALLS

    def before_forward(self, args: tuple[Any, ...], kwargs: Mapping[str, object]) -> None:
        """The model is about to be called."""
        if not self.done and len(self._called) < 2:
            self._called.append(tuple(each.detach() for each in (*args, *kwargs.values()) if isinstance(each, Tensor)))

    def after_loss(self, targets: Tensor) -> None:
        """The criterion was called. What is called more than once before that has no one target a sample."""
        called, self._called = self._called, []
        if self.done:
            return
        self._calls += 1
        given = called[0] if len(called) == 1 else ()
        inputs = [each for each in given if each.ndim and not each.is_nested and len(each) == len(targets)]
        if not targets.ndim or not inputs or sum(each.numel() for each in (*inputs, targets)) > _MOST_ENTRIES:
            return
        self._amounts = self._amounts and all(each.is_floating_point() for each in inputs)
        self._inputs.append(torch.cat([_columns(each) for each in (*inputs, *_differences(inputs))], 1))
        self._targets.append(_columns(targets))
        self._samples += len(targets)
        self._maps.add(inputs[0], targets)

    def facts(self) -> PairingFacts | None:
        """The result; None if too few samples were kept, all were alike, or inputs have no row for each target."""
        kept = self._kept()
        if kept is None:
            return None
        inputs, targets = _once(*kept)
        if len(inputs) < _FEWEST:
            return None
        correlation = distance_correlation(_scaled(inputs), _scaled(targets))
        if correlation is None:
            return None
        return PairingFacts(
            samples=len(inputs),
            correlation=correlation,
            p_value=p_value(correlation, len(inputs)),
            amounts=self._amounts,
            of_others=of_others(*kept),
            turned=self._maps.turned(),
        )

    def fit(self) -> FitFacts | None:
        """How well a line and a curve predict the targets; None unless inputs and targets are numbers."""
        kept = self._kept()
        return simple_fits(*_once(*kept)) if kept is not None and self._amounts else None

    def unexplained(self) -> float | None:
        """Fraction of the targets' variance that lies between samples with equal inputs; None with too few samples.

        No function of the inputs explains it. Samples that come again with their target add nothing.
        """
        kept = self._kept()
        if kept is None or len(kept[0]) < _FEWEST:
            return None
        which, targets = _groups(kept[0]), _scaled(kept[1])
        varied = float((targets - targets.mean(0)).square().sum())
        if not varied > 0:
            return None
        groups = int(which.max()) + 1
        means = targets.new_zeros(groups, targets.shape[1]).index_add_(0, which, targets)
        means /= torch.bincount(which, minlength=groups)[:, None]
        return min(1.0, float((targets - means[which]).square().sum()) / varied)

    def _kept(self) -> tuple[Tensor, Tensor] | None:
        """Inputs and targets of the first samples, those with numbers only; None if their columns differ."""
        if len({each.shape[1] for each in self._inputs}) != 1 or len({each.shape[1] for each in self._targets}) != 1:
            return None
        inputs, targets = torch.cat(self._inputs)[:SAMPLES], torch.cat(self._targets)[:SAMPLES]
        finite = torch.isfinite(inputs).all(1) & torch.isfinite(targets).all(1)
        return inputs[finite], targets[finite]


_MOST_ENTRIES = 20_000_000
"""Largest batch, in entries of inputs and targets, that is looked at."""


def distance_correlation(one: Tensor, other: Tensor) -> float | None:
    """The bias-corrected square of the distance correlation of rows, [rows, columns]: about 0 if they are independent.

    None where all rows of one are equal.
    """
    a, b = _centered(torch.cdist(one, one)), _centered(torch.cdist(other, other))
    scale = sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else None


def p_value(correlation: float, rows: int) -> float:
    """Probability of a correlation as large between rows that are independent."""
    return erfc(sqrt(max(0.0, rows * correlation + 1.0) / 2.0))


def _centered(distances: Tensor) -> Tensor:
    """Distances less the means of their row and column, as the unbiased estimate takes them (U-centered)."""
    n, sums = len(distances), distances.sum(1)
    centered = distances - (sums[:, None] + sums[None]) / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    return centered.fill_diagonal_(0.0)


def _columns(values: Tensor) -> Tensor:
    """[samples, columns] in float64 on the CPU: every entry of a sample, or evenly spaced ones."""
    flat = values.detach().reshape(len(values), -1)
    return flat[:, :: max(1, -(-flat.shape[1] // COLUMNS))].double().cpu()


def _differences(inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Sizes of the differences between the two things that each sample holds; () where a sample is one thing.

    Whether two things are alike depends on neither alone.
    """
    first = inputs[0]
    if not first.is_floating_point():
        return ()
    if len(inputs) == 2 and inputs[1].is_floating_point() and inputs[1].shape == first.shape:
        return ((first - inputs[1]).abs(),)
    return ((first[:, 0] - first[:, 1]).abs(),) if first.ndim > 2 and first.shape[1] == 2 else ()


def _once(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The rows without those whose inputs came before: a sample that comes again is like itself."""
    which = _groups(inputs)
    seen: dict[int, int] = {}
    for row, key in enumerate(which.tolist()):
        seen.setdefault(key, row)
    rows = list(seen.values())
    return inputs[rows], targets[rows]


def _groups(inputs: Tensor) -> Tensor:
    """[rows]: the same number for rows that are equal, from 0 on, by a random sum of each row."""
    weights = torch.rand(inputs.shape[1], generator=torch.Generator().manual_seed(0), dtype=inputs.dtype)
    which: Tensor = torch.unique((inputs * weights).sum(1), return_inverse=True)[1]
    return which


_CLASSES = 32
"""Most different whole numbers of a column, or of all columns, that are classes or symbols rather than amounts."""


def _scaled(values: Tensor) -> Tensor:
    """Numbers with a deviation of 1; few whole numbers as symbols, each a column of its own."""
    whole = bool((values == values.round()).all())
    low, high = (int(values.min()), int(values.max())) if whole else (0, 0)
    symbols = high - low + 1
    if whole and 2 < symbols <= max(_CLASSES, 4 * COLUMNS // values.shape[1]):
        shifted = (values - low).long()
        return torch.nn.functional.one_hot(shifted, symbols).reshape(len(values), -1).double()
    deviations = values.std(0, unbiased=False)
    varied = deviations > 0
    return (values[:, varied] - values[:, varied].mean(0)) / deviations[varied]
