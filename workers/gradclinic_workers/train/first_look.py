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
from gradclinic_torch.preflight.batch_facts import ENTRIES, as_rows, input_facts, output_facts, target_facts, with_reach

from .objective import EVALUATION_SAMPLES, Objective


def first_look(experiment: Experiment, network: Network, objective: Objective, outputs: Tensor) -> Preflight:
    """The facts of a training whose first evaluation gave `outputs`, on the samples of that evaluation."""
    inputs, targets = objective.inputs[:EVALUATION_SAMPLES], _rows(objective.targets[:EVALUATION_SAMPLES])
    loss = experiment.minimized
    indices = experiment.data.task == "classification" and not loss.one_hot
    training = experiment.training
    return Preflight(
        inputs=input_facts(_rows(inputs)) if inputs.is_floating_point() else None,
        targets=target_facts(targets, indices=indices),
        outputs=_output_facts(experiment, network, outputs, targets=None if indices else targets),
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


def _rows(values: Tensor) -> Tensor:
    """[rows, columns] as float64 on the CPU, of as many samples as there is room for."""
    samples = max(1, ENTRIES // max(1, values[0].numel()))
    return as_rows(values[:samples]).double().cpu()


def _output_facts(experiment: Experiment, network: Network, outputs: Tensor, *, targets: Tensor | None) -> OutputFacts:
    last = network.nodes[-1].layer
    name = last.activation.name if isinstance(last, ActivationLayer) else None
    if experiment.output_activation is not None:
        name = experiment.output_activation.name
    facts = output_facts(_rows(outputs), activation=None if name == "identity" else name)
    return facts if targets is None else with_reach(facts, targets)


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
