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
    statistics_of,
)
from gradclinic_torch.measure.step_statistics import Named, after_activation, before_activation

from .chosen import Chosen

Addresses = npt.NDArray[np.int64]


class _Parts(Sequence[Tensor]):
    """Some lanes of stacked tensors of one shape, those of one tensor side by side; each is made when asked for."""

    def __init__(self, stacked: Sequence[Tensor], chosen: Chosen) -> None:
        self.stacked, self.chosen = stacked, chosen

    def __len__(self) -> int:
        return len(self.stacked) * len(self.chosen.places)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Tensor]: ...
    def __getitem__(self, index: int | slice) -> Tensor | Sequence[Tensor]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        tensor, lane = divmod(index, len(self.chosen.places))
        return self.stacked[tensor][self.chosen.places[lane]]


class _Block(one_pass.ReadOnce):
    """A `Block` of some lanes of stacked tensors of one shape."""

    def __init__(self, parts: _Parts, activations: Sequence[Activation | None]) -> None:
        super().__init__(parts, activations)
        self._parts = parts

    @cached_property
    def entries(self) -> int:
        """Number of entries of each tensor."""
        return self._parts.stacked[0][0].numel()

    @cached_property
    def _addresses(self) -> Addresses:
        return _addresses(self._parts.stacked, self._parts.chosen)[0].ravel()


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


def lane_norms(stacked: Sequence[Tensor], chosen: Chosen) -> Tensor:
    """[k, tensors] float64: L2 norm of each chosen lane's part of each tensor, with a relative error of about 1e-6."""
    if not _are_readable(stacked):
        return _torch_norms([chosen.of(each) for each in stacked])
    return _read_norms(*_addresses(stacked, chosen))


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


def norms_and_distances(
    stacked: Sequence[Tensor], others: Sequence[Tensor], chosen: Chosen, *, compact: bool = False
) -> tuple[Tensor, Tensor]:
    """[k, tensors] float64 each: L2 norms of the chosen lanes, and those of the differences from other tensors.

    compact: whether the other tensors are those of the chosen lanes only.
    """
    if not _are_readable([*stacked, *others]):
        own = [chosen.of(each) for each in stacked]
        theirs = list(others) if compact else [chosen.of(each) for each in others]
        return _torch_norms(own), _torch_norms(torch._foreach_sub(own, theirs))
    addresses, entries = _addresses(stacked, chosen)
    compared, _ = _addresses(others, None if compact else chosen)
    found = np.empty((2, addresses.size))
    one_pass.loops().differences(addresses.ravel(), compared.ravel(), entries, found)
    norms, distances = torch.from_numpy(np.sqrt(found, out=found)).view(2, *addresses.shape)
    return norms.T, distances.T


def gradient_statistics(
    per: Literal["site", "weight"], stacked: Sequence[Tensor], chosen: Chosen, *, sites: Sequence[Site], scale: float
) -> Named:
    """[k, L] of each statistic of the chosen lanes' gradients; those that grow with them are multiplied by `scale`."""
    if not stacked:
        return {}
    wanted = statistics_of(per, "gradient")
    activations = [site.activation for site in sites] if per == "site" else [None] * len(stacked)
    found = _reduced(stacked, [each.reduce for each in wanted], chosen, activations=activations)
    return {each.name: found[each.reduce] * scale if each.grows else found[each.reduce] for each in wanted}


def activation_statistics(
    sites: Sequence[Site], values: Mapping[str, Tensor], chosen: Chosen, *, unknown: Tensor
) -> Named:
    """[k, L] of what is recorded of the chosen lanes' values at the sites, and of what activations make of them."""
    if not sites:
        return {}
    before = [values[before_activation(site)] for site in sites]
    after = [values[after_activation(site)] for site in sites]
    activations = [site.activation for site in sites]
    named = {}
    for statistics, tensors in ((statistics_of("site", "value"), before), (statistics_of("site", "activation"), after)):
        found = _reduced(tensors, [each.reduce for each in statistics], chosen, activations=activations)
        for each in statistics:
            named[each.name] = found[each.reduce] + unknown if each.needs_activation else found[each.reduce]
    return named


