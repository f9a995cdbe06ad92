"""Reductions of stacked tensors, [lanes, ...] each: those of all lanes and layers together, with a row for each lane.

Where compiled loops read float32 (`one_pass`), they are told where each lane's part lies, and nothing is copied.
"""

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from math import prod
from typing import Literal, cast, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gradclinic.experiments.activations import Activation
from gradclinic.experiments.sites import Site
from gradclinic.measurements.statistics import Reduction
from gradclinic.measurements.statistics.rms import rms
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


class Stacked:
    """Tensors with an axis for the lanes, [lanes, ...] each.

    Of tensors that stay where they are while their numbers change, one such object is kept, because it finds out only
    once what compiled loops are told of them.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors)

    @cached_property
    def is_readable(self) -> bool:
        """Whether compiled loops read each lane's part of the tensors; the parts may lie apart."""
        return all(map(_is_readable, self.tensors)) and one_pass.loops() is not None

    @cached_property
    def groups(self) -> Sequence[Sequence[int]]:
        """The places of the tensors of each shape, in rising order."""
        groups: dict[Hashable, list[int]] = {}
        for place, tensor in enumerate(self.tensors):
            groups.setdefault(tensor.shape, []).append(place)
        return list(groups.values())

    @cached_property
    def back(self) -> Tensor | None:
        """The order that puts what was computed by group into the order of the tensors; None if it is in that."""
        order = [place for places in self.groups for place in places]
        return None if order == sorted(order) else torch.tensor(order).argsort()

    def of(self, chosen: Chosen) -> list[Tensor]:
        """The parts of the chosen lanes, [k, ...] of each tensor."""
        return [chosen.of(each) for each in self.tensors]

    def addresses(self, chosen: Chosen | None = None) -> Addresses:
        """[tensors, k]: where the parts of the chosen lanes, or of all, lie."""
        return self._addresses if chosen is None else self._addresses[:, chosen.places]

    def entries(self, lanes: int) -> Addresses:
        """[tensors x lanes]: how many entries each part has."""
        return np.repeat(self._entries, lanes)

    @cached_property
    def _entries(self) -> Addresses:
        numbers = np.fromiter(map(Tensor.numel, self.tensors), np.int64, len(self.tensors))
        return numbers // self.tensors[0].shape[0]

    @cached_property
    def _addresses(self) -> Addresses:
        first = np.fromiter(map(Tensor.data_ptr, self.tensors), np.int64, len(self.tensors))
        apart = np.array([each.stride(0) for each in self.tensors], np.int64) * self.tensors[0].element_size()
        return first[:, None] + apart[:, None] * np.arange(self.tensors[0].shape[0])


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

    def __init__(self, parts: _Parts, activations: Sequence[Activation | None], addresses: Addresses) -> None:
        super().__init__(parts, activations)
        self._parts, self._where = parts, addresses

    @cached_property
    def entries(self) -> int:
        """Number of entries of each tensor."""
        return self._parts.stacked[0][0].numel()

    @cached_property
    def _addresses(self) -> Addresses:
        return self._where


def lane_norms(stacked: Stacked, chosen: Chosen | None = None) -> Tensor:
    """[k, tensors] float64: L2 norm of each chosen lane's part of each tensor, with a relative error of about 1e-6.

    chosen: None for all lanes.
    """
    if not stacked.is_readable:
        return _torch_norms(stacked.tensors if chosen is None else stacked.of(chosen))
    addresses = stacked.addresses(chosen)
    found = np.empty(addresses.size)
    one_pass.loops().squares(addresses.ravel(), stacked.entries(addresses.shape[1]), found)
    return torch.from_numpy(np.sqrt(found, out=found)).view(addresses.shape).T


def _torch_norms(stacked: Sequence[Tensor]) -> Tensor:
    norms = torch.stack([_row_norms(each).double() for each in stacked], dim=1)
    known = (norms > SAFE_NORMS[0]) & (norms < SAFE_NORMS[1])
    for index in (~known).any(dim=0).nonzero().flatten().tolist():
        exact = torch.linalg.vector_norm(stacked[index].flatten(1), dim=1, dtype=torch.float64)
        norms[:, index] = torch.where(known[:, index], norms[:, index], exact)
    return norms


