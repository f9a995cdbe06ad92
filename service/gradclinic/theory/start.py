"""The initial moments of an experiment's weights and biases."""

from dataclasses import dataclass

from ..experiments.initializations import Initialization
from ..experiments.layers import Node
from .closed_form import Array


@dataclass(frozen=True)
class Setting:
    """The properties of the experiment that the layers need."""

    initialization: Initialization
    batch_size: int
    batch_normalized: bool = False
    """Whether the network contains batch norm: only then the correlation of samples matters."""
    zeroed: frozenset[str] = frozenset()
    """Layers whose weights are initialized to zero (the last of each residual body)."""


def weight_variance(node: Node, second: Array, setting: Setting) -> float:
    """s_w^2 = fan_in Var(W) of a layer's weights."""
    if node.name in setting.zeroed:
        return 0.0
    weight = next(parameter for parameter in node.parameters if parameter.role == "weight")
    scheme = scheme_of(node, setting)
    if scheme.distribution == "lsuv":  # scaled until the layer's output has unit variance on the data
        return scheme.gain**2 / max(float(second.mean()), 1e-300)
    return scheme.weight_variance(weight.fan_in, weight.fan_out)


def scheme_of(node: Node, setting: Setting) -> Initialization:
    """The initialization of a layer: its own, or the model's."""
    own = getattr(node.layer, "initialization", None)
    return own if isinstance(own, Initialization) else setting.initialization


def bias_moments(node: Node, setting: Setting) -> tuple[float, float]:
    """E[b^2] and E[b] of a layer's biases."""
    bias = next((parameter for parameter in node.parameters if parameter.role == "bias"), None)
    if bias is None:
        return 0.0, 0.0
    scheme = scheme_of(node, setting)
    return scheme.bias_variance(bias.fan_in), scheme.bias or 0.0