def dead_fraction(
    sites: Sequence[Site], mortal: Sequence[int], values: Mapping[str, Tensor], *, unknown: Tensor, lanes: int
) -> Tensor:
    """[lanes, L]: fraction of each site's units whose slope is 0 on every sample; of others `unknown`."""
    dead = unknown.repeat(lanes, 1)
    for index in mortal:
        site = sites[index]
        if site.activation is not None:
            off = _units_off(values[before_activation(site)], site.activation.zero_gradient, site.unit_axis)
            dead[:, index] = off.double().mean(1)
    return dead


def _units_off(stacked: Tensor, bounds: one_pass.Bounds, unit_axis: int) -> Tensor:
    """[lanes, units]: whether a unit is at or beyond its bounds on every sample and position; NaN is not.

    unit_axis: in the part of one lane.
    """
    own, (low, high) = unit_axis % (stacked.ndim - 1), bounds
    if _are_readable([stacked]):
        inside = torch.zeros(len(stacked), stacked.shape[1 + own], dtype=torch.int32)
        for lane, units in zip(stacked, inside, strict=True):
            one_pass.mark_inside(lane, bounds, own, inside=units)
        return inside == 0
    others = [axis + 1 for axis in range(stacked.ndim - 1) if axis != own]
    return ((stacked <= low) | (stacked >= high)).all(dim=others)


def cosines(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """[k, 1] float64: cosine between each vector and another one."""
    return torch.stack([cosine([one], other) for one, other in zip(first, second, strict=True)]).unsqueeze(1)


def _reduced(
    stacked: Sequence[Tensor],
    reductions: Sequence[Reduction],
    chosen: Chosen,
    *,
    activations: Sequence[Activation | None],
) -> dict[Reduction, Tensor]:
    """Each reduction of each chosen lane's part of the tensors, [k, L]."""
    lanes = len(chosen.places)
    if not _are_readable(stacked):
        everyone = [each for each in activations for _ in range(lanes)]
        found = reduced(_apart([chosen.of(each) for each in stacked]), reductions, activations=everyone)
        return {reduce: row.view(-1, lanes).T for reduce, row in found.items()}
    groups = _of_one_shape(stacked)
    blocks = [
        _Block(
            _Parts([stacked[place] for place in places], chosen),
            [activations[place] for place in places for _ in range(lanes)],
        )
        for places in groups
    ]
    order = [place for places in groups for place in places]
    back = None if order == sorted(order) else torch.tensor(order).argsort()
    rows = {reduce: torch.cat([cast("Tensor", reduce(block)) for block in blocks]) for reduce in reductions}
    columns = {reduce: row.view(-1, lanes).T for reduce, row in rows.items()}
    return columns if back is None else {reduce: each[:, back] for reduce, each in columns.items()}


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


def _addresses(stacked: Sequence[Tensor], chosen: Chosen | None = None) -> tuple[Addresses, Addresses]:
    """[tensors, k]: where the parts of the chosen lanes, or of all, lie; and how many entries each has, flat."""
    first = np.array([each.data_ptr() for each in stacked], np.int64)
    lanes = stacked[0].shape[0]
    entries = np.array([each.numel() for each in stacked], np.int64) // lanes
    apart = np.array([each.stride(0) for each in stacked], np.int64) * stacked[0].element_size()
    places = np.arange(lanes) if chosen is None else np.asarray(chosen.places)
    return first[:, None] + apart[:, None] * places, np.repeat(entries, len(places))


def _row_norms(stacked: Tensor) -> Tensor:
    """L2 norm of each lane's part, [lanes]."""
    rows = stacked.flatten(1)
    norms: Tensor = torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64 if rows.shape[1] > ROUNDED else None)
    return norms
