"""Lowers an experiment to the network that a worker builds: a layer tree with sites and counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf
from typing import TYPE_CHECKING

from ..kernel.errors import InvalidSpec, TooLarge
from ..kernel.spec import Shape
from .layers import Node, lower_sequence
from .layers.embedding import Embedding
from .losses import LOSSES
from .sites import Site, count_states, find_sites

if TYPE_CHECKING:
    from .datasets import Dataset
    from .experiment import Experiment
    from .presets import Model

MAX_LAYERS = 2000
"""Hard limit on the nodes of a lowered tree; settings cannot raise it."""
MAX_STATES = 20_000
"""Hard limit on the unrolled time steps over all recurrent layers."""


@dataclass(frozen=True)
class Network:
    """A lowered model: its layer tree, and the layer outputs (sites) whose gradients are measured."""

    nodes: tuple[Node, ...]
    input_shape: Shape
    outputs: int
    sites: tuple[Site, ...]

    def walk(self) -> Iterator[Node]:
        """All nodes in forward order, each container before its contents."""
        for node in self.nodes:
            yield from node.walk()

    @cached_property
    def weighted(self) -> tuple[Node, ...]:
        """The layers with weights, in forward order; the last is the readout."""
        return tuple(node for node in self.walk() if node.weighted)

    @property
    def parameters(self) -> int:
        """Number of trainable values."""
        return sum(parameter.size for node in self.walk() for parameter in node.parameters)

    @property
    def flops(self) -> int:
        """Floating-point operations of the forward pass of one sample."""
        return sum(node.flops for node in self.nodes)


def lower(experiment: "Experiment") -> Network:
    """Lower the model for its data set; raises InvalidSpec or TooLarge with pointers into the experiment."""
    network = _lower(experiment.model, experiment.data)
    _check_batch(network, experiment.training.batch_size)
    _check_loss(experiment)
    return network


@lru_cache(maxsize=32)  # one of MAX_LAYERS takes 2 MB
def _lower(model: "Model", data: "Dataset") -> Network:
    pointer = "/model" + (model.layer_pointer() or "")
    if model.count() > MAX_LAYERS:
        raise TooLarge.at(
            pointer,
            f"the model has {model.count():,} layers",
            value=model.count(),
            allowed=f"at most {MAX_LAYERS:,} layers once repeats are unrolled",
        )
    input_shape = data.input_shape(model.layout())
    layers = model.to_layers(data.outputs(), input_shape)
    try:
        nodes, out_shape = lower_sequence(layers, input_shape, pointer=model.layer_pointer())
    except InvalidSpec as error:
        raise error.under("/model") from None
    if count_states(nodes) > MAX_STATES:
        raise TooLarge.at(
            pointer,
            f"the recurrent layers unroll to {count_states(nodes):,} steps",
            value=count_states(nodes),
            allowed=f"at most {MAX_STATES:,} steps over all recurrent layers",
        )
    _check_symbols(nodes, data.symbols(), layout=model.layout())
    if out_shape != (data.outputs(),):
        raise InvalidSpec.at(
            pointer,
            f"the last layer has output shape {list(out_shape)}, but the data set needs [{data.outputs()}]",
            value=list(out_shape),
            allowed=f"a last linear layer with out_features {data.outputs()}",
        )
    if not any(node.weighted for top in nodes for node in top.walk()):
        raise InvalidSpec.at(pointer, "the model has no layer with weights, so there is nothing to train")
    return Network(nodes, input_shape, data.outputs(), find_sites(nodes))


def _check_loss(experiment: "Experiment") -> None:
    loss, task, activation = experiment.minimized, experiment.data.task, experiment.ending
    if task not in loss.tasks:
        fitting = sorted(kind for kind, cls in LOSSES.items() if task in cls.tasks)
        raise InvalidSpec.at(
            "/loss/kind",
            f"{loss.kind} is no loss for a {task}",
            value=loss.kind,
            allowed=f"for the data set {experiment.data.kind}: {', '.join(fitting)}",
        )
    low, high = (-inf, inf) if activation is None else activation.range
    if loss.takes == "probabilities" and not (low >= 0 and high <= 1):
        raise InvalidSpec.at(
            "/output_activation",
            f"{loss.kind} on probabilities takes outputs between 0 and 1",
            value=None if activation is None else activation.name,
            allowed="an output activation with that range (sigmoid, softmax), or a loss on logits",
        )


def _check_batch(network: Network, batch_size: int) -> None:
    for node in network.walk():
        smallest = node.layer.smallest_batch(node.in_shape)
        if batch_size < smallest:
            raise InvalidSpec.at(
                "/training/batch_size",
                f"{node.name} computes statistics over the batch and cannot train with batch size {batch_size}",
                value=batch_size,
                allowed=f"at least {smallest}",
            )


def _check_symbols(nodes: Sequence[Node], symbols: int, *, layout: str) -> None:
    """Checks that symbols go to an embedding with a large enough vocabulary, and that nothing else goes to one."""
    for node in (inner for top in nodes for inner in top.walk()):
        if isinstance(node.layer, Embedding) and node is not nodes[0]:
            raise InvalidSpec.at(
                f"/model{node.pointer}",
                f"{node.name}: an embedding takes symbols, not the output of another layer",
                allowed="an embedding as the first layer",
            )
    first = nodes[0]
    if layout == "tokens" and not isinstance(first.layer, Embedding):
        raise InvalidSpec.at(
            f"/model{first.pointer}", f"{first.name} does not accept symbols", allowed="an embedding as the first layer"
        )
    if isinstance(first.layer, Embedding) and first.layer.symbols < symbols:
        raise InvalidSpec.at(
            f"/model{first.pointer}/symbols",
            f"the data set has {symbols} symbols, but the embedding has only {first.layer.symbols}",
            value=first.layer.symbols,
            allowed=f"at least {symbols}",
        )
