"""A plain recurrent layer: time is the depth, and one draw of the weights serves all steps."""

from dataclasses import dataclass

import numpy as np

from ..layers import Node
from .moments import moments
from .signal import Array, NoClosedForm, Signal
from .transfer import Setting, scheme_of


@dataclass(frozen=True)
class States:
    """A recurrent layer's states over time, t = 0 ... T - 1."""

    q: Array
    """[T]: second moment of the pre-activation."""
    factor: Array
    """[T - 1]: E[(dL/dh_t)^2] over E[(dL/dh_{t+1})^2] = s_w^2 E[phi'(z_{t+1})^2]."""


def unrolled(node: Node, signal: Signal, setting: Setting) -> States:
    """q_t = s_w^2 E[h_{t-1}^2] + s_u^2 E[x_t^2], from h = 0; raises NoClosedForm for gated cells.

    The weights are reused, which mean-field theory ignores. Source: Chen, Pennington and Schoenholz 2018,
    arXiv:1806.05394.
    """
    layer = node.layer
    activation = layer.activation() if hasattr(layer, "activation") else None
    if activation is None:
        raise NoClosedForm(f"there is no usable closed form for the gated cells of {node.name}")
    weights = {parameter.role: parameter for parameter in node.parameters if parameter.multiplies}
    scheme = scheme_of(node, setting)
    recurrent = scheme.weight_variance(weights["weight"].fan_in, weights["weight"].fan_out)
    if scheme.distribution == "lsuv":
        raise NoClosedForm(f"there is no closed form for {node.name} started by lsuv")
    q, slopes, state = [], [], 0.0
    for second in signal.second.ravel().tolist():
        q.append(recurrent * state + scheme.input_gain**2 * second)
        own = moments(activation, 0.0, q[-1])
        slopes.append(own.slope)
        state = own.second
    return States(np.array(q), recurrent * np.array(slopes[1:]))
