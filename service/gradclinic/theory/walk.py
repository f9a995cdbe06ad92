"""Through a network's nodes to its last site and back, and what its skip connections add where it convolves."""

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
"""Decades of doubt at a batch norm over t: half of what the first order in t changes there."""
PIXELS, UNEVEN = 0.06, 0.2
"""Parts by which the factor of a batch norm over pixels may be off: always, and times the share of the variance that is
there because a unit's mean differs at the border. Measured on 8 x 8 pixels, 16 to 64 channels: ReLU, tanh and ELU 6.6 %
at most and 2.5 % in root mean square, the most at the first; sigmoid 14.5 % at most.
"""
COHERENT_DOUBT = 0.35
"""Share of `coherent`'s change of a factor that it may be wrong by (ReLU, SiLU, 32 and 64 channels: 0.35 at most)."""


@dataclass(frozen=True)
class Walk:
    """The way forward to the last site: at each site q and doubt, the steps back, and what follows the last site."""

    q: Array
    """[L]"""
    doubts: Array
    """[L]: decades, of the factor from each site to the next."""
    backs: tuple[tuple[bool, Backward], ...]
    """Whether the node is a site, and its way back."""
    signal: Signal
    """At the last site."""
    following: Sequence[Node]

    def back(self, gradient: Gradient) -> Array:
        """[L]: mean square of the gradient at each site over that at the last, from the gradient there."""
        squares = []
        for site, back in reversed(self.backs):
            if site:
                squares.append(float(gradient.square.mean()))
            gradient = back(gradient)
        return np.array(squares[::-1]) / squares[0]


def walk(nodes: Sequence[Node], taps: Sequence[str], signal: Signal, setting: Setting) -> Walk:
    """Through the nodes up to the last of the taps; raises NoClosedForm."""
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
    """The signal after an embedding: its table's own variance, whatever the symbols are."""
    if node.kind != "embedding":
        return None
    table = next(parameter for parameter in node.parameters if parameter.role == "table")
    return uniform(node.out_shape[:-1], second=table.deviation**2), lambda gradient: gradient


def at_last_site(experiment: "Experiment", network: Network, there: Walk, setting: Setting) -> Gradient:
    """The gradient that the loss sends back to the last site, up to a factor."""
    skips = any(node.kind == "residual" for node in network.walk())  # else the coherent part stays one in n
    between = [node for node in there.following[:-1] if node.kind != "global_avg_pool"]
    flat = there.signal.second.ndim == 0
    if not (skips and flat and there.following and there.following[-1].kind == "linear"):
        return Gradient(np.ones_like(there.signal.second))
    signal, back = through(between, there.signal, setting)
    return back(at_readout(experiment, there.following[-1], signal))


def coherent(
    experiment: "Experiment", network: Network, taps: Sequence[str], signal: Signal, setting: Setting
) -> Array | None:
    """[L]: by how much skip connections around convolutions make the gradient's square larger than an isotropic one's.

    gradient.py, with all positions of an image taken as alike: its channels are the units then, and a convolution is a
    matrix. A gradient that comes back from a global average pool is alike at all positions, and so are, nearly, the
    activations' means. None where there is nothing to follow: no skip, no such pool, or batch norms, which take the
    means away.
    """
    kinds = {node.kind for node in network.walk()}
    if signal.second.ndim == 0 or not {"residual", "global_avg_pool"} <= kinds or "batch_norm" in kinds:
        return None
    second, mean, shared = (np.asarray(part.mean()) for part in (signal.second, signal.mean, signal.shared))
    try:
        there = walk(network.nodes, taps, Signal(second, mean, shared), setting)
        gradient = at_last_site(experiment, network, there, setting)
    except NoClosedForm:  # of what follows the last site
        return None
    return there.back(gradient) / there.back(Gradient(np.asarray(1.0)))
