"""The sites of a network. A site is a layer output whose gradient is measured.

Gradient decay over depth is measured on activations, not on weights. In a ReLU network with any gain, the weight
gradients stay at the same level while the activation gradients shrink by orders of magnitude.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from .activations import Activation
from .layers import Node
from .layers.activation import ActivationLayer
from .layers.recurrent import Recurrent

SiteKind = Literal["pre_activation", "block_output", "state", "attention"]


@dataclass(frozen=True)
class Site:
    """A layer output whose gradient and activation are recorded.

    `pre_activation`: the output of a weighted layer (and of the norm after it), before its activation.
    `block_output`: the output of a residual or transformer block.
    `state`: the state of a recurrent layer after one time step (for an LSTM the cell state).
    `attention`: the output of a module that computes an attention, in a recording; it is not part of the depth.
    """

    name: str
    """The layer that the site belongs to."""
    kind: SiteKind
    tap: str
    """The node whose output is measured."""
    in_profile: bool
    """Whether the site is part of the profile over depth. Sites inside a block and the readout are not."""
    unit_axis: int
    """Axis of the tensor that indexes units (batch is axis 0)."""
    activation: Activation | None = None
    """The activation applied to the tensor, if any."""
    output: str | None = None
    """The node whose output is phi(site), if there is an activation."""
    group: str = ""
    """The recurrent layer that a state belongs to; stacked recurrent layers are diagnosed separately."""
    before: str | None = None
    """The tensor recorded as input of `activation`, if it is not the site itself (a state of a plain cell)."""


def find_sites(nodes: Sequence[Node]) -> tuple[Site, ...]:
    """The sites of a lowered network in forward order, without the readout."""
    weighted = [node.name for top in nodes for node in top.walk() if node.weighted]
    readout = weighted[-1] if weighted else None
    return tuple(_sites_of(nodes, readout=readout, in_profile=True))


def count_states(nodes: Sequence[Node]) -> int:
    """Number of sites in the recurrent layers, computed without creating them."""
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
    """Images are channels-first; everything else has units on the last axis."""
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
