"""Reductions of float32 tensors in a CPU's memory by compiled loops, which need numba (the extra `fast`).

Each tensor is read once, and added up in float64. Where numba is missing, or for other tensors, `reductions` computes
the same in torch.
"""

import math
from collections.abc import Sequence
from functools import cache, cached_property
from importlib import import_module, util
from operator import attrgetter
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gradclinic.experiments.activations import Activation
from gradclinic.measurements.statistics import Array

Bounds = tuple[float, float]

PLAIN = {Tensor, nn.Parameter}
DTYPE, LAYOUT, ON_CPU = attrgetter("dtype"), attrgetter("layout"), attrgetter("is_cpu")
SMALLEST_NORMAL = 2.0**-126


@cache
def loops() -> Any:
    """The module of compiled loops; None without numba."""
    if util.find_spec("numba") is None:
        return None
    try:
        return import_module(".kernels", __package__)
    except ImportError:  # numba is there, but not for this version of Python or numpy
        return None


def load() -> None:
    """Compile all loops, or read their machine code: seconds once on a machine, later tenths of a second."""
    if loops() is None:
        return
    tensor, bounds = torch.ones(2, 2), (0.0, 1.0)
    norms([tensor])
    norm(tensor)
    largest([tensor])
    norms_and_distances([tensor], [tensor])
    cosine([tensor], tensor)
    cosine([tensor], tensor, into=torch.empty(4))
    mark_inside(tensor, bounds, unit_axis=1, inside=torch.zeros(2, dtype=torch.int32))
    block = ReadOnce([tensor], [None])
    for name in ("sums", "deviation_norms"):
        getattr(block, name)
    block.outside([bounds])


def kernels_on(device: str) -> str:
    """What computes the statistics of tensors on a device: numba and its version, or torch."""
    if device != "cpu" or loops() is None:
        return "torch"
    return f"numba {loops().numba.__version__}"


def readable(tensors: Sequence[Tensor]) -> bool:
    """Whether compiled loops are there, and all tensors are of a kind that they read."""
    return (
        set(map(type, tensors)) <= PLAIN
        and set(map(DTYPE, tensors)) <= {torch.float32}
        and set(map(LAYOUT, tensors)) <= {torch.strided}
        and all(map(ON_CPU, tensors))
        and all(map(Tensor.is_contiguous, tensors))
        and loops() is not None
    )


def is_readable(tensor: Tensor) -> bool:
    """Whether compiled loops are there, and read a tensor of this kind."""
    return (
        type(tensor) in PLAIN
        and tensor.dtype is torch.float32
        and tensor.layout is torch.strided
        and tensor.is_cpu
        and tensor.is_contiguous()
        and loops() is not None
    )


def norms(tensors: Sequence[Tensor]) -> Tensor:
    """L2 norm of each tensor, [k] float64."""
    found = np.empty(len(tensors))
    loops().squares(_addresses(tensors), _entries(tensors), found)
    return torch.from_numpy(np.sqrt(found, out=found))


def norm(tensor: Tensor) -> float:
    """L2 norm of one tensor."""
    return math.sqrt(loops().square_sum(tensor.data_ptr(), tensor.numel()))


def largest(tensors: Sequence[Tensor]) -> Tensor:
    """Largest absolute value of each tensor, [k] float64; NaN if one is."""
    found = np.empty(len(tensors), np.int64)
    loops().largest_sizes(_addresses(tensors), _entries(tensors), found)
    return _sizes(found)


