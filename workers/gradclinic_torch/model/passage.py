"""One call of one module in a forward pass, as a recording sees it, and the order of such calls."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .graph import Links, Node, number_of
from .hooks import Key, first_tensor


@dataclass
class Passage:
    """One call of one module."""

    key: Key
    module: nn.Module
    entry: Node | None
    """Where its input stood in the autograd graph, before anything changed it in place."""
    output: Tensor
    leave: Node | None
    version: int
    value: Tensor
    """The output as it was made: a copy where it may be changed in place, and memory is not scarce."""
    is_copy: bool = True
    gradients: list[Tensor] = field(default_factory=list)
    weighted: bool = False
    """Whether it multiplies its input by its own matrix."""
    attention: Tensor | None = None
    """[2]: largest logit and entropy (see `of_attention`) of the attentions that it computes outside of its parts."""
    again: Node | None = None
    """Of what a checkpoint computes again in backward: the checkpoint's own node."""

    @property
    def changed(self) -> bool:
        """Whether its output was changed in place later."""
        return self.output._version != self.version

    @property
    def is_lost(self) -> bool:
        """Whether its output is no longer known."""
        whole = next(self.module.children(), None) is not None
        return self.changed and not self.is_copy and not whole


def state_of(module: nn.Module, output: Any) -> Tensor | None:
    """The tensor that a module outputs: of an LSTM cell the memory, c; of several from a container the first."""
    if isinstance(module, nn.LSTMCell) and isinstance(output, tuple):
        output = output[1]
    elif isinstance(output, tuple) and next(module.children(), None) is not None:
        output = first_tensor(output)
    return output if isinstance(output, Tensor) else None


def node_of(tensor: Tensor | None) -> Node | None:
    """Where a tensor stands in the autograd graph, be it where that begins; None if it receives no gradient."""
    if tensor is None or not tensor.requires_grad:
        return None
    return torch.autograd.graph.get_gradient_edge(tensor).node


def checkpoint_node() -> Node | None:
    """The node whose backward runs a forward pass again right now; None in a forward pass."""
    return torch._C._current_autograd_node()


def is_computed_again() -> bool:
    """Whether a checkpoint computes something again right now, in backward."""
    return checkpoint_node() is not None


def in_forward_order(passages: Sequence[Passage]) -> list[Passage]:
    """The calls as the network has them: backward computes the parts of a checkpointed one again, the last first."""
    places = [number_of(each.again if each.again is not None else each.leave) for each in passages]
    if None in places or all(each.again is None for each in passages):
        return list(passages)
    order = sorted(range(len(passages)), key=lambda index: (places[index], index))
    return [passages[index] for index in order]


def links_of(passages: Sequence[Passage]) -> Links:
    """How what checkpoints compute again, each part in a graph of its own, hangs together with the rest.

    A part ends with its last call. If a module's output is a checkpoint's as it is, that module is a block, and what is
    inside is no part of the depth.
    """
    whole = {each.leave for each in passages}
    links: dict[Node, Sequence[Node]] = {}
    for each in passages:
        if each.again is not None and each.again not in whole and each.leave is not None:
            below = [node for node, _ in each.again.next_functions if node is not None]
            links[each.again] = [each.leave]  # at last that of the last call, which ends the part
            if each.entry is not None and not each.entry.next_functions:
                links[each.entry] = below
    return links
