"""The windows of a convolution over an image or a sequence, with exact zero padding.

Source: Xiao et al. 2018, arXiv:1806.05393, who use periodic padding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from ..experiments.layers import Node
from .closed_form import Array


def units_of(shape: Sequence[int]) -> int:
    """Number of units of an output: the channels of an image [units, height, width], or features of [steps, units]."""
    return shape[0] if len(shape) == 3 else shape[-1]


def positions_of(shape: Sequence[int]) -> tuple[int, ...]:
    """The positions of an output: pixels of an image, steps of a sequence."""
    return tuple(shape[1:] if len(shape) == 3 else shape[:-1])


@dataclass(frozen=True)
class Windows:
    """The input positions of each output position, for each axis and each position in the window."""

    axes: Sequence[Array]
    """For each axis [kernel, out, in]: 1 if this position of the output's window is at this input, else 0."""

    @classmethod
    def of(cls, node: Node, in_positions: Sequence[int]) -> "Windows":
        """The windows of a convolution."""
        kernel, stride, padding = (getattr(node.layer, name) for name in ("kernel_size", "stride", "padding"))
        sizes = zip(in_positions, positions_of(node.out_shape), strict=True)
        return cls([axis(size, out, kernel=kernel, stride=stride, padding=padding) for size, out in sizes])

    @property
    def places(self) -> int:
        """Number of positions in a window."""
        return prod(len(each) for each in self.axes)

    def summed(self, values: Array) -> Array:
        """The sum over the window of each output position; padding is 0."""
        return _applied([each.sum(axis=0) for each in self.axes], values)

    def spread_back(self, values: Array) -> Array:
        """For each input position, the sum over the outputs whose windows contain it."""
        return _applied([each.sum(axis=0).T for each in self.axes], values)

    def uneven_means(self, shared: Array) -> Array:
        """E[(c - E_position c)^2] for c = sum over the window of w a, Var(w) = 1, a = sqrt(shared), 0 in the padding.

        If activations have a nonzero mean, zero padding changes a unit's mean at the border, and batch norm over all
        positions keeps this difference (sigmoid, 8 x 8 pixels: half of the variance or more).
        """
        common = np.sqrt(np.maximum(shared, 0.0))
        found = [_applied(places, common) for places in product(*self.axes)]
        return np.asarray(np.sum([(at - at.mean()) ** 2 for at in found], axis=0), np.float64)


def axis(size: int, out: int, *, kernel: int, stride: int, padding: int | str) -> Array:
    """[kernel, out, size]: 1 if this position of the output's window is at this input; padding has no input."""
    left = (kernel - 1) // 2 if padding == "same" else int(padding)
    place = np.arange(out)[:, None] * stride - left + np.arange(kernel)[:, None, None]
    return np.asarray(place == np.arange(size)[None, None, :], np.float64)


def _applied(masks: Sequence[Array], values: Array) -> Array:
    for each, mask in enumerate(masks):
        values = np.moveaxis(np.tensordot(mask, values, axes=(1, each)), 0, each)
    return values
