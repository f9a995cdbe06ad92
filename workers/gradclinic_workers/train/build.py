"""Builds a torch module from the lowered tree by interpreting `Call`s."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from gradclinic.experiments.layers import Node
from gradclinic.experiments.optimizers import Optimizer
from gradclinic.kernel.calls import Call

from . import blocks

_NAMESPACES = {"nn": nn, "blocks": blocks, "optim": torch.optim}
_IN_ITS_PLACE: dict[type, type] = {nn.RReLU: blocks.RReLU}
"""Replacements for torch layers that do not support all precisions."""


def target(call: Call) -> Any:
    """The class that a call names, from torch.nn, torch.optim or our own blocks."""
    namespace, _, name = call.target.partition(".")
    found = getattr(_NAMESPACES[namespace], name)
    return _IN_ITS_PLACE.get(found, found)


def construct(call: Call) -> nn.Module:
    """The module that a call names, made with its arguments."""
    module: nn.Module = target(call)(*call.args, **call.kwargs)
    return module


def build(nodes: Iterable[Node]) -> blocks.Sequence:
    """The network as a torch module, on the CPU, with torch's own initial weights."""
    return blocks.Sequence({node.name: _module(node) for node in nodes})


def _module(node: Node) -> nn.Module:
    call = node.call
    first = (build(node.children),) if node.children else ()
    module: nn.Module = target(call)(*first, *call.args, **call.kwargs)
    if isinstance(module, blocks.Recurrent):
        module.name = node.name
    return module


def build_optimizer(optimizer: Optimizer, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The torch optimizer for `parameters`, with the fused kernel if torch has one."""
    call = optimizer.call()
    cls = target(call)
    kwargs = dict(call.kwargs)
    if cls in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad):
        kwargs["fused"] = True
    built: torch.optim.Optimizer = cls(list(parameters), **kwargs)
    return built
