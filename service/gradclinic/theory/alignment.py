"""The part of the gradient that points along the signal itself, which a skip connection makes grow faster.

Layers of ReLU's kind without biases are positively homogeneous: f(c h) = c f(h). So dL/dh . h = dL/df . f is the
same at every depth (Euler), and the gradient's component along h grows backward exactly as h shrinks. In a plain
network that is the rate of all the rest; with skip connections the signal's unit mean adds up from block to block,
h grows faster than mean-field theory's independent weights have the gradient grow, and that component takes over.
"""

import numpy as np

from ..activations import Activation
from ..experiment import Experiment
from ..initializations import scheme_named
from ..layers import Node
from ..layers.activation import ActivationLayer
from ..lowering import Network
from .signal import Array
from .transfer import NoClosedForm, Setting, scheme_of

DRAWS = 4096
"""Draws of the outputs that the share is averaged over; their own generator makes the result the same every time."""


def with_aligned_part(squares: Array, sizes: Array, *, share: float) -> Array:
    """[L]: mean square gradients, 1 at the last site, of which there `share` points along the signal.

    `sizes`: second moment of the signal, after the activation where one follows the site (it passes h unchanged).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = np.where(sizes > 0, sizes[-1] / sizes, 0.0)
    return np.asarray((1.0 - share) * squares + share * grown) if share > 0 else squares


def aligned_share(experiment: Experiment, network: Network, *, last: int, second: float) -> float:
    """Share of |dL/dh|^2 along h at the last site; 0 where nothing in the network makes that matter.

    E[(sum_k delta_k f_k)^2] / (v E[sum_k delta_k^2] N), for outputs f ~ N(0, v) and delta = dL/df. Source: gradclinic.
    """
    skips = [node for node in network.nodes[: last + 1] if node.kind == "residual"]
    if not skips:
        return 0.0
    kinds = {inner.kind for node in skips for inner in node.walk()}
    if kinds & {"batch_norm", "layer_norm", "rms_norm"}:
        return 0.0  # a normalized branch does not grow with the signal
    activations = [
        inner.layer.activation for node in skips for inner in node.walk() if isinstance(inner.layer, ActivationLayer)
    ]
    if all(_even_slope(activation) for activation in activations):
        return 0.0  # the branch's weights and slopes are then uncorrelated
    if not all(_homogeneous(activation) for activation in activations) or _biased(network, experiment, last=last):
        raise NoClosedForm(
            "there is no closed form for skip connections around activations that are neither odd nor of ReLU's kind,"
            " or around biases that are not zero"
        )
    readout = network.nodes[-1]
    if readout.kind != "linear" or len(network.nodes[last].out_shape) != 1:
        return 0.0
    scheme = scheme_of(readout, Setting(scheme_named(experiment.model.initialization.readout), 1))
    weight = next(parameter for parameter in readout.parameters if parameter.role == "weight")
    variance = scheme.weight_variance(weight.fan_in, weight.fan_out) * second
    classification = experiment.data.task == "classification"
    return min(1.0, _output_share(variance, network.outputs, classification=classification) / weight.fan_in)


def _output_share(variance: float, outputs: int, *, classification: bool) -> float:
    """E[(sum delta f)^2] / (v E[sum delta^2]): how far the loss's gradient points along the outputs."""
    generator = np.random.default_rng(0)
    f = generator.standard_normal((DRAWS, outputs)) * np.sqrt(variance)
    if classification:
        shifted = np.exp(f - f.max(axis=1, keepdims=True))
        delta = shifted / shifted.sum(axis=1, keepdims=True)
        delta[np.arange(DRAWS), generator.integers(outputs, size=DRAWS)] -= 1.0
    else:
        delta = f - generator.standard_normal((DRAWS, outputs))
    along = ((delta * f).sum(axis=1) ** 2).mean()
    return float(along / max(variance * (delta**2).sum(axis=1).mean(), 1e-300))


_PLACES = np.array([0.1, 0.5, 1.0, 2.0, 3.0])


def _even_slope(activation: Activation) -> bool:
    """Whether phi'(z) = phi'(-z): then E[w phi'(w . h)] = 0."""
    return bool(np.allclose(activation.derivative(_PLACES), activation.derivative(-_PLACES), atol=1e-6))


def _homogeneous(activation: Activation) -> bool:
    """Whether phi(c z) = c phi(z) for c > 0."""
    both = np.concatenate([-_PLACES, _PLACES])
    return bool(np.allclose(activation.value(2.0 * both), 2.0 * activation.value(both)))


def _biased(network: Network, experiment: Experiment, *, last: int) -> bool:
    setting = Setting(experiment.model.initialization, 1)

    def biased(node: Node) -> bool:
        bias = next((parameter for parameter in node.parameters if parameter.role == "bias"), None)
        return bias is not None and scheme_of(node, setting).bias_variance(bias.fan_in) > 0

    return any(biased(inner) for node in network.nodes[: last + 1] for inner in node.walk())
