"""The backward pass of the gradient through a network whose skip connections preserve its coherent part.

Mean-field theory assumes that the gradient is independent of the weights that it passes. This is not exact: given a
layer's input h and output z = W h, the weights are W = z h^T / |h|^2 + W', where W' is independent of h (Poole et al.
2016, arXiv:1606.05340, use the same conditioning). So W^T delta = h (z . delta) / |h|^2 + W'^T delta. In a plain
network the first term is a fraction of 1 / n. If activations have a nonzero mean, a skip connection adds that mean to
every unit of h in each block: h and the vector of ones, 1, become similar, and each block amplifies a gradient along
either (ReLU, scale 1, width 256, 30 layers: following only h, the first layer's factor is wrong by 20 %).
So the overlaps delta . h and delta . 1 are followed, and the rest of the gradient is assumed isotropic.

Notation: delta = alpha h + beta 1 + r, averages are over n units, and 2 x 2 matrices are in the order (h, 1).
Source: derived here; for ReLU-like activations without biases it contains Euler's delta . h = const.
"""

from dataclasses import dataclass, field

import numpy as np

from .closed_form import Array
from .moments import Overlaps
from .signal import Signal


def _identity() -> Array:
    return np.eye(2)


@dataclass(frozen=True)
class Gradient:
    """E[(dL/dh)^2] at each position; for a vector of units also its components along h and 1."""

    square: Array
    overlaps: Array | None = None
    """[2, 2]: second moments of (delta . h, delta . 1) / n; None if they are not followed."""
    path: Array = field(default_factory=_identity)
    """[2, 2]: maps the overlaps at the end of a residual body to those at this point of the backward pass."""
    memory: float = 0.0
    """Multiplied by 1 / n: fraction of the square that weights remove because of later batch norms; see batch.py."""
    removed: float = 2.0
    """Multiplied by 1 / B: fraction of the square that a directly preceding batch norm removes; 2 if no nonlinearity is
    between them."""

    def times(self, factor: Array | float) -> "Gradient":
        """The gradient with its squares multiplied by a factor that is independent of h."""
        return Gradient(self.square * factor)


def from_loss(delta_f: float, delta: float, *, signal: Signal, weight_variance: float, units: int) -> Gradient:
    """dL/dh at the input of the readout, from `delta_f` = E[(dL/df . f)^2] and `delta` = E|dL/df|^2.

    The outputs are f = V h, without a bias.
    """
    second, mean = float(signal.second), float(signal.mean)
    if second <= 0:
        return Gradient(np.asarray(delta * weight_variance / units))
    fresh = weight_variance * delta / units
    square = delta_f / (units**2 * second) + fresh * (1 - 1 / units)
    along = np.array([1.0, mean / second])
    overlaps = delta_f / units**2 * np.outer(along, along)
    overlaps[1, 1] += fresh * (1 - mean**2 / second) / units
    return Gradient(np.asarray(square), overlaps)


def through_weights(
    gradient: Gradient, before: Signal, after: Signal, *, gain: float, units: tuple[int, int]
) -> Gradient:
    """Backward through z = W h + b: `gain` = fan_in Var(W); `units` are the numbers of units before and after it."""
    ratio = units[1] / units[0]
    fresh = gain * ratio * gradient.square
    second, mean = float(before.second), float(before.mean)
    if gradient.overlaps is None or second <= 0:
        return Gradient(fresh, memory=gradient.memory)
    gram = _gram(after)
    inverse = _inverse(gram)
    # Overlaps of W h with z and 1. A bias is either a constant mean or drawn for each unit; the latter is not in W h.
    own = np.array([gain * second, 0.0])
    onto = inverse @ own
    blind = max(0.0, gain * second - float(own @ onto))
    square = float(onto @ gradient.overlaps @ onto) + _rest(gradient, gram) * blind / units[1]
    along = ratio * np.array([1.0, mean / second])
    overlaps = square * np.outer(along, along)
    overlaps[1, 1] += float(fresh) * max(0.0, 1 - mean**2 / second) / units[0]
    whole = square * ratio**2 / second + fresh * (1 - 1 / units[0])
    return Gradient(np.asarray(whole), overlaps, np.outer(along, onto) @ gradient.path)


def through_units(gradient: Gradient, after: Signal, own: Overlaps, *, units: int) -> Gradient:
    """Backward through an elementwise function."""
    if gradient.overlaps is None:
        return gradient.times(own.slope_square)
    gram = _gram(after)
    inverse = _inverse(gram)
    coefficients = inverse @ gradient.overlaps @ inverse
    rest = _rest(gradient, gram)
    square = float(np.trace(coefficients @ own.passed)) + rest * own.slope_square
    turn = own.turned @ inverse
    blind = own.slopes - turn @ own.turned.T
    overlaps = turn @ gradient.overlaps @ turn.T + rest * blind / units
    return Gradient(np.asarray(square), overlaps, turn @ gradient.path)


