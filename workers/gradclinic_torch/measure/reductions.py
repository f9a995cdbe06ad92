"""Reductions of many tensors together: those of one shape are stacked, so that small ones share each operation.

What is computed is declared in `gradclinic.measurements.statistics`. The reduction of L tensors is a vector [L] in the
order of the tensors, float64, on their device. Float32 in a CPU's memory is read by compiled loops where numba is
installed (`one_pass`); everything else is computed in torch. There, counts are sums of 0/1 flags held as float32, which
torch sums several times faster than booleans. Sums and norms of float32 on a CPU run in float32, several times faster
than in float64, as long as nothing underflows or overflows; their relative error is at most 1e-6. Elsewhere they run in
float64.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from functools import cache, cached_property, lru_cache
from typing import Literal, cast

import torch
from torch import Tensor

from gradclinic.experiments.activations import Activation
from gradclinic.measurements.statistics import STATISTICS, Array, Block, Measured, Reduction, TensorStatistic

from . import one_pass
from .one_pass import DTYPE, ON_CPU, Bounds

NORMAL = {torch.float32: 2.0**-126, torch.float16: 2.0**-14, torch.bfloat16: 2.0**-126, torch.float64: 2.0**-1022}
"""Smallest normal number of each precision; what lies below has lost digits, or is 0."""
BLOCK, BLOCK_ON_GPU = 2**17, 2**24
"""Maximum number of stacked entries. A block fits into a CPU core's cache. On a GPU, where each operation is launched,
blocks are few, and memory is bounded."""
READ = 2**18
"""Maximum number of entries that compiled loops read before the next of them does, from a core's larger cache."""
EXACT = 2**24
"""Ones that float32 counts without rounding."""
SAFE_NORMS = (1e-9, 1e15)
"""A float32 sum of squares has neither lost the small ones nor overflowed if its root is between these."""
ROUNDED = 2**16
"""Maximum number of squares that are added in float32: with so many, a norm's relative error is about 1e-7."""
COMPARISONS = {"lt": torch.lt, "eq": torch.eq, "gt": torch.gt}


class StackedTensors:
    """A `Block` of tensors [k, *shape]. What several statistics need is computed at its first use and kept."""

    def __init__(self, stacked: Tensor, activations: Sequence[Activation | None]) -> None:
        self._stacked, self.activations = stacked, activations
        self._counts: dict[tuple[str, float], Tensor] = {}

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

    @cached_property
    def largest(self) -> Tensor:
        """Largest absolute value of each tensor, [k] float64."""
        return self.sizes.amax(1).double()

    @cached_property
    def sums(self) -> Tensor:
        """Sum of each tensor's entries, [k] float64."""
        return self.total(self._rows)

    @cached_property
    def size_sums(self) -> Tensor:
        """Sum of each tensor's absolute values, [k] float64."""
        return self.total(self.sizes)

    @cached_property
    def norms(self) -> Tensor:
        """L2 norm of each tensor, [k] float64."""
        return _row_norms(self._rows)

    @cached_property
    def deviation_norms(self) -> Tensor:
        """L2 norm of what differs from the mean over the batch, [k] float64."""
        samples = self._stacked.reshape(*self._stacked.shape[:2], -1)
        if not _is_quick(samples):
            return _row_norms(_deviations(samples.double()))
        norms = _row_norms(_deviations(samples), only_quick=True)
        lost = _lost(norms)
        if lost:
            norms[lost] = _row_norms(_deviations(samples[lost].double()))
        return norms

    def total(self, rows: Array, /) -> Tensor:
        """Sum of each row, [k] float64; torch adds float32 pairwise, so that little is lost."""
        given = cast("Tensor", rows)
        if _is_quick(given):
            sums = given.sum(1)
            if bool(torch.isfinite(sums).all()):
                return sums.double()
        return given.sum(1, dtype=torch.float64)

    def count(self, comparison: Literal["lt", "eq"], bound: float, /) -> Tensor:
        """How many `sizes` of each tensor are less than, or equal to, a bound, [k] float64."""
        if comparison == "lt" and _is_quick(self._rows) and bool((self.largest < bound).all()):
            return torch.full_like(self.largest, self.entries)
        if (comparison, bound) not in self._counts:
            self._counts[comparison, bound] = _count(COMPARISONS[comparison](self.sizes, bound, out=self._flags))
        return self._counts[comparison, bound]

    def outside(self, bounds: Sequence[Bounds], /) -> Tensor:
        """How many entries of each tensor are below or above its own bounds, [k] float64."""
        rows, found = self._rows, []
        for side, comparison in ((0, "lt"), (1, "gt")):
            limits = [[each[side]] for each in bounds]
            if any(math.isfinite(limit) for (limit,) in limits) and self._reach(side, limits):
                column = sent(tuple(limit for (limit,) in limits), rows.dtype, rows.device).unsqueeze(1)
                found.append(_count(COMPARISONS[comparison](rows, column, out=self._flags)))
        return sum(found[1:], found[0]) if found else rows.new_zeros(len(rows), dtype=torch.float64)

    def _reach(self, side: int, limits: Sequence[Sequence[float]]) -> bool:
        """Whether an entry may be beyond its tensor's limit on this side: below (0) or above (1)."""
        if not _is_quick(self._rows):
            return True
        ends = self._extremes[:, side].tolist()
        return any(
            not (end >= limit if side == 0 else end <= limit) for end, (limit,) in zip(ends, limits, strict=True)
        )

    @cached_property
    def _extremes(self) -> Tensor:
        """Smallest and largest entry of each tensor, [k, 2]."""
        return torch.stack([self._rows.amin(1), self._rows.amax(1)], dim=1)

    @cached_property
    def _flags(self) -> Tensor:
        return _flags(self._rows)

    @cached_property
    def _rows(self) -> Tensor:
        return self._stacked.flatten(1)


