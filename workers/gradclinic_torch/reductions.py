"""Reductions of many tensors together: those of one shape are stacked, so that small ones share each operation.

A statistic of L tensors is a vector [L] in the order of the tensors, float64, on their device. Sums run in float64;
shares are counts of 0/1 flags held as float32, which torch sums several times faster than booleans.
"""

import math
from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor

NORMAL = {torch.float32: 2.0**-126, torch.float16: 2.0**-14, torch.bfloat16: 2.0**-126, torch.float64: 2.0**-1022}
"""Smallest normal number of each precision; what lies below has lost digits, or is 0."""
BLOCK = 2**17
"""Entries stacked at most: a block and what is made of it stay in a core's cache, and memory stays bounded."""
EXACT = 2**24
"""Ones that float32 counts without rounding."""

Bounds = tuple[float, float]


def gradient_statistics(gradients: Sequence[Tensor]) -> dict[str, Tensor]:
    """Of each gradient: mean and largest size, share of zeros and of subnormals, number of non-finite entries."""

    def of(block: Tensor, _: Sequence[int]) -> list[Tensor]:
        sizes = block.flatten(1).abs()
        entries, flags = sizes.shape[1], _flags(sizes)
        zero = _count(torch.eq(sizes, 0.0, out=flags))
        below = _count(torch.lt(sizes, NORMAL[sizes.dtype], out=flags))
        finite = _count(torch.lt(sizes, float("inf"), out=flags))
        mean = sizes.sum(1, dtype=torch.float64) / entries
        return [mean, sizes.amax(1).double(), zero / entries, (below - zero) / entries, entries - finite]

    names = ("mean_abs", "max_abs", "zero_fraction", "underflow_fraction", "nonfinite_count")
    return dict(zip(names, _over_blocks(gradients, of), strict=True))


def levels(values: Sequence[Tensor]) -> dict[str, Tensor]:
    """Of each tensor [batch, ...]: mean, RMS, and deviation over the batch (the RMS over units of each one's own)."""

    def of(block: Tensor, _: Sequence[int]) -> list[Tensor]:
        exact = block.flatten(2).double()
        scale = exact[0].numel() ** -0.5
        unit_means = exact.mean(1, keepdim=True)
        rms = torch.linalg.vector_norm(exact.flatten(1), dim=1) * scale
        spread = torch.linalg.vector_norm((exact - unit_means).flatten(1), dim=1) * scale
        return [unit_means.flatten(1).mean(1), rms, spread]

    return dict(zip(("mean", "rms", "batch_std"), _over_blocks(values, of), strict=True))


def share_beyond(values: Sequence[Tensor], bounds: Sequence[Bounds]) -> Tensor:
    """Share of each tensor's entries that lie below or above its own bounds."""

    def of(block: Tensor, chosen: Sequence[int]) -> list[Tensor]:
        rows = block.flatten(1)
        flags, beyond = _flags(rows), rows.new_zeros(len(rows), dtype=torch.float64)
        for side, compare in ((0, torch.lt), (1, torch.gt)):
            limits = [bounds[index][side] for index in chosen]
            if any(math.isfinite(limit) for limit in limits):
                column = torch.tensor(limits, dtype=rows.dtype, device=rows.device).unsqueeze(1)
                beyond = beyond + _count(compare(rows, column, out=flags))
        return [beyond / rows.shape[1]]

    return _over_blocks(values, of)[0]


def share_of_units_off(values: Sequence[Tensor], bounds: Sequence[Bounds], unit_axes: Sequence[int]) -> Tensor:
    """Share of each tensor's units that are at or beyond their bounds on every sample and position."""

    def of(block: Tensor, chosen: Sequence[int]) -> list[Tensor]:
        low, high = bounds[chosen[0]]
        unit_axis = 1 + unit_axes[chosen[0]] % (block.ndim - 1)
        others = [axis for axis in range(1, block.ndim) if axis != unit_axis]
        if math.isfinite(high):
            off = (torch.le(block, low, out=_flags(block)) + torch.ge(block, high, out=_flags(block))).amin(others) > 0
        else:
            off = block.amax(others) <= low
        return [off.double().mean(1)]

    return _over_blocks(values, of, alike=list(zip(bounds, unit_axes, strict=True)))[0]


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Cosine between two vectors; a scalar."""
    products = first.new_zeros(3, dtype=torch.float64)
    for start in range(0, len(first), BLOCK):
        a, b = (vector[start : start + BLOCK].double() for vector in (first, second))
        products = products + torch.stack([a.dot(b), a.dot(a), b.dot(b)])
    return products[0] / (products[1].sqrt() * products[2].sqrt())


def _over_blocks(
    tensors: Sequence[Tensor],
    of: Callable[[Tensor, Sequence[int]], list[Tensor]],
    *,
    alike: Sequence[Hashable] | None = None,
) -> Tensor:
    """[statistics, L]: what `of` makes of a block [k, *shape] of tensors (and `alike`s), put back in their order."""
    groups: dict[Hashable, list[int]] = {}
    for index, tensor in enumerate(tensors):
        groups.setdefault((tensor.shape, tensor.dtype, alike and alike[index]), []).append(index)
    order, found = [], []
    for indices in groups.values():
        together = max(1, BLOCK // max(1, tensors[indices[0]].numel()))
        for start in range(0, len(indices), together):
            chosen = indices[start : start + together]
            order += chosen
            first = tensors[chosen[0]]
            block = first.unsqueeze(0) if len(chosen) == 1 else torch.stack([tensors[index] for index in chosen])
            found.append(torch.stack(of(block, chosen)))
    together_again = torch.cat(found, dim=1) if len(found) > 1 else found[0]
    if order == sorted(order):
        return together_again
    places = torch.empty(len(order), dtype=torch.long)
    places[order] = torch.arange(len(order))
    return together_again[:, places.to(together_again.device)]


def _flags(like: Tensor) -> Tensor:
    return torch.empty(like.shape, dtype=torch.float32, device=like.device)


def _count(flags: Tensor) -> Tensor:
    """[k]: how many of a row's 0/1 flags are 1."""
    return flags.sum(1, dtype=torch.float32 if flags.shape[1] < EXACT else torch.float64).double()


def norms_of(tensors: Sequence[Tensor]) -> Tensor:
    """L2 norm of each tensor, [len(tensors)] float64: a float32 sum of squares would lose 1e-25 to underflow."""
    if not tensors:
        return torch.zeros(0, dtype=torch.float64)
    return torch.stack(torch._foreach_norm(list(tensors), 2, dtype=torch.float64))
