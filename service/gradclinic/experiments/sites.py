"""Where in a network gradients are measured.

Depth is judged by the gradient of activations, not of weights: for ReLU networks at any gain the
weight-gradient profile is flat while the activations' gradient falls by decades.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from .activations import Activation
from .layers import Node
from .layers.activation import ActivationLayer
from .layers.recurrent import Recurrent

SiteKind = Literal["pre_activation", "block_output", "state"]


@dataclass(frozen=True)
class Site:
    """One place whose gradient, and whose activation, is recorded.

    `pre_activation`: what a weighted layer (and the norm after it) hands to its activation.
    `block_output`: the output of a residual or transformer block.
    `state`: the state of a recurrent layer after one time step (of an LSTM its cell's).
    """

    name: str
    """The layer that owns the site."""
    kind: SiteKind
    tap: str
    """The node whose output is the site's tensor."""
    in_profile: bool
    """Whether it counts for the profile over depth; sites inside a block do not, and the readout never."""
    unit_axis: int
    """Axis of the tensor (batch is 0) that counts units."""
    activation: Activation | None = None
    """The nonlinearity that takes the site's tensor, where there is one."""
    output: str | None = None
    """The node whose output is phi(site), where there is an activation."""
    group: str = ""
    """The recurrent layer that a state belongs to, since stacked recurrent layers are judged one by one."""
    before: str | None = None
    """What is tapped as the argument of `activation`, where that is not the tensor itself (a state of a plain cell)."""


def find_sites(nodes: Sequence[Node]) -> tuple[Site, ...]:
    """The sites of a lowered network, in forward order, the readout left out."""
    weighted = [node.name for top in nodes for node in top.walk() if node.weighted]
    readout = weighted[-1] if weighted else None
    return tuple(_sites_of(nodes, readout=readout, in_profile=True))


def count_states(nodes: Sequence[Node]) -> int:
    """How many sites the recurrent layers alone make, counted without making them."""
    return sum(node.in_shape[0] for top in nodes for node in top.walk() if isinstance(node.layer, Recurrent))


def _sites_of(nodes: Sequence[Node], *, readout: str | None, in_profile: bool) -> Iterator[Site]:
    for index, node in enumerate(nodes):
        if node.children:
            yield from _sites_of(node.children, readout=readout, in_profile=False)
            if not any(inner.name == readout for inner in node.walk()):
                yield Site(node.name, "block_output", node.name, in_profile, _unit_axis(node))
        elif isinstance(node.layer, Recurrent):
            yield from _states(node, node.layer, in_profile=in_profile)
        elif node.weighted and node.name != readout:
            yield _pre_activation(nodes, index, in_profile=in_profile)


def _unit_axis(node: Node) -> int:
    """Images are channels first; everything else has its units last."""
    return 1 if len(node.out_shape) == 3 else -1


def _states(node: Node, layer: Recurrent, *, in_profile: bool) -> Iterator[Site]:
    activation = layer.activation()
    for step in range(node.in_shape[0]):
        name = f"{node.name}.t{step}"
        yield Site(
            name=name,
            kind="state",
            tap=name,
            in_profile=in_profile,
            unit_axis=-1,
            activation=activation,
            output=name if activation else None,
            group=node.name,
            before=f"{name}.z" if activation else None,
        )


def _pre_activation(nodes: Sequence[Node], index: int, *, in_profile: bool) -> Site:
    owner, tap = nodes[index], nodes[index]
    following = nodes[index + 1 :]
    while following and following[0].layer.is_norm:
        tap, following = following[0], following[1:]
    activation, output = None, None
    if following and isinstance(following[0].layer, ActivationLayer):
        activation, output = following[0].layer.activation, following[0].name
    return Site(owner.name, "pre_activation", tap.name, in_profile, _unit_axis(owner), activation, output)