@lru_cache(maxsize=256)
def sent(numbers: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Numbers of the host on a device, sent there once, since each transfer waits for it."""
    return torch.tensor(numbers, dtype=dtype, device=device)


@cache
def statistics_of(per: Literal["site", "weight"], measured: Measured) -> tuple[TensorStatistic, ...]:
    """The statistics per site or per weight that are computed from these tensors."""
    computed = [each for each in STATISTICS.values() if isinstance(each, TensorStatistic)]
    return tuple(each for each in computed if (each.per, each.of) == (per, measured))


def reduced(
    tensors: Sequence[Tensor], reductions: Sequence[Reduction], *, activations: Sequence[Activation | None]
) -> dict[Reduction, Tensor]:
    """Each reduction of the tensors, [L]."""
    rows: list[Tensor] = []
    order: list[int] = []
    for block, chosen in _blocks_of(tensors, activations):
        rows.append(torch.stack([cast("Tensor", reduce(block)) for reduce in reductions]))
        order += chosen
    return dict(zip(reductions, _in_order(rows, order), strict=True))


def share_of_units_off(values: Sequence[Tensor], bounds: Sequence[Bounds], unit_axes: Sequence[int]) -> Tensor:
    """Fraction of each tensor's units that are at or beyond their bounds on every sample and position."""
    if one_pass.readable(values):
        inside = map(units_inside, values, bounds, unit_axes)
        return torch.tensor([1.0 - int(each.sum()) / len(each) for each in inside], dtype=torch.float64)
    rows, order = [], []
    for block, chosen in _stacks(values, alike=list(zip(bounds, unit_axes, strict=True))):
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


def units_inside(value: Tensor, bounds: Bounds, unit_axis: int, *, besides: Tensor | None = None) -> Tensor:
    """[units] int32: 1 for those not at or beyond their bounds on some sample or position, here or besides."""
    if one_pass.is_readable(value):
        found = value.new_zeros(value.shape[unit_axis], dtype=torch.int32) if besides is None else besides
        one_pass.mark_inside(value, bounds, unit_axis, inside=found)
        return found
    others = [axis for axis in range(value.ndim) if axis != unit_axis % value.ndim]
    now = (~((value <= bounds[0]) | (value >= bounds[1]))).any(dim=others).int()
    return now if besides is None else besides | now


def cosine(tensors: Sequence[Tensor], second: Tensor, *, into: Tensor | None = None) -> Tensor:
    """Cosine between tensors, taken as one vector, and a vector; a scalar. `into`: a vector that becomes a copy."""
    if one_pass.readable([*tensors, second]):
        return one_pass.cosine(tensors, second, into=into)
    first = torch.cat([tensor.flatten() for tensor in tensors])
    if into is not None:
        into.copy_(first)
    norms = norm_of(first), norm_of(second)
    quick = _is_quick(first) and not _lost(torch.stack(norms))
    dot = first.new_zeros((), dtype=torch.float64)
    for start in range(0, len(first), ROUNDED):
        a, b = (vector[start : start + ROUNDED] for vector in (first, second))
        dot = dot + (a.dot(b) if quick else a.double().dot(b.double()))
    return dot / (norms[0] * norms[1])


def norms_and_distances(tensors: Sequence[Tensor], others: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """L2 norm of each tensor, and of its difference from another one, [len(tensors)] float64 each."""
    if one_pass.readable([*tensors, *others]):
        return one_pass.norms_and_distances(tensors, others)
    return norms_of(tensors), norms_of(torch._foreach_sub(list(tensors), list(others)))


def _blocks_of(
    tensors: Sequence[Tensor], activations: Sequence[Activation | None]
) -> Iterator[tuple[Block, list[int]]]:
    """Tensors of one shape and precision, and which ones, in rising order."""
    if one_pass.readable(tensors):
        for indices in _alike([tensor.shape for tensor in tensors]):
            together = max(1, READ // max(1, tensors[indices[0]].numel()))
            for start in range(0, len(indices), together):
                chosen = indices[start : start + together]
                mine = [activations[index] for index in chosen]
                yield one_pass.ReadOnce([tensors[index] for index in chosen], mine), chosen
    else:
        for stacked, chosen in _stacks(tensors):
            yield StackedTensors(stacked, [activations[index] for index in chosen]), chosen


def _alike(kinds: Sequence[Hashable]) -> list[list[int]]:
    """The places of each kind, in rising order."""
    groups: dict[Hashable, list[int]] = {}
    for index, kind in enumerate(kinds):
        groups.setdefault(kind, []).append(index)
    return list(groups.values())


def _stacks(
    tensors: Sequence[Tensor], *, alike: Sequence[Hashable] | None = None
) -> Iterator[tuple[Tensor, list[int]]]:
    """Tensors of one shape and precision (and equal `alike`) stacked, [k, *shape], and which ones, in rising order."""
    kinds = [(tensor.shape, tensor.dtype, alike and alike[index]) for index, tensor in enumerate(tensors)]
    for indices in _alike(kinds):
        block = BLOCK if tensors[indices[0]].is_cpu else BLOCK_ON_GPU
        together = max(1, block // max(1, tensors[indices[0]].numel()))
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
    return together[:, sent(tuple(places), torch.long, together.device)]


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
    if one_pass.readable(tensors):
        return one_pass.norms(tensors)
    if not all(map(ON_CPU, tensors)) or set(map(DTYPE, tensors)) != {torch.float32}:
        return _exact_norms(tensors)
    if max(map(Tensor.numel, tensors)) > ROUNDED:
        return torch.stack([norm_of(tensor) for tensor in tensors])
    norms = torch.stack(torch._foreach_norm(list(tensors), 2)).double()
    lost = _lost(norms)
    if lost:
        norms[lost] = _exact_norms([tensors[index] for index in lost])
    return norms


def largest_of(tensors: Sequence[Tensor]) -> Tensor:
    """Largest absolute value of each tensor, [len(tensors)] float64; NaN if one is."""
    if one_pass.readable(tensors):
        return one_pass.largest(tensors)
    return torch.stack([tensor.abs().amax().double() for tensor in tensors])


def known_norm(tensor: Tensor) -> Tensor | float:
    """L2 norm of one tensor: a number where it can be read at once, else a scalar; see `norms_of`."""
    return one_pass.norm(tensor) if one_pass.is_readable(tensor) else norm_of(tensor)


def joined_norms(norms: Sequence[Tensor | float]) -> Tensor:
    """Results of `known_norm` as one vector in float64."""
    if all(isinstance(each, float) for each in norms):
        return torch.tensor(norms, dtype=torch.float64)
    device = next(each.device for each in norms if isinstance(each, Tensor))
    return torch.stack([torch.as_tensor(each, dtype=torch.float64, device=device) for each in norms])


def norm_of(tensor: Tensor) -> Tensor:
    """L2 norm of one tensor, a scalar in float64; see `norms_of`."""
    if one_pass.is_readable(tensor):
        return torch.tensor(one_pass.norm(tensor), dtype=torch.float64)
    if _is_quick(tensor):
        if tensor.numel() > ROUNDED:
            tensor = norms_of(torch.split(tensor.flatten(), ROUNDED))
            return tensor.square().sum().sqrt()
        quick: Tensor = torch.linalg.vector_norm(tensor)
        if SAFE_NORMS[0] < quick.item() < SAFE_NORMS[1]:
            return quick.double()
    exact: Tensor = torch.linalg.vector_norm(tensor, dtype=torch.float64)
    return exact


def _row_norms(rows: Tensor, *, only_quick: bool = False) -> Tensor:
    """L2 norm of each row, [k] float64. Only quick: not again in float64 where float32 may have lost something."""
    rows = rows.flatten(1)
    if not _is_quick(rows):
        return torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64)  # type: ignore[no-any-return]  # torch's
    parts = [torch.linalg.vector_norm(part, dim=1) for part in torch.split(rows, ROUNDED, dim=1)]
    norms: Tensor = torch.stack(parts).double().norm(dim=0) if len(parts) > 1 else parts[0].double()
    lost = [] if only_quick else _lost(norms)
    if lost:
        norms[lost] = torch.linalg.vector_norm(rows[lost], dim=1, dtype=torch.float64)
    return norms


def _deviations(samples: Tensor) -> Tensor:
    """[k, batch, entries]: each entry minus its mean over the batch; 0 if all samples are equal."""
    shifted = samples - samples[:, :1]
    return shifted.sub_(shifted.mean(1, keepdim=True))


def _lost(norms: Tensor) -> list[int]:
    """Which norms float32 may not know."""
    return (~((norms > SAFE_NORMS[0]) & (norms < SAFE_NORMS[1]))).nonzero().flatten().tolist()


def _is_quick(tensor: Tensor) -> bool:
    """Whether float32 is several times faster than float64, and a look at a number waits for no device."""
    return tensor.dtype == torch.float32 and tensor.is_cpu


def _exact_norms(tensors: Sequence[Tensor]) -> Tensor:
    return torch.stack(torch._foreach_norm(list(tensors), 2, dtype=torch.float64))
