"""A plain recurrent layer: depth is time, and all steps share one draw of the weights.

The size of the states depends on the inputs of each sample, and over T steps the mean of a product of factors differs
from the product of their means. So each sample is followed separately. With one size for all samples, the factor of a
step is wrong by 1 % for rows of 8 pixels and by 8 % for single values (tanh, gain 0.7). Followed separately, the
remaining difference is the standard error of a few dozen draws (0.3 % for the rows, 1.5 % for single values).

The reuse of weights is neglected (as by Chen, Pennington and Schoenholz 2018, arXiv:1806.05394). Its effect
accumulates: a step's factor is wrong by up to REUSED / width, and the deviation of one draw grows with T instead of
sqrt(T).
"""

from dataclasses import dataclass

import numpy as np

from ..experiments.activations import Activation
from ..experiments.layers import Node
from .closed_form import Array, NoClosedForm
from .moments import moments
from .start import Setting, scheme_of

GRID = 64
"""Grid points per factor of 10 in size at which an activation's averages are integrated. Linear interpolation of the
logarithms between them is accurate to 5e-5."""
REUSED = 3.0
"""Multiplied by 1 / width: the possible error of a step's factor due to reused weights. Measured for tanh, widths 64
and 128, 14 steps of four data sets: 0.6 in root mean square and at most 2.1 at gains 0.5 to 1.5, up to 3.9 at gain 3.
"""


@dataclass(frozen=True)
class States:
    """The states of a recurrent layer over time, t = 0 ... T - 1; means over the samples."""

    q: Array
    """[T]: second moment of the pre-activation."""
    squares: Array
    """[T]: E[(dL/dh_t)^2] over E[(dL/dh_{T-1})^2]."""


def unrolled(node: Node, sizes: Array, setting: Setting) -> States:
    """States for inputs of sizes [samples, T], E[x^2] over the features; raises NoClosedForm for gated cells.

    q_t = s_w^2 E[h_{t-1}^2] + s_u^2 E[x_t^2] from h = 0, and chi_t = s_w^2 E[phi'(z_t)^2], for each sample.
    """
    layer = node.layer
    activation = layer.activation() if hasattr(layer, "activation") else None
    if activation is None:
        raise NoClosedForm(f"there is no usable closed form for the gated cells of {node.name}")
    weights = {parameter.role: parameter for parameter in node.parameters if parameter.multiplies}
    scheme = scheme_of(node, setting)
    recurrent = scheme.weight_variance(weights["weight"].fan_in, weights["weight"].fan_out)
    if scheme.distribution == "lsuv":
        raise NoClosedForm(f"there is no closed form for {node.name} with lsuv initialization")
    q, chi, state = [], [], np.zeros(len(sizes))
    for driven in scheme.input_gain**2 * sizes.T:
        variance = recurrent * state + driven
        state, slope = _averages(activation, variance)
        q.append(float(variance.mean()))
        chi.append(recurrent * slope)
    back, squares = np.ones(len(sizes)), [1.0]
    for factor in reversed(chi[1:]):
        back = back * factor
        squares.append(float(back.mean()))
    return States(np.array(q), np.array(squares[::-1]))


def _averages(activation: Activation, variance: Array) -> tuple[Array, Array]:
    """E[phi^2] and E[phi'^2] for each variance of a normal pre-activation with mean 0."""
    if not np.isfinite(variance).all():
        raise NoClosedForm("the states overflow")
    place = GRID * np.log10(np.maximum(variance, 1e-30))
    below = np.floor(place).astype(np.int64)
    needed = np.unique(np.concatenate([below, below + 1]))
    each = [moments(activation, 0.0, 10.0 ** (at / GRID)) for at in needed.tolist()]

    def between(values: list[float]) -> Array:
        return np.asarray(np.exp(np.interp(place, needed, np.log(np.maximum(values, 1e-300)))))

    return between([own.second for own in each]), between([own.slope for own in each])
