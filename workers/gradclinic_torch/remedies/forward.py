"""What a model's modules do with one batch: in which order they are called, and what their outputs go into."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.experiments.activations import Activation
from gradclinic.experiments.activations.identity import Identity

from ..model.graph import Node, consumers_of
from ..model.module_kinds import activation_of_module, activation_of_node
from .loop import Loop

Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d
"""A layer that remedies initialize, and behind which they put norms."""
Ending = nn.Softmax | nn.LogSoftmax
"""A module that, like an activation, may stand behind the readout."""


@dataclass(frozen=True)
class Called:
    """One call of a layer with weights, or of an activation."""

    module: nn.Module
    given: object
    """Its first argument."""
    output: Tensor
    activation: Activation | None
    """The activation that it is; None for a layer, and behind the readout also for a softmax."""


@dataclass(frozen=True)
class Forward:
    """The calls of one forward pass, in order."""

    calls: tuple[Called, ...]
    consumers: Mapping[Node, Sequence[Node]]
    """For each node under the loss in the autograd graph: the nodes that use its output."""

    def layers(self) -> list[Layer]:
        """The layers in the order of their last calls, each once; the last one is the readout."""
        called = [call.module for call in self.calls if isinstance(call.module, Layer)]
        return list(dict.fromkeys(reversed(called)))[::-1]

    def activations(self) -> dict[nn.Module, Activation]:
        """The activation modules that are called before the readout."""
        before = self.calls[: self._readout()]
        return {call.module: call.activation for call in before if call.activation is not None}

    def endings(self) -> list[nn.Module]:
        """The activation modules that are called behind the readout."""
        return list(dict.fromkeys(call.module for call in self.calls[self._readout() + 1 :]))

    def _readout(self) -> int:
        """The number of the last call of a layer; -1 if there is none."""
        return max((index for index, call in enumerate(self.calls) if isinstance(call.module, Layer)), default=-1)

    def functions(self) -> int:
        """The number of activations that are not modules, but functions that some `forward` calls."""
        own = {call.output.grad_fn for call in self.calls if call.activation is not None}
        return sum(activation_of_node(node) is not None and node not in own for node in self.consumers)

    def before_activation(self) -> dict[Layer, Tensor]:
        """The layers whose output an activation takes, and nothing in between, with that output."""
        taken = {id(call.given) for call in self.calls if call.activation is not None}
        return {
            call.module: call.output
            for call in self.calls
            if isinstance(call.module, Layer) and (id(call.output) in taken or self._goes_into_activation(call.output))
        }

    def _goes_into_activation(self, output: Tensor) -> bool:
        """Whether an activation, a module or a function, uses an output."""
        return any(activation_of_node(node) is not None for node in self.consumers.get(output.grad_fn, ()))


def _activation(module: nn.Module, given: object, output: Tensor) -> Activation | None:
    """The activation of torch that a module is, or that is all that a module of another library does."""
    found = activation_of_module(module)
    if found is None and isinstance(given, Tensor) and not isinstance(module, Layer | Ending):
        computes = output.grad_fn is not None and output.grad_fn is not given.grad_fn and output.shape == given.shape
        if computes and next(module.parameters(), None) is None:
            found = activation_of_node(output.grad_fn)
    return None if isinstance(found, Identity) else found


def forward_of(loop: Loop) -> Forward:
    """A forward pass of the loop's batch in evaluation mode, which leaves the model as it was."""
    calls: list[Called] = []

    def note(module: nn.Module, given: tuple[Any, ...], output: object) -> None:
        if isinstance(output, Tensor):
            first = given[0] if given else None
            activation = _activation(module, first, output)
            if activation is not None or isinstance(module, Layer | Ending):
                calls.append(Called(module, first, output, activation))

    single = [module for module in loop.model.modules() if next(module.children(), None) is None]
    handles = [module.register_forward_hook(note) for module in single]
    try:
        with evaluating(loop.model), torch.enable_grad():
            loss = loop.loss_of(loop.batch)
    finally:
        for handle in handles:
            handle.remove()
    return Forward(tuple(calls), {} if loss.grad_fn is None else consumers_of(loss.grad_fn))


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Within the block, every module is in evaluation mode; afterwards, each one is as it was."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, was in training.items():
            module.training = was
