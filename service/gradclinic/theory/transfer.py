"""The effect of each kind of layer on the signal in the forward pass and on E[(dL/dh)^2] in the backward pass.

Assumptions: weights are independent draws, widths are large, and the gradient is independent of the weights
(Schoenholz et al. 2017, arXiv:1611.01232; batch norm: Yang et al. 2019, arXiv:1902.08129; residual: Yang and
Schoenholz 2017, arXiv:1712.08969; convolutions: Xiao et al. 2018, arXiv:1806.05393, here with exact zero padding).
"""

from collections.abc import Callable, Sequence

import numpy as np

from ..experiments.activations import Activation
from ..experiments.layers import Node
from ..experiments.layers.activation import ActivationLayer
from .closed_form import Array, NoClosedForm
from .gradient import Block, Gradient, into_body, joined, through_normalization, through_units, through_weights
from .moments import Overlaps, moments, overlaps, product_moment
from .signal import Signal, of_batch
from .start import Setting, bias_moments, weight_variance
from .windows import Windows, units_of

Backward = Callable[[Gradient], Gradient]
"""From dL/d(output) to dL/d(input)."""

SMALLEST_BATCH = 32
"""Smallest number of values per unit for which batch norm has its large-batch factor (with 8: +10 % for ReLU)."""


def through(nodes: Sequence[Node], signal: Signal, setting: Setting) -> tuple[Signal, Backward]:
    """The signal after all nodes, and their backward pass; raises NoClosedForm."""
    backs: list[Backward] = []
    for node in nodes:
        signal, back = step(node, signal, setting)
        backs.append(back)

    def backward(gradient: Gradient) -> Gradient:
        for back in reversed(backs):
            gradient = back(gradient)
        return gradient

    return signal, backward


def step(node: Node, signal: Signal, setting: Setting) -> tuple[Signal, Backward]:
    """The signal after one node, and its backward pass; raises NoClosedForm for kinds without a formula."""
    known = _KINDS.get(node.kind)
    if known is None:
        raise NoClosedForm(f"there is no closed form for {node.kind} ({node.name})")
    return known(node, signal, setting)


def _linear(node: Node, signal: Signal, setting: Setting) -> tuple[Signal, Backward]:
    weight = next(parameter for parameter in node.parameters if parameter.role == "weight")
    return _matrix(node, signal, setting, units=(weight.fan_in, weight.fan_out))


def _matrix(node: Node, signal: Signal, setting: Setting, *, units: tuple[int, int]) -> tuple[Signal, Backward]:
    gain = weight_variance(node, signal.second, setting)
    bias = bias_moments(node, setting)
    out = Signal(gain * signal.second + bias[0], np.full_like(signal.mean, bias[1]), gain * signal.shared + bias[0])
    if signal.batch is not None:
        out = of_batch(signal.batch.linear(gain, bias))
    return out, lambda gradient: through_weights(gradient, signal, out, gain=gain, units=units)


def _conv(node: Node, signal: Signal, setting: Setting) -> tuple[Signal, Backward]:
    if signal.second.ndim == 0:  # all positions are alike: the window acts as one matrix over the channels
        return _matrix(node, signal, setting, units=(units_of(node.in_shape), units_of(node.out_shape)))
    windows = Windows.of(node, signal.second.shape)
    gain = weight_variance(node, signal.second, setting) / windows.places
    bias = bias_moments(node, setting)
    second, shared = (gain * windows.summed(part) + bias[0] for part in (signal.second, signal.shared))
    back = gain * units_of(node.out_shape) / units_of(node.in_shape)
    uneven = gain * windows.uneven_means(signal.shared) if setting.batch_normalized else None
    return (
        Signal(second, np.full_like(second, bias[1]), shared, uneven),
        lambda gradient: Gradient(back * windows.spread_back(gradient.square)),
    )


def _activation(node: Node, signal: Signal, setting: Setting) -> tuple[Signal, Backward]:
    assert isinstance(node.layer, ActivationLayer)  # noqa: S101  # that is what this kind is
    activation = node.layer.activation
    if signal.batch is not None:
        passed = signal.batch.activated(activation, node.out_shape[-1])
        return of_batch(passed.batch), lambda gradient: Gradient(
            gradient.square * passed.slope, memory=gradient.memory * passed.kept, removed=passed.removed
        )
    out, slope = activated(activation, signal, alike=setting.batch_normalized)

    def back(gradient: Gradient) -> Gradient:
        if gradient.overlaps is None:
            return gradient.times(slope)
        own = overlaps(activation, float(signal.mean), float(signal.variance))
        return through_units(gradient, out, own, units=units_of(node.out_shape))

    return out, back


def activated(activation: Activation, signal: Signal, *, alike: bool) -> tuple[Signal, Array]:
    """The signal after an activation with a normal pre-activation, and E[phi'^2].

    `alike`: whether to follow the covariance of two samples (a second integral), or to assume that it is 0.
    """
    parts = (signal.mean, signal.variance, signal.covariance if alike else np.zeros_like(signal.variance))
    # Mirrored positions differ only by rounding, so each distinct value is integrated once.
    rounded = np.stack([_rounded(part.ravel()) for part in parts], axis=1)
    distinct, places = np.unique(rounded, axis=0, return_inverse=True)
    each = [moments(activation, mean, variance) for mean, variance, _ in distinct.tolist()]
    shared = [
        product_moment(activation, mean, variance, covariance) for mean, variance, covariance in distinct.tolist()
    ]

    def spread(values: list[float]) -> Array:
        return np.array(values)[places.ravel()].reshape(signal.second.shape)

    out = Signal(spread([own.second for own in each]), spread([own.mean for own in each]), spread(shared))
    return out, spread([own.slope for own in each])


