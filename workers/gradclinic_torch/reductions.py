"""Reductions of many tensors together: those of one shape are stacked, so that small ones share each operation.

What is computed is declared in `gradclinic.measurements.statistics`. The reduction of L tensors is a vector [L] in the
order of the tensors, float64, on their device. Sums run in float64; counts are sums of 0/1 flags held as float32, which
torch sums several times faster than booleans.
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Literal, Self, cast

import torch
from torch import Tensor

from gradclinic.experiments.activations import Activation
from gradclinic.measurements.statistics import STATISTICS, Array, Measured, Reduction, TensorStatistic

NORMAL = {torch.float32: 2.0**-126, torch.float16: 2.0**-14, torch.bfloat16: 2.0**-126, torch.float64: 2.0**-1022}
"""Smallest normal number of each precision; what lies below has lost digits, or is 0."""
BLOCK = 2**17
"""Maximum number of stacked entries, so that a block fits into a core's cache, and memory is bounded."""
EXACT = 2**24
"""Ones that float32 counts without rounding."""
SAFE_NORMS = (1e-9, 1e15)
"""A float32 sum of squares has neither lost the small ones nor overflowed if its root is between these."""
ROUNDED = 2**16
"""Maximum number of squares that are added in float32: with so many, a norm's relative error is about 1e-7."""
COMPARISONS = {"lt": torch.lt, "eq": torch.eq, "gt": torch.gt}

Bounds = tuple[float, float]


class StackedTensors:
    """A `Block` of tensors [k, *shape]. What several statistics need is computed at its first use and kept."""

    def __init__(self, stacked: Tensor, activations: Sequence[Activation | None]) -> None:
        self._stacked, self.activations = stacked, activations
        self._counts: dict[tuple[str, float], Tensor] = {}

    def first(self, count: int) -> Self:
        """Only the first tensors, with the values computed for all of them; nothing is copied."""
        if count == len(self._stacked):
            return self
        part = type(self)(self._stacked[:count], self.activations[:count])
        for name in ("sizes", "exact", "unit_means", "_rows", "_flags"):
            if name in self.__dict__:
                part.__dict__[name] = self.__dict__[name][:count]
        return part

    @property
    def entries(self) -> int:
        """Number of entries of each tensor."""
        return self._stacked[0].numel()

    @property
    def smallest_normal(self) -> float:
        """Smallest normal number of their precision."""
        return NORMAL[self._stacked.dtype]

    @cached_property
    def sizes(self) -> Tensor:
        """Absolute values, [k, entries]."""
        return self._rows.abs()

    @cached_property
    def exact(self) -> Tensor:
        """The entries in float64, [k, entries]."""
        return self._rows.double()

    @property
    def by_sample(self) -> Tensor:
        """The entries in float64, [k, batch, entries of a sample]."""
        return self.exact.reshape(*self._stacked.shape[:2], -1)

    @cached_property
    def unit_means(self) -> Tensor:
        """Mean over the batch, [k, 1, entries of a sample]."""
        return self.by_sample.mean(1, keepdim=True)

    def total(self, rows: Array, /) -> Tensor:
        """Sum of each row, [k] float64."""
        return cast("Tensor", rows).sum(1, dtype=torch.float64)

    def norm(self, rows: Array, /) -> Tensor:
        """L2 norm of each row, [k] float64."""
        return cast("Tensor", torch.linalg.vector_norm(cast("Tensor", rows), dim=1))

    def count(self, comparison: Literal["lt", "eq"], bound: float, /) -> Tensor:
        """How many `sizes` of each tensor are less than, or equal to, a bound, [k] float64."""
        if (comparison, bound) not in self._counts:
            self._counts[comparison, bound] = _count(COMPARISONS[comparison](self.sizes, bound, out=self._flags))
        return self._counts[comparison, bound]

    def outside(self, bounds: Sequence[Bounds], /) -> Tensor:
        """How many entries of each tensor are below or above its own bounds, [k] float64."""
        rows, found = self._rows, []
        for side, comparison in ((0, "lt"), (1, "gt")):
            limits = [[each[side]] for each in bounds]
            if any(math.isfinite(limit) for (limit,) in limits):
                column = torch.tensor(limits, dtype=rows.dtype, device=rows.device)
                found.append(_count(COMPARISONS[comparison](rows, column, out=self._flags)))
        return sum(found[1:], found[0]) if found else rows.new_zeros(len(rows), dtype=torch.float64)

    @cached_property
    def _flags(self) -> Tensor:
        return _flags(self._rows)

    @cached_property
    def _rows(self) -> Tensor:
        return self._stacked.flatten(1)


@cache
def statistics_of(per: Literal["site", "weight"], measured: Measured) -> tuple[TensorStatistic, ...]:
    """The statistics per site or per weight that are computed from these tensors."""
    computed = [each for each in STATISTICS.values() if isinstance(each, TensorStatistic)]
    return tuple(each for each in computed if (each.per, each.of) == (per, measured))


def reduced(
    tensors: Sequence[Tensor], wanted: Mapping[Reduction, int], *, activations: Sequence[Activation | None]
) -> dict[Reduction, Tensor]:
    """Each reduction of as many of the first tensors as are wanted of it, [wanted]."""
    together = {
        count: [reduce for reduce, first in wanted.items() if first == count]
        for count in sorted(set(wanted.values()), reverse=True)
    }
    rows: dict[int, list[Tensor]] = {count: [] for count in together}
    order: dict[int, list[int]] = {count: [] for count in together}
    for stacked, chosen in _blocks(tensors):
        block = StackedTensors(stacked, [activations[index] for index in chosen])
        for count, reductions in together.items():
            mine = [index for index in chosen if index < count]
            if mine:
                first = block.first(len(mine))
                rows[count].append(torch.stack([cast("Tensor", reduce(first)) for reduce in reductions]))
                order[count] += mine
    return {
        reduce: row
        for count, reductions in together.items()
        for reduce, row in zip(reductions, _in_order(rows[count], order[count]), strict=True)
    }


