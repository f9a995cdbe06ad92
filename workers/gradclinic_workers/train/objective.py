"""The loss of a network, and its evaluation on fixed samples without side effects."""

import torch
from torch import Tensor
from torch.nn import functional

from gradclinic.experiments.datasets import Samples
from gradclinic.experiments.experiment import Experiment
from gradclinic_torch.probe import on_batch_statistics
from gradclinic_torch.tapped import Sequence as Modules
from gradclinic_torch.tapped import Tap

from .precision import casting

PROBE_SAMPLES = 256
EVALUATION_SAMPLES = 1000


class Objective:
    """A network, its data on the device, and the loss."""

    def __init__(self, modules: Modules, experiment: Experiment, device: torch.device) -> None:
        self._modules, self._device = modules, device
        self._precision, self._task = experiment.training.precision, experiment.data.task
        split = experiment.data.sample(experiment.model.layout())
        self.constant_loss = split.constant_loss(self._task)
        """Training loss of always predicting the average."""
        self.loss_unit = split.loss_unit if self._task == "regression" else None
        """One unit of the loss in squared units of the raw targets; None for a classification."""
        self.inputs, self.targets = self._tensors(split.train)
        self._validation = self._tensors(split.validation)

    def outputs(self, inputs: Tensor, tap: Tap | None = None) -> Tensor:
        """The network's outputs for a batch, computed in the run's precision and returned as float32."""
        with casting(self._precision, self._device):
            outputs: Tensor = self._modules(inputs, tap)
        return outputs.float()

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean over the batch: cross entropy in nats, or squared error."""
        if self._task == "classification":
            return functional.cross_entropy(outputs, targets)
        return functional.mse_loss(outputs, targets)

    def probe_outputs(self, tap: Tap | None = None) -> Tensor:
        """The network's outputs for the probe batch (the first 256 training samples), without side effects."""
        with on_batch_statistics(self._modules, self._device):
            return self.outputs(self.inputs[:PROBE_SAMPLES], tap)

    def probe_loss(self, tap: Tap | None = None) -> Tensor:
        """Loss of the probe batch."""
        return self.loss(self.probe_outputs(tap), self.targets[:PROBE_SAMPLES])

    def evaluated(self) -> tuple[float, Tensor]:
        """Loss and outputs on the first min(1000, n) training samples; batch norm uses batch statistics."""
        with on_batch_statistics(self._modules, self._device):
            outputs = self.outputs(self.inputs[:EVALUATION_SAMPLES])
        return float(self.loss(outputs, self.targets[:EVALUATION_SAMPLES])), outputs

    def validation(self) -> tuple[float, float | None]:
        """Loss, and accuracy for classification; a non-finite output counts as wrong."""
        inputs, targets = self._validation
        self._modules.eval()
        with torch.no_grad():
            outputs = self.outputs(inputs)
        self._modules.train()
        loss = float(self.loss(outputs, targets))
        if self._task != "classification":
            return loss, None
        right = (outputs.argmax(dim=1) == targets) & torch.isfinite(outputs).all(dim=1)
        return loss, float(right.double().mean())

    def _tensors(self, samples: Samples) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(samples.inputs).to(self._device), torch.from_numpy(samples.targets).to(self._device)
