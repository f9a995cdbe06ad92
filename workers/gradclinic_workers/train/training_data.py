"""The samples of an experiment on a device. Runs that declare the same share them while one of them is in memory."""

from dataclasses import dataclass
from functools import cached_property
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from gradclinic.experiments.datasets import Samples
from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.preflight import InputFacts, TargetFacts
from gradclinic_torch.preflight.batch_facts import ENTRIES, as_rows, input_facts, target_facts

EVALUATION_SAMPLES = 1000


@dataclass(eq=False)
class TrainingData:
    """Samples as a network and its loss take them. They are only read, so that runs can share them."""

    inputs: Tensor
    targets: Tensor
    validation: tuple[Tensor, Tensor]
    """Inputs and targets."""
    declared: Tensor
    """The targets of the training samples before the loss's own form, on the CPU."""
    classes: Tensor
    """The same of the validation samples, on the device."""
    constant_loss: float
    """Training loss of the best constant prediction."""
    loss_unit: float | None
    """One unit of the loss in units of the raw targets (squared, for a squared error); None if not known."""
    has_indices: bool
    """Whether targets are class numbers."""

    @cached_property
    def input_facts(self) -> InputFacts | None:
        """The facts of the samples that are evaluated; None of symbols, which have no scale."""
        inputs = self.inputs[:EVALUATION_SAMPLES]
        return input_facts(examined(inputs)) if inputs.is_floating_point() else None

    @cached_property
    def target_facts(self) -> TargetFacts | None:
        """The facts of their targets."""
        return target_facts(self.examined_targets, indices=self.has_indices)

    @cached_property
    def examined_targets(self) -> Tensor:
        """[rows, columns] in float64."""
        return examined(self.targets[:EVALUATION_SAMPLES])


_SHARED: WeakValueDictionary[tuple[str, ...], TrainingData] = WeakValueDictionary()


def training_data(experiment: Experiment, device: torch.device) -> TrainingData:
    """The experiment's data; the same object for experiments that agree in data, layout and loss."""
    declared = (experiment.data.model_dump_json(), experiment.model.layout(), experiment.minimized.model_dump_json())
    key = (*declared, str(device))
    found = _SHARED.get(key)
    if found is None:
        found = _SHARED[key] = _read(experiment, device)
    return found


def examined(values: Tensor) -> Tensor:
    """[rows, columns] as float64 on the CPU, of as many samples as there is room for."""
    samples = max(1, ENTRIES // max(1, values[0].numel()))
    return as_rows(values[:samples]).double().cpu()


def _read(experiment: Experiment, device: torch.device) -> TrainingData:
    task, loss, outputs = experiment.data.task, experiment.minimized, experiment.data.outputs()
    split = experiment.data.sample(experiment.model.layout())
    train, validation = (
        Samples(half.inputs, loss.targets(half.targets, outputs=outputs, task=task))
        for half in (split.train, split.validation)
    )
    inputs, targets = _tensors(train, device)
    return TrainingData(
        inputs,
        targets,
        validation=_tensors(validation, device),
        declared=torch.from_numpy(split.train.targets),
        classes=torch.from_numpy(split.validation.targets).to(device),
        constant_loss=loss.constant(train.targets),
        loss_unit=loss.unit(split.target_variance) if task == "regression" else None,
        has_indices=task == "classification" and not loss.one_hot,
    )


def _tensors(samples: Samples, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(samples.inputs).to(device), torch.from_numpy(samples.targets).to(device)