def norms_and_distances(tensors: Sequence[Tensor], others: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """L2 norm of each tensor, and of its difference from another one, [k] float64 each."""
    found = np.empty((2, len(tensors)))
    loops().differences(_addresses(tensors), _addresses(others), _entries(tensors), found)
    return tuple(torch.from_numpy(np.sqrt(found, out=found)))


def cosine(tensors: Sequence[Tensor], flat: Tensor, *, into: Tensor | None = None) -> Tensor:
    """Cosine between tensors, taken as one vector, and a vector; a scalar. `into`: a vector that becomes a copy."""
    entries = _entries(tensors)
    starts = 4 * (np.cumsum(entries) - entries)
    others, addresses = flat.data_ptr() + starts, _addresses(tensors)
    if into is None:
        own, other, both = loops().products(addresses, others, entries)
    else:
        own, other, both = loops().products_kept(addresses, others, into.data_ptr() + starts, entries)
    sizes = math.sqrt(own) * math.sqrt(other)
    return torch.tensor(both / sizes if sizes else math.nan, dtype=torch.float64)


def mark_inside(tensor: Tensor, bounds: Bounds, unit_axis: int, *, inside: Tensor) -> None:
    """Set those units to 1, [units] int32, that are not at or beyond their bounds on some sample or position."""
    axis = unit_axis % tensor.ndim
    shape = math.prod(tensor.shape[:axis]), tensor.shape[axis], math.prod(tensor.shape[axis + 1 :])
    low, high = bounds
    loops().mark_inside(tensor.data_ptr(), shape, (np.float32(low), np.float32(high)), inside.numpy())


class ReadOnce:
    """A `Block` of tensors of one shape, [batch, ...] each. What several statistics need is computed once."""

    def __init__(self, tensors: Sequence[Tensor], activations: Sequence[Activation | None]) -> None:
        self._tensors, self.activations = tensors, activations

    @property
    def entries(self) -> int:
        """Number of entries of each tensor."""
        return self._tensors[0].numel()

    @property
    def smallest_normal(self) -> float:
        """Smallest normal number of their precision."""
        return SMALLEST_NORMAL

    @property
    def sizes(self) -> Tensor:
        """Absolute values, [k, entries]."""
        return self._rows.abs()

    @property
    def exact(self) -> Tensor:
        """The entries in float64, [k, entries]."""
        return self._rows.double()

    @cached_property
    def largest(self) -> Tensor:
        """Largest absolute value of each tensor, [k] float64."""
        return _sizes(self._levels[1][3])

    @property
    def sums(self) -> Tensor:
        """Sum of each tensor's entries, [k] float64."""
        return torch.from_numpy(self._levels[0][0])

    @property
    def size_sums(self) -> Tensor:
        """Sum of each tensor's absolute values, [k] float64."""
        return torch.from_numpy(self._levels[0][1])

    @cached_property
    def norms(self) -> Tensor:
        """L2 norm of each tensor, [k] float64."""
        if "_levels" in vars(self):
            return torch.from_numpy(np.sqrt(self._levels[0][2]))
        return norms(self._tensors)

    @cached_property
    def deviation_norms(self) -> Tensor:
        """L2 norm of what differs from the mean over the batch, [k] float64."""
        found, samples = np.empty(len(self._tensors)), self._tensors[0].shape[0]
        loops().deviations(self._addresses, samples, self.entries // max(1, samples), found)
        return torch.from_numpy(np.sqrt(found, out=found))

    def total(self, rows: Array, /) -> Tensor:
        """Sum of each row, [k] float64."""
        return cast("Tensor", rows).double().sum(1)

    def count(self, comparison: Literal["lt", "eq"], bound: float, /) -> Tensor:
        """How many `sizes` of each tensor are less than, or equal to, a bound, [k] float64."""
        zeros, below, not_finite, _ = self._levels[1]
        known = {("eq", 0.0): zeros, ("lt", SMALLEST_NORMAL): below, ("lt", math.inf): self.entries - not_finite}
        found = known.get((comparison, bound))
        if found is None:
            return getattr(torch, comparison)(self.sizes, bound).double().sum(1)  # type: ignore[no-any-return]  # torch's
        return torch.from_numpy(found.astype(np.float64))

    def outside(self, bounds: Sequence[Bounds], /) -> Tensor:
        """How many entries of each tensor are below or above its own bounds, [k] float64."""
        found = np.zeros(len(self._tensors))
        if self._are_within(bounds):
            return torch.from_numpy(found)
        loops().outside(self._addresses, self.entries, np.asarray(bounds, np.float32), found)
        return torch.from_numpy(found)

    def _are_within(self, bounds: Sequence[Bounds]) -> bool:
        """Whether the largest sizes, where they are known, show that no entry of any tensor is outside its bounds."""
        if "_levels" not in vars(self):
            return False
        limits = [min(-low, high) for low, high in bounds]
        return all(size <= limit for size, limit in zip(self.largest.tolist(), limits, strict=True))

    @cached_property
    def _levels(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """[3, k], [4, k]: see `kernels.levels`."""
        sums, counts = np.empty((3, len(self._tensors))), np.empty((4, len(self._tensors)), np.int64)
        loops().levels(self._addresses, self.entries, sums, counts)
        return sums, counts

    @cached_property
    def _addresses(self) -> npt.NDArray[np.int64]:
        return _addresses(self._tensors)

    @cached_property
    def _rows(self) -> Tensor:
        return torch.stack(list(self._tensors)).flatten(1)


def _sizes(bits: npt.NDArray[np.int64]) -> Tensor:
    """[k] float64: the numbers without a sign whose bits in float32 these are."""
    return torch.from_numpy(bits.astype(np.int32).view(np.float32).astype(np.float64))


def _addresses(tensors: Sequence[Tensor]) -> npt.NDArray[np.int64]:
    return np.fromiter(map(Tensor.data_ptr, tensors), np.int64, len(tensors))


def _entries(tensors: Sequence[Tensor]) -> npt.NDArray[np.int64]:
    return np.fromiter(map(Tensor.numel, tensors), np.int64, len(tensors))
