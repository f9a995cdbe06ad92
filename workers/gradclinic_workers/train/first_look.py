"""What is known of a declared training before its first step: data, outputs of its first evaluation, settings.

It computes no pass of its own and draws nothing, so the training is bit-for-bit unaffected.
"""

from math import prod

from torch import Tensor

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.layers import Node
from gradclinic.experiments.layers.activation import ActivationLayer
from gradclinic.experiments.layers.batch_norm import BatchNorm
from gradclinic.experiments.lowering import Network
from gradclinic.measurements.preflight import (
    LossFacts,
    NormFacts,
    OptimizerFacts,
    OutputFacts,
    PrecisionFacts,
    Preflight,
    WiringFacts,
)
from gradclinic_torch.preflight.batch_facts import output_facts, with_reach

from .objective import Objective
from .training_data import TrainingData, examined


def first_look(experiment: Experiment, network: Network, objective: Objective, outputs: Tensor) -> Preflight:
    """The facts of a training whose first evaluation gave `outputs`, on the samples of that evaluation."""
    data, loss, training = objective.data, experiment.minimized, experiment.training
    return Preflight(
        inputs=data.input_facts,
        targets=data.target_facts,
        outputs=_output_facts(experiment, network, outputs, data),
        loss=LossFacts(name=loss.call().target.removeprefix("nn."), takes=loss.takes, broadcasts=False, factor=1.0),
        wiring=WiringFacts(),
        precision=PrecisionFacts(lowest=training.precision, scaled=training.precision == "float16"),
        optimizer=_optimizer_facts(experiment),
        norm=_norm_facts(network, training.batch_size),
        batch_size=training.batch_size,
        linear=all(_is_linear(node) for node in network.walk()),
    )


def _is_linear(node: Node) -> bool:
    """Whether the layer is linear in what reaches it, apart from a constant; of batch norm, as in evaluation."""
    if isinstance(node.layer, ActivationLayer):
        return node.layer.activation.name == "identity"
    return node.kind in _LINEAR


_LINEAR = (
    "linear", "conv1d", "conv2d", "batch_norm", "dropout", "flatten", "avg_pool2d", "global_avg_pool", "last_step",
    "learned_positions", "residual",
)  # fmt: skip
"""Layers that are linear if what they contain is."""


def _output_facts(experiment: Experiment, network: Network, outputs: Tensor, data: TrainingData) -> OutputFacts:
    last = network.nodes[-1].layer
    name = last.activation.name if isinstance(last, ActivationLayer) else None
    if experiment.output_activation is not None:
        name = experiment.output_activation.name
    facts = output_facts(examined(outputs), activation=None if name == "identity" else name)
    return facts if data.has_indices else with_reach(facts, data.examined_targets)


def _optimizer_facts(experiment: Experiment) -> OptimizerFacts:
    call = experiment.optimizer.call()
    settings = call.kwargs
    return OptimizerFacts(
        name=call.target.removeprefix("optim."),
        learning_rate=experiment.optimizer.learning_rate,
        weight_decay=settings.get("weight_decay", 0.0),
        momentum=settings.get("momentum", settings.get("betas", (0.0,))[0]),
    )


def _norm_facts(network: Network, batch_size: int) -> NormFacts | None:
    """The batch norm layer that averages over the fewest values; None where there is none."""
    norms = [node for node in network.walk() if isinstance(node.layer, BatchNorm)]
    found = [
        NormFacts(layer=node.name, values=batch_size * prod(node.in_shape) // node.parameters[0].size) for node in norms
    ]
    return min(found, key=lambda norm: norm.values, default=None)
