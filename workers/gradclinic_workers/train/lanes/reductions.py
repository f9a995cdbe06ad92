"""Reductions of stacked tensors, [lanes, ...] each: those of all lanes and layers together, with a row for each lane.

Where compiled loops read float32 (`one_pass`), they are told where each lane's part lies, and nothing is copied.
"""

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Literal, cast, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gradclinic.experiments.activations import Activation
from gradclinic.experiments.sites import Site
from gradclinic.measurements.statistics import Reduction
from gradclinic_torch.measure import one_pass
from gradclinic_torch.measure.reductions import (
    ROUNDED,
    SAFE_NORMS,
    cosine,
    reduced,
    share_of_units_off,
    statistics_of,
)
from gradclinic_torch.measure.step_statistics import Named, after_activation, before_activation

Addresses = npt.NDArray[np.int64]


class _Parts(Sequence[Tensor]):
    """The lanes of stacked tensors of one shape, those of one tensor side by side; each is made when asked for."""

    def __init__(self, stacked: Sequence[Tensor]) -> None:
        self.stacked, self._lanes = stacked, len(stacked[0])

    def __len__(self) -> int:
        return len(self.stacked) * self._lanes

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Tensor]: ...
    def __getitem__(self, index: int | slice) -> Tensor | Sequence[Tensor]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return self.stacked[index // self._lanes][index % self._lanes]


class _Block(one_pass.ReadOnce):
    """A `Block` of the lanes of stacked tensors of one shape."""

    def __init__(self, parts: _Parts, activations: Sequence[Activation | None]) -> None:
        super().__init__(parts, activations)
        self._stacked = parts.stacked

    @cached_property
    def _addresses(self) -> Addresses:
        return _addresses(self._stacked)[0].ravel()


class LaneNorms:
    """L2 norms of tensors that stay where they are, [lanes, ...] each, while their numbers change."""

    def __init__(self, stacked: Sequence[Tensor]) -> None:
        self._stacked = stacked
        self._places = _addresses(stacked) if _are_readable(stacked) else None

    def now(self) -> Tensor:
        """[lanes, tensors] float64: the norm of each lane's part of each tensor, with a relative error of 1e-6."""
        if self._places is None:
            return _torch_norms(self._stacked)
        return _read_norms(*self._places)


def lane_norms(stacked: Sequence[Tensor]) -> Tensor:
    """[lanes, tensors] float64: L2 norm of each lane's part of each tensor, with a relative error of about 1e-6."""
    return LaneNorms(stacked).now()


def _read_norms(addresses: Addresses, entries: Addresses) -> Tensor:
    found = np.empty(addresses.size)
    one_pass.loops().squares(addresses.ravel(), entries, found)
    return torch.from_numpy(np.sqrt(found, out=found)).view(addresses.shape).T


def _torch_norms(stacked: Sequence[Tensor]) -> Tensor:
    norms = torch.stack([_row_norms(each).double() for each in stacked], dim=1)
    known = (norms > SAFE_NORMS[0]) & (norms < SAFE_NORMS[1])
    for index in (~known).any(dim=0).nonzero().flatten().tolist():
        exact = torch.linalg.vector_norm(stacked[index].flatten(1), dim=1, dtype=torch.float64)
        norms[:, index] = torch.where(known[:, index], norms[:, index], exact)
    return norms


def norms_and_distances(stacked: Sequence[Tensor], others: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """[lanes, tensors] float64 each: L2 norms, and those of the differences from other tensors."""
    if not _are_readable([*stacked, *others]):
        return lane_norms(stacked), lane_norms(torch._foreach_sub(list(stacked), list(others)))
    addresses, entries = _addresses(stacked)
    found = np.empty((2, addresses.size))
    one_pass.loops().differences(addresses.ravel(), _addresses(others)[0].ravel(), entries, found)
    norms, distances = torch.from_numpy(np.sqrt(found, out=found)).view(2, *addresses.shape)
    return norms.T, distances.T


def gradient_statistics(
    per: Literal["site", "weight"], stacked: Sequence[Tensor], *, sites: Sequence[Site], scale: float
) -> Named:
    """[lanes, L] of each statistic of gradients; those that grow with the gradient are multiplied by `scale`."""
    if not stacked:
        return {}
    wanted = statistics_of(per, "gradient")
    activations = [site.activation for site in sites] if per == "site" else [None] * len(stacked)
    found = _reduced(stacked, [each.reduce for each in wanted], activations=activations)
    return {each.name: found[each.reduce] * scale if each.grows else found[each.reduce] for each in wanted}


def activation_statistics(sites: Sequence[Site], values: Mapping[str, Tensor], *, unknown: Tensor) -> Named:
    """[lanes, L] of what is recorded of the values at the sites and of what their activations make of them."""
    if not sites:
        return {}
    before = [values[before_activation(site)] for site in sites]
    after = [values[after_activation(site)] for site in sites]
    activations = [site.activation for site in sites]
    named = {}
    for statistics, tensors in ((statistics_of("site", "value"), before), (statistics_of("site", "activation"), after)):
        found = _reduced(tensors, [each.reduce for each in statistics], activations=activations)
        for each in statistics:
            named[each.name] = found[each.reduce] + unknown if each.needs_activation else found[each.reduce]
    return named


def dead_fraction(
    sites: Sequence[Site], mortal: Sequence[int], values: Mapping[str, Tensor], *, unknown: Tensor, lanes: int
) -> Tensor:
    """[lanes, L]: fraction of each site's units whose slope is 0 on every sample; of others `unknown`."""
    dead = unknown.repeat(lanes, 1)
    if mortal:
        dying = [sites[index] for index in mortal]
        bounds = [site.activation.zero_gradient for site in dying if site.activation for _ in range(lanes)]
        tensors = _apart([values[before_activation(site)] for site in dying])
        off = share_of_units_off(tensors, bounds, [site.unit_axis for site in dying for _ in range(lanes)])
        dead[:, list(mortal)] = off.view(-1, lanes).T
    return dead


def cosines(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """[k, 1] float64: cosine between each vector and another one."""
    return torch.stack([cosine([one], other) for one, other in zip(first, second, strict=True)]).unsqueeze(1)


def _reduced(
    stacked: Sequence[Tensor], reductions: Sequence[Reduction], *, activations: Sequence[Activation | None]
) -> dict[Reduction, Tensor]:
    """Each reduction of each lane's part of the tensors, [lanes, L]."""
    lanes = len(stacked[0])
    if not _are_readable(stacked):
        everyone = [each for each in activations for _ in range(lanes)]
        found = reduced(_apart(stacked), reductions, activations=everyone)
        return {reduce: row.view(-1, lanes).T for reduce, row in found.items()}
    rows = {reduce: torch.empty(len(stacked), lanes, dtype=torch.float64) for reduce in reductions}
    for places in _of_one_shape(stacked):
        mine = [activations[place] for place in places for _ in range(lanes)]
        block = _Block(_Parts([stacked[place] for place in places]), mine)
        for reduce in reductions:
            rows[reduce][places] = cast("Tensor", reduce(block)).view(len(places), lanes)
    return {reduce: row.T for reduce, row in rows.items()}


def _of_one_shape(stacked: Sequence[Tensor]) -> list[list[int]]:
    """The places of the tensors of each shape, in rising order."""
    groups: dict[Hashable, list[int]] = {}
    for place, tensor in enumerate(stacked):
        groups.setdefault(tensor.shape, []).append(place)
    return list(groups.values())


def _apart(stacked: Sequence[Tensor]) -> list[Tensor]:
    """The tensors of every lane, those of one stack side by side."""
    return [lane for each in stacked for lane in each.unbind()]


def _are_readable(stacked: Sequence[Tensor]) -> bool:
    """Whether compiled loops read each lane's part of the tensors; the parts may lie apart."""
    return (
        all(
            each.dtype == torch.float32 and each.is_cpu and (each.is_contiguous() or each[0].is_contiguous())
            for each in stacked
        )
        and one_pass.loops() is not None
    )


def _addresses(stacked: Sequence[Tensor]) -> tuple[Addresses, Addresses]:
    """[tensors, lanes]: where each lane's part of the tensors lies; and how many entries each has, flat."""
    first = np.array([each.data_ptr() for each in stacked], np.int64)
    lanes = stacked[0].shape[0]
    entries = np.array([each.numel() for each in stacked], np.int64) // lanes
    apart = np.array([each.stride(0) for each in stacked], np.int64) * stacked[0].element_size()
    addresses = first[:, None] + apart[:, None] * np.arange(lanes, dtype=np.int64)
    return addresses, np.repeat(entries, lanes)


def _row_norms(stacked: Tensor) -> Tensor:
    """L2 norm of each lane's part, [lanes]."""
    rows = stacked.flatten(1)
    norms: Tensor = torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64 if rows.shape[1] > ROUNDED else None)
    return norms