def share_of_units_off(values: Sequence[Tensor], bounds: Sequence[Bounds], unit_axes: Sequence[int]) -> Tensor:
    """Fraction of each tensor's units that are at or beyond their bounds on every sample and position."""
    rows, order = [], []
    for block, chosen in _blocks(values, alike=list(zip(bounds, unit_axes, strict=True))):
        low, high = bounds[chosen[0]]
        unit_axis = 1 + unit_axes[chosen[0]] % (block.ndim - 1)
        others = [axis for axis in range(1, block.ndim) if axis != unit_axis]
        if math.isfinite(high):
            off = (torch.le(block, low, out=_flags(block)) + torch.ge(block, high, out=_flags(block))).amin(others) > 0
        else:
            off = block.amax(others) <= low
        rows.append(off.double().mean(1).unsqueeze(0))
        order += chosen
    return _in_order(rows, order)[0]


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Cosine between two vectors; a scalar."""
    products = first.new_zeros(3, dtype=torch.float64)
    for start in range(0, len(first), BLOCK):
        a, b = (vector[start : start + BLOCK].double() for vector in (first, second))
        products = products + torch.stack([a.dot(b), a.dot(a), b.dot(b)])
    return products[0] / (products[1].sqrt() * products[2].sqrt())


def _blocks(
    tensors: Sequence[Tensor], *, alike: Sequence[Hashable] | None = None
) -> Iterator[tuple[Tensor, list[int]]]:
    """Tensors of one shape and precision (and equal `alike`) stacked, [k, *shape], and which ones, in rising order."""
    groups: dict[Hashable, list[int]] = {}
    for index, tensor in enumerate(tensors):
        groups.setdefault((tensor.shape, tensor.dtype, alike and alike[index]), []).append(index)
    for indices in groups.values():
        together = max(1, BLOCK // max(1, tensors[indices[0]].numel()))
        for start in range(0, len(indices), together):
            chosen = indices[start : start + together]
            first = tensors[chosen[0]]
            yield (
                first.unsqueeze(0) if len(chosen) == 1 else torch.stack([tensors[index] for index in chosen]),
                chosen,
            )


def _in_order(rows: Sequence[Tensor], order: Sequence[int]) -> Tensor:
    """The columns of [n, k] each, side by side in the order of the tensors that they belong to."""
    together = torch.cat(list(rows), dim=1) if len(rows) > 1 else rows[0]
    places = sorted(range(len(order)), key=order.__getitem__)
    if places == list(range(len(order))):
        return together
    return together[:, torch.tensor(places, device=together.device)]


def _flags(like: Tensor) -> Tensor:
    return torch.empty(like.shape, dtype=torch.float32, device=like.device)


def _count(flags: Tensor) -> Tensor:
    """[k]: how many of a row's 0/1 flags are 1."""
    return flags.sum(1, dtype=torch.float32 if flags.shape[1] < EXACT else torch.float64).double()


def norms_of(tensors: Sequence[Tensor]) -> Tensor:
    """L2 norm of each tensor, [len(tensors)] float64, with a relative error of at most about 1e-6.

    On a CPU, squares of float32 are added in float32, which is several times faster, and in float64 only where they
    could underflow or overflow: the norm of 1e-25 is not lost.
    """
    if not tensors:
        return torch.zeros(0, dtype=torch.float64)
    if not all(_adds_in_float32(tensor) for tensor in tensors):
        return torch.stack([norm_of(tensor) for tensor in tensors]) if _on_cpu(tensors) else _exact_norms(tensors)
    norms = torch.stack(torch._foreach_norm(list(tensors), 2)).double()
    lost = (~((norms > SAFE_NORMS[0]) & (norms < SAFE_NORMS[1]))).nonzero().flatten().tolist()
    if lost:
        norms[lost] = _exact_norms([tensors[index] for index in lost])
    return norms


def norm_of(tensor: Tensor) -> Tensor:
    """L2 norm of one tensor, a scalar in float64; see `norms_of`."""
    if tensor.dtype == torch.float32 and tensor.device.type == "cpu" and tensor.numel() > ROUNDED:
        tensor = norms_of(torch.split(tensor.flatten(), ROUNDED))
    elif _adds_in_float32(tensor):
        quick: Tensor = torch.linalg.vector_norm(tensor)
        if SAFE_NORMS[0] < quick.item() < SAFE_NORMS[1]:
            return quick.double()
    exact: Tensor = torch.linalg.vector_norm(tensor, dtype=torch.float64)
    return exact


def _adds_in_float32(tensor: Tensor) -> bool:
    return tensor.dtype == torch.float32 and tensor.device.type == "cpu" and tensor.numel() <= ROUNDED


def _on_cpu(tensors: Sequence[Tensor]) -> bool:
    return all(tensor.device.type == "cpu" for tensor in tensors)


def _exact_norms(tensors: Sequence[Tensor]) -> Tensor:
    return torch.stack(torch._foreach_norm(list(tensors), 2, dtype=torch.float64))
