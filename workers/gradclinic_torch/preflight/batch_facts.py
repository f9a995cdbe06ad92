"""Describes a batch of inputs, targets or outputs: pure functions of rows, [rows, columns] in float64."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gradclinic.measurements.preflight import (
    BOUNDS,
    InputFacts,
    OutputFacts,
    OutputForm,
    TargetFacts,
    TargetForm,
)

ENTRIES = 1_000_000
"""Maximum number of entries that are examined, each of inputs, targets and outputs."""
DISTINCT = 1000
"""Maximum number of distinct targets that are counted."""


def as_rows(values: Tensor) -> Tensor:
    """[rows, columns]: a column is a feature, or a channel; positions and pixels count as rows."""
    if values.ndim < 2:
        return values.reshape(-1, 1)
    if values.ndim == 3:  # sequences: [batch, steps, features]
        return values.reshape(-1, values.shape[-1])
    return values.movedim(1, -1).reshape(-1, values.shape[1])


def input_facts(rows: Tensor) -> InputFacts:
    """The facts of the inputs, from [rows, columns] in float64."""
    finite = torch.isfinite(rows).all(dim=1)
    known = rows[finite]
    if not len(known):
        known = torch.zeros_like(rows[:1])  # only the number of broken rows is known
    deviations, means = known.std(dim=0, unbiased=False), known.mean(dim=0)
    varying = deviations[deviations > 0]
    scale = float(varying.square().mean().sqrt()) if len(varying) else 0.0
    return InputFacts(
        rows=len(rows),
        columns=rows.shape[1],
        rms=float(known.square().mean().sqrt()),
        largest_std=float(varying.max()) if len(varying) else 0.0,
        typical_std=float(varying.median()) if len(varying) else 0.0,
        largest_offset=float(means.abs().max()) / scale if scale else 0.0,
        constant_columns=int((deviations == 0).sum()),
        nonfinite_rows=int((~finite).sum()),
        codes=_columns_of_codes(known),
    )


_FEWEST_CODES = 6
"""Fewest different numbers of a column that are taken for categories: fewer may be counts or grades."""


def _columns_of_codes(rows: Tensor) -> int:
    """Number of columns with every whole number from 0 or 1 up to their largest, or most; 0 if most columns have."""
    found = 0
    whole = ((rows == rows.round()).all(0) & (rows.amax(0) < DISTINCT)).nonzero().flatten().tolist()
    if 2 * len(whole) > rows.shape[1]:
        return 0
    for column in whole:
        values = torch.unique(rows[:, column])
        low, high = float(values[0]), float(values[-1])
        found += low in (0.0, 1.0) and len(values) >= max(_FEWEST_CODES, 0.8 * (high - low + 1))
    return found


def target_facts(rows: Tensor, *, indices: bool) -> TargetFacts | None:
    """What the targets are, from [rows, columns] as float64; None where no row is finite.

    `indices`: whether they are class numbers.
    """
    finite = torch.isfinite(rows).all(dim=1)
    known = rows[finite]
    if not len(known):
        return None
    different, counts = _different(known[:, :4096])
    return TargetFacts(
        rows=len(rows),
        columns=rows.shape[1],
        form="indices" if indices else _target_form(known),
        mean=float(known.mean()),
        std=float(known.std(unbiased=False)),
        low=float(known.min()),
        high=float(known.max()),
        outside_unit=float(((known < 0) | (known > 1)).double().mean()),
        whole=bool((known == known.round()).all()),
        distinct=min(DISTINCT, len(different)),
        most_common=float(counts.max() / len(known)),
        nonfinite_rows=int((~finite).sum()),
    )


def _different(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The rows that differ, and how often each is there."""
    if rows.shape[1] == 1:  # numbers are sorted many times faster than rows of one number
        different, counts = torch.unique(rows[:, 0], return_counts=True)
    else:
        different, counts = torch.unique(rows, dim=0, return_counts=True)
    return different, counts


def output_facts(rows: Tensor, *, activation: str | None) -> OutputFacts:
    """What the outputs are, from [rows, columns] as float64, before anything is known of the targets."""
    finite = rows[torch.isfinite(rows)] if bool(torch.isfinite(rows).any()) else torch.zeros(1)
    return OutputFacts(
        columns=rows.shape[1],
        form=_output_form(rows),
        activation=activation,
        rms=float(finite.square().mean().sqrt()),
        low=float(finite.min()),
        high=float(finite.max()),
        unreachable=0.0,
        unreachable_error=0.0,
        constant=bool((rows == rows[:1]).all()) and len(rows) > 1,
    )