def norms_and_distances(
    stacked: Stacked, others: Stacked, chosen: Chosen, *, compact: bool = False
) -> tuple[Tensor, Tensor]:
    """[k, tensors] float64 each: L2 norms of the chosen lanes, and those of the differences from other tensors.

    compact: whether the other tensors are those of the chosen lanes only.
    """
    if not (stacked.is_readable and others.is_readable):
        own, theirs = stacked.of(chosen), list(others.tensors) if compact else others.of(chosen)
        return _torch_norms(own), _torch_norms(torch._foreach_sub(own, theirs))
    addresses, compared = stacked.addresses(chosen), others.addresses(None if compact else chosen)
    found = np.empty((2, addresses.size))
    entries = stacked.entries(addresses.shape[1])
    one_pass.loops().differences(addresses.ravel(), compared.ravel(), entries, found)
    norms, distances = torch.from_numpy(np.sqrt(found, out=found)).view(2, *addresses.shape)
    return norms.T, distances.T


def gradient_statistics(
    per: Literal["site", "weight"], stacked: Stacked, chosen: Chosen, *, sites: Sequence[Site], scale: float
) -> Named:
    """[k, L] of each statistic of the chosen lanes' gradients; those that grow with them are multiplied by `scale`.

    At the sites this includes the RMS, which is then not computed apart.
    """
    if not len(stacked):
        return {}
    wanted = statistics_of(per, "gradient")
    activations = [site.activation for site in sites] if per == "site" else [None] * len(stacked)
    found = _reduced(stacked, [*(each.reduce for each in wanted), rms], chosen, activations=activations)
    named = {each.name: found[each.reduce] * scale if each.grows else found[each.reduce] for each in wanted}
    return named | {"site_grad_rms": found[rms] * scale} if per == "site" else named


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
        found = _reduced(Stacked(tensors), [each.reduce for each in statistics], chosen, activations=activations)
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
    if _is_readable(stacked) and one_pass.loops() is not None:
        return _units_off_by_loops(stacked, bounds, own)
    others = [axis + 1 for axis in range(stacked.ndim - 1) if axis != own]
    return ((stacked <= low) | (stacked >= high)).all(dim=others)


def _units_off_by_loops(stacked: Tensor, bounds: one_pass.Bounds, axis: int) -> Tensor:
    own = stacked.shape[1:]
    shape, limits = (prod(own[:axis]), own[axis], prod(own[axis + 1 :])), tuple(map(np.float32, bounds))
    inside = np.zeros((len(stacked), own[axis]), np.int32)
    for address, units in zip(Stacked([stacked]).addresses()[0].tolist(), inside, strict=True):
        one_pass.loops().mark_inside(address, shape, limits, units)
    return torch.from_numpy(inside) == 0


def cosines(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """[k, 1] float64: cosine between each vector and another one."""
    return torch.stack([cosine([one], other) for one, other in zip(first, second, strict=True)]).unsqueeze(1)


def _reduced(
    stacked: Stacked,
    reductions: Sequence[Reduction],
    chosen: Chosen,
    *,
    activations: Sequence[Activation | None],
) -> dict[Reduction, Tensor]:
    """Each reduction of each chosen lane's part of the tensors, [k, L]."""
    lanes = len(chosen.places)
    if not stacked.is_readable:
        everyone = [each for each in activations for _ in range(lanes)]
        found = reduced(_apart(stacked.of(chosen)), reductions, activations=everyone)
        return {reduce: row.view(-1, lanes).T for reduce, row in found.items()}
    addresses = stacked.addresses(chosen)
    blocks = [
        _Block(
            _Parts([stacked.tensors[place] for place in places], chosen),
            [activations[place] for place in places for _ in range(lanes)],
            addresses[places].ravel(),
        )
        for places in stacked.groups
    ]
    rows = {reduce: _joined([cast("Tensor", reduce(block)) for block in blocks]) for reduce in reductions}
    columns = {reduce: row.view(-1, lanes).T for reduce, row in rows.items()}
    return columns if stacked.back is None else {reduce: each[:, stacked.back] for reduce, each in columns.items()}


def _joined(rows: Sequence[Tensor]) -> Tensor:
    return rows[0] if len(rows) == 1 else torch.cat(list(rows))


def _apart(stacked: Sequence[Tensor]) -> list[Tensor]:
    """The tensors of every lane, those of one stack side by side."""
    return [lane for each in stacked for lane in each.unbind()]


def _is_readable(stacked: Tensor) -> bool:
    return stacked.dtype == torch.float32 and stacked.is_cpu and (stacked.is_contiguous() or stacked[0].is_contiguous())


def _row_norms(stacked: Tensor) -> Tensor:
    """L2 norm of each lane's part, [lanes]."""
    rows = stacked.flatten(1)
    norms: Tensor = torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64 if rows.shape[1] > ROUNDED else None)
    return norms