def through_normalization(gradient: Gradient, after: Signal, *, scale: Array | float, centred: bool) -> Gradient:
    """Backward through y = (h - mean(h)) / size(h), mean and size over the units; `scale` = 1 / size^2.

    Removes the component of the gradient along y, and the one along 1 if `centred`.
    """
    if gradient.overlaps is None:
        return gradient.times(scale)
    gram = _gram(after)
    if centred:
        return Gradient(np.asarray(_rest(gradient, gram) * scale), np.zeros((2, 2)), np.zeros((2, 2)))
    turn = np.array([[0.0, 0.0], [-float(after.mean), 1.0]]) * np.sqrt(scale)
    square = (gradient.square - gradient.overlaps[0, 0] / float(after.second)) * scale
    return Gradient(np.maximum(square, 0.0), turn @ gradient.overlaps @ turn.T, turn @ gradient.path)


@dataclass(frozen=True)
class Block:
    """The signals of a residual block h' = h + scale x body(h)."""

    before: Signal
    body: Signal
    after: Signal
    scale: float
    units: int


def into_body(gradient: Gradient, block: Block) -> Gradient:
    """The gradient at the end of a block's body, from the gradient at the block's output."""
    square = block.scale**2 * gradient.square
    if gradient.overlaps is None:
        return Gradient(square)
    turn, blind, rest = _split(gradient, block)
    overlaps = turn @ gradient.overlaps @ turn.T
    overlaps[0, 0] += rest * blind / block.units
    return Gradient(square, block.scale**2 * overlaps)


def joined(gradient: Gradient, body: Gradient, block: Block) -> Gradient:
    """The gradient at a block's input: the sum of the gradients through the skip connection and through the body.

    Since the weights of the body are independent draws, the two are independent except along h and 1.
    """
    if gradient.overlaps is None or body.overlaps is None:
        return Gradient(gradient.square + body.square)
    scale, path = block.scale, body.path
    turn, blind, rest = _split(gradient, block)
    inverse = _inverse(_gram(block.after))
    skip = np.array([[_along_input(block), float(block.before.mean)], [float(block.after.mean), 1.0]]) @ inverse
    first = np.array([1.0, 0.0])
    noise = rest * blind / block.units
    at_body = turn @ gradient.overlaps @ turn.T + noise * np.outer(first, first)
    both = skip + scale * path @ turn
    lost = scale * (path - np.eye(2)) @ first
    overlaps = both @ gradient.overlaps @ both.T + noise * np.outer(lost, lost)
    overlaps = overlaps + body.overlaps - scale**2 * path @ at_body @ path.T
    common = scale * (skip @ gradient.overlaps @ turn.T - scale * noise * np.outer(first, first)) @ path.T
    cross = float(np.trace(_inverse(_gram(block.before)) @ common))
    square = gradient.square + body.square + 2.0 * cross
    return Gradient(np.maximum(square, 0.0), overlaps, both @ gradient.path)


def _split(gradient: Gradient, block: Block) -> tuple[Array, float, float]:
    """Matrix from overlaps with (h', 1) to (body, 1); the body's mean square along neither h' nor 1; E[r^2]."""
    gram = _gram(block.after)
    inverse = _inverse(gram)
    body, before = block.body, block.before
    with_output = float(before.mean * body.mean + block.scale * body.second)
    own = np.array([with_output, float(body.mean)])
    turn = np.array([own, [float(block.after.mean), 1.0]]) @ inverse
    return turn, max(0.0, float(body.second) - float(own @ inverse @ own)), _rest(gradient, gram)


def _along_input(block: Block) -> float:
    """E[h h']"""
    return float(block.before.second + block.scale * block.before.mean * block.body.mean)


def _gram(signal: Signal) -> Array:
    """[2, 2]: products of h and 1, averaged over the units."""
    return np.array([[float(signal.second), float(signal.mean)], [float(signal.mean), 1.0]])


def _inverse(gram: Array) -> Array:
    """Pseudo-inverse: if all units are equal or zero, h and 1 span only one direction or none."""
    size = np.sqrt(np.diag(gram))
    size = np.where(size > 0, size, 1.0)
    return np.asarray(np.linalg.pinv(gram / np.outer(size, size), rcond=1e-9, hermitian=True) / np.outer(size, size))


def _rest(gradient: Gradient, gram: Array) -> float:
    """E[r^2]: the mean square of the gradient's component along neither h nor 1."""
    assert gradient.overlaps is not None  # noqa: S101  # asked for only where they are followed
    return max(0.0, float(gradient.square) - float(np.trace(_inverse(gram) @ gradient.overlaps)))