def with_reach(outputs: OutputFacts, targets: Tensor) -> OutputFacts:
    """The same outputs, with the fraction of the targets, [rows, columns], that their last activation cannot give."""
    if (outputs.activation or "") not in BOUNDS:
        return outputs
    known = targets[torch.isfinite(targets).all(dim=1)]
    variance = float(known.var(unbiased=False)) if len(known) else 0.0
    if not variance:
        return outputs
    distance = known - known.clamp(*BOUNDS[outputs.activation or ""])
    return outputs.model_copy(
        update={
            "unreachable": float((distance != 0).double().mean()),
            "unreachable_error": float(distance.square().mean()) / variance,
        }
    )


class RarestClass(NamedTuple):
    """The rarest class seen, against the most common one."""

    weight: float
    """Its weight in the loss, divided by that of the most common class."""
    fraction: float
    """Its number of targets, divided by that of the most common class."""


def rarest_class(criterion: nn.Module, targets: Tensor) -> RarestClass | None:
    """The rarest class by the targets, [rows, columns] in float64; None where the loss has no weights of classes.

    Of targets of zeros and ones, zero has the weight 1, and one the loss's `pos_weight`. Of several columns, it is the
    typical one of those in which ones are the rarer.
    """
    whole = bool((targets == targets.round()).all())
    if whole and isinstance(criterion, nn.BCEWithLogitsLoss) and criterion.pos_weight is not None:
        return _rarer_ones(criterion.pos_weight, targets)
    if not whole or targets.shape[1] != 1 or not isinstance(criterion, nn.CrossEntropyLoss | nn.NLLLoss):
        return None
    return _rarest(criterion.weight, targets) if criterion.weight is not None else None


def _rarest(weights: Tensor, targets: Tensor) -> RarestClass | None:
    """The rarest class, of targets that are their numbers, and the weight of each class."""
    weights = weights.detach().double().cpu()
    classes = targets.flatten().long()
    counts = torch.bincount(classes[(classes >= 0) & (classes < len(weights))], minlength=len(weights)).double()
    seen = (counts > 0) & (weights > 0)
    if int(seen.sum()) < 2:
        return None
    counts, weights = counts[seen], weights[seen]
    rarest, most_common = int(counts.argmin()), int(counts.argmax())
    return RarestClass(float(weights[rarest] / weights[most_common]), float(counts[rarest] / counts[most_common]))


def _rarer_ones(weights: Tensor, targets: Tensor) -> RarestClass | None:
    """The rarer of zeros and ones in one column; of several, the typical one of those in which ones are the rarer."""
    columns = targets.shape[1]
    if weights.numel() not in (1, columns) or not bool(((targets == 0) | (targets == 1)).all()):
        return None
    weights = weights.detach().double().cpu().flatten().expand(columns)
    if columns == 1:
        return _rarest(torch.cat([torch.ones(1, dtype=torch.float64), weights]), targets)
    odds = targets.mean(0) / (1 - targets.mean(0))
    rare = (odds > 0) & (odds < 1)
    return RarestClass(float(weights[rare].median()), float(odds[rare].median())) if bool(rare.any()) else None


def _target_form(rows: Tensor) -> TargetForm:
    if bool(((rows == 0) | (rows == 1)).all()):
        return "one_hot" if rows.shape[1] > 1 and bool((rows.sum(dim=1) == 1).all()) else "multi_hot"
    if rows.shape[1] > 1 and _sum_to_one(rows):
        return "probabilities"
    return "numbers"


def _output_form(rows: Tensor) -> OutputForm:
    if not bool(torch.isfinite(rows).all()):
        return "numbers"
    if _sum_to_one(rows):
        return "probabilities"
    if bool((rows <= 0).all()) and _sum_to_one(rows.exp()):
        return "log_probabilities"
    low, high = float(rows.min()), float(rows.max())
    if low >= 0:
        return "unit_interval" if high <= 1 else "nonnegative"
    return "symmetric_interval" if low >= -1 and high <= 1 else "numbers"


def _sum_to_one(rows: Tensor) -> bool:
    """Whether every row is a distribution; in half precision sums are off by 1e-2."""
    return bool((rows >= 0).all()) and bool(((rows.sum(dim=1) - 1).abs() < 1e-2).all())