def _rounded(values: Array) -> Array:
    """To nine significant digits, or ten just above a power of ten."""
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 10.0 ** np.floor(9 - np.log10(np.abs(values)))
        return np.where(
            (values == 0) | ~np.isfinite(digits) | (digits == 0), values, np.round(values * digits) / digits
        )


def _batch_norm(node: Node, signal: Signal, setting: Setting) -> tuple[Signal, Backward]:
    values = setting.batch_size * max(1, signal.second.size)
    if values < SMALLEST_BATCH:
        raise NoClosedForm(
            f"batch norm over {values} values ({node.name}) has no usable closed form;"
            f" it needs at least {SMALLEST_BATCH}"
        )
    eps = float(getattr(node.layer, "eps", 0.0))
    if signal.batch is not None:
        batch, factor = signal.batch.normalized(eps)
        units = node.out_shape[-1]

        def back(gradient: Gradient) -> Gradient:
            left = (1.0 - gradient.removed / batch.size) * max(0.0, 1.0 - (2.0 + 0.5 * gradient.memory) / units)
            return Gradient(gradient.square * factor * left, memory=gradient.memory + 2.0)

        return of_batch(batch), back
    common = np.sqrt(np.maximum(signal.shared, 0.0))
    uneven = (common - common.mean()) ** 2 if signal.uneven is None else signal.uneven
    own = np.maximum(signal.second - signal.shared, 0.0)
    variance = float((own + uneven).mean()) + eps
    if variance <= 0:
        raise NoClosedForm(f"{node.name} normalizes a constant signal")
    out = Signal((own + uneven) / variance, np.zeros_like(own), uneven / variance)
    return out, lambda gradient: gradient.times(1.0 / variance)


def _layer_norm(node: Node, signal: Signal, setting: Setting) -> tuple[Signal, Backward]:
    del setting
    each_step = signal.second.ndim == 1  # a sequence is normalized step by step, an image as a whole
    variance = signal.variance if each_step else np.asarray(signal.variance.mean())
    variance = variance + float(getattr(node.layer, "eps", 0.0))
    out = signal.scaled(1.0 / variance, centred=True)
    return out, lambda gradient: through_normalization(gradient, out, scale=1.0 / variance, centred=True)


def _rms_norm(node: Node, signal: Signal, setting: Setting) -> tuple[Signal, Backward]:
    del setting
    each_step = signal.second.ndim == 1
    square = signal.second if each_step else np.asarray(signal.second.mean())
    square = square + float(getattr(node.layer, "eps", 0.0))
    out = signal.scaled(1.0 / square, centred=False)
    return out, lambda gradient: through_normalization(gradient, out, scale=1.0 / square, centred=False)


def _dropout(node: Node, signal: Signal, setting: Setting) -> tuple[Signal, Backward]:
    del setting
    kept = 1.0 - float(getattr(node.layer, "p", 0.0))
    dropped = None if signal.batch is None else signal.batch.dropped(kept)
    out = Signal(signal.second / kept, signal.mean, signal.shared, batch=dropped)

    def back(gradient: Gradient) -> Gradient:
        if gradient.overlaps is None:
            return gradient.times(1.0 / kept)
        second, mean = float(signal.second), float(signal.mean)
        own = Overlaps(
            passed=np.array([[second / kept**2, mean / kept], [mean / kept, 1.0]]) / kept,
            turned=np.array([[second / kept, mean], [mean / kept, 1.0]]),
            slopes=np.array([[second, mean], [mean, 1.0]]) / kept,
        )
        return through_units(gradient, out, own, units=units_of(node.out_shape))

    return out, back


def _flatten(_: Node, signal: Signal, setting: Setting) -> tuple[Signal, Backward]:
    del setting
    shape = signal.second.shape
    second, mean, shared = (np.asarray(part.mean()) for part in (signal.second, signal.mean, signal.shared))
    out = Signal(second, mean, shared, batch=signal.batch)
    return out, lambda gradient: Gradient(np.broadcast_to(gradient.square, shape))


def _residual(node: Node, signal: Signal, setting: Setting) -> tuple[Signal, Backward]:
    if getattr(node.layer, "shortcut", "identity") != "identity":
        raise NoClosedForm(f"there is no closed form for a projected shortcut ({node.name})")
    scale = float(getattr(node.layer, "scale", 1.0))
    branch, back = through(node.children, signal, setting)
    block = Block(signal, branch, signal.plus(branch, scale), scale, units_of(node.out_shape))
    return block.after, lambda gradient: joined(gradient, back(into_body(gradient, block)), block)


_KINDS: dict[str, Callable[[Node, Signal, Setting], tuple[Signal, Backward]]] = {
    "linear": _linear,
    "conv1d": _conv,
    "conv2d": _conv,
    "activation": _activation,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "dropout": _dropout,
    "flatten": _flatten,
    "residual": _residual,
}
