"""Forward pass through a network to its last site and back, and the correction for skips around convolutions."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log10
from typing import TYPE_CHECKING, Any

import numpy as np

from ..experiments.layers import Node
from ..experiments.lowering import Network
from .closed_form import Array, NoClosedForm
from .gradient import Gradient
from .loss import at_readout
from .signal import Signal, uniform
from .start import Setting
from .transfer import Backward, step, through

if TYPE_CHECKING:
    from ..experiments.experiment import Experiment

_DOUBT = 0.5 / log(10.0)
"""Uncertainty at a batch norm divided by t, in orders of magnitude: half of the change of first order in t."""
PIXELS, UNEVEN = 0.06, 0.2
"""Relative error of the factor of a batch norm over pixels: a constant part, and a part proportional to the fraction of
the variance that exists because a unit's mean differs at the border. Measured on 8 x 8 pixels with 16 to 64 channels:
ReLU, tanh and ELU at most 6.6 % (2.5 % in root mean square), largest at the first; sigmoid at most 14.5 %.
"""
COHERENT_DOUBT = 0.35
"""Relative error of the correction by `coherent` (ReLU, SiLU, 32 and 64 channels: at most 0.35)."""


@dataclass(frozen=True)
class Walk:
    """The forward pass to the last site: q and uncertainty at each of L sites, and the steps of the backward pass."""

    q: Array
    """[L]"""
    doubts: Array
    """[L]: uncertainty of the factor from each site to the next, in orders of magnitude."""
    backs: tuple[tuple[bool, Backward], ...]
    """For each node: whether it is a site, and its backward pass."""
    signal: Signal
    """At the last site."""
    following: Sequence[Node]

    def back(self, gradient: Gradient) -> Array:
        """[L]: mean square of the gradient at each site divided by that at the last, from the gradient at the last."""
        squares = []
        for site, back in reversed(self.backs):
            if site:
                squares.append(float(gradient.square.mean()))
            gradient = back(gradient)
        return np.array(squares[::-1]) / squares[0]


def walk(nodes: Sequence[Node], taps: Sequence[str], signal: Signal, setting: Setting) -> Walk:
    """Forward through the nodes to the last of the taps; raises NoClosedForm."""
    last = next(index for index, node in enumerate(nodes) if node.name == taps[-1])
    q, backs, doubts, doubt = [], [], [], 0.0
    for node in nodes[: last + 1]:
        signal, back = embedded(node) or step(node, signal, setting)
        if not np.isfinite(signal.second).all():
            raise NoClosedForm(f"the signal overflows at {node.name}")
        if signal.batch is not None:
            doubt += _DOUBT * signal.batch.spread
        elif node.kind == "batch_norm":
            doubt += log10(1.0 + PIXELS + UNEVEN * float(signal.shared.mean()))
        if node.name in taps:
            q.append(float(signal.second.mean()))
            doubts.append(doubt)
            doubt = 0.0
        backs.append((node.name in taps, back))
    return Walk(np.array(q), np.array([*doubts[1:], 0.0]), tuple(backs), signal, nodes[last + 1 :])


def embedded(node: Node) -> tuple[Signal, Any] | None:
    """The signal after an embedding: the variance of its table, independent of the symbols."""
    if node.kind != "embedding":
        return None
    table = next(parameter for parameter in node.parameters if parameter.role == "table")
    return uniform(node.out_shape[:-1], second=table.deviation**2), lambda gradient: gradient


def at_last_site(experiment: "Experiment", network: Network, there: Walk, setting: Setting) -> Gradient:
    """The gradient of the loss at the last site, up to a factor."""
    skips = any(node.kind == "residual" for node in network.walk())  # otherwise the coherent part stays at 1 / n
    between = [node for node in there.following[:-1] if node.kind != "global_avg_pool"]
    flat = there.signal.second.ndim == 0
    if not (skips and flat and there.following and there.following[-1].kind == "linear"):
        return Gradient(np.ones_like(there.signal.second))
    signal, back = through(between, there.signal, setting)
    return back(at_readout(experiment, there.following[-1], signal))


def coherent(
    experiment: "Experiment", network: Network, taps: Sequence[str], signal: Signal, setting: Setting
) -> Array | None:
    """[L]: factor by which skip connections around convolutions increase the gradient's square over an isotropic one's.

    Applies gradient.py with all positions of an image treated alike: channels are the units, and a convolution is a
    matrix. The gradient after a global average pool is the same at all positions, and the means of the activations
    nearly are. None if there is nothing to follow: no skip, no such pool, or batch norms, which remove the means.
    """
    kinds = {node.kind for node in network.walk()}
    if signal.second.ndim == 0 or not {"residual", "global_avg_pool"} <= kinds or "batch_norm" in kinds:
        return None
    second, mean, shared = (np.asarray(part.mean()) for part in (signal.second, signal.mean, signal.shared))
    try:
        there = walk(network.nodes, taps, Signal(second, mean, shared), setting)
        gradient = at_last_site(experiment, network, there, setting)
    except NoClosedForm:  # for the layers after the last site
        return None
    return there.back(gradient) / there.back(Gradient(np.asarray(1.0)))
