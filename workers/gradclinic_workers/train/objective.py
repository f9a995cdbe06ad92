"""The loss of a network, and its evaluation on fixed samples without side effects."""

from collections.abc import Collection

import torch
from torch import Tensor, nn

from gradclinic.experiments.experiment import Experiment
from gradclinic_torch.measure.probe import evenly_chosen, on_batch_statistics
from gradclinic_torch.model.tapped import Sequence as Modules
from gradclinic_torch.model.tapped import Tap

from .build import construct
from .precision import casting
from .training_data import EVALUATION_SAMPLES, training_data

PROBE_SAMPLES = 256


class Objective:
    """A network, its data on the device, and the loss."""

    def __init__(
        self, modules: Modules, experiment: Experiment, device: torch.device, *, probe_rows: int = PROBE_SAMPLES
    ) -> None:
        """The probe is `probe_rows` of the first 256 training samples, chosen evenly by target."""
        self._modules, self._device = modules, device
        self._precision, self._task = experiment.training.precision, experiment.data.task
        self.data = training_data(experiment, device)
        self.inputs, self.targets = self.data.inputs, self.data.targets
        self.constant_loss, self.loss_unit = self.data.constant_loss, self.data.loss_unit
        self._declared = self.data.declared[:PROBE_SAMPLES]
        self._criterion: nn.Module = construct(experiment.minimized.call())
        ending = experiment.output_activation
        self._ending: nn.Module = nn.Identity() if ending is None else construct(ending.call())
        self.probe_rows = min(probe_rows, len(self._declared))
        """Number of samples in the probe."""
        chosen = self.probed(self.probe_rows).to(device)
        self._probe = self.inputs[chosen], self.targets[chosen]

    def outputs(self, inputs: Tensor, tap: Tap | None = None) -> Tensor:
        """The network's outputs for a batch, computed in the run's precision and returned as float32."""
        with casting(self._precision, self._device):
            outputs: Tensor = self._modules(inputs, tap)
        ended: Tensor = self._ending(outputs.float())
        return ended

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The experiment's loss, mean over the batch."""
        value: Tensor = self._criterion(outputs, targets)
        return value

    def probed(self, rows: int) -> Tensor:
        """Indices of a probe of so many samples, on the CPU: all of the first 256, or some, chosen evenly by target."""
        samples = len(self._declared)
        return torch.arange(samples) if rows >= samples else evenly_chosen(self._declared, rows)

    @property
    def probe_is_whole(self) -> bool:
        """Whether the probe is all of the first 256 training samples."""
        return self.probe_rows == len(self._declared)

    def probe_outputs(self, tap: Tap | None = None) -> Tensor:
        """The network's outputs for the first 256 training samples, without side effects."""
        with on_batch_statistics(self._modules, self._device):
            return self.outputs(self.inputs[:PROBE_SAMPLES], tap)

    def precisions(self, names: Collection[str]) -> dict[str, torch.dtype]:
        """The precision of the tensors that a tap with these names sees; found by a pass if it may differ."""
        found = dict.fromkeys(names, torch.float32)
        if self._precision != "float32":
            self.probe_outputs(lambda name, output: found.update({name: output.dtype} if name in found else {}))
        return found

    def probe_loss(self, tap: Tap | None = None) -> Tensor:
        """Loss of the probe."""
        inputs, targets = self._probe
        with on_batch_statistics(self._modules, self._device):
            return self.loss(self.outputs(inputs, tap), targets)

    def evaluated(self) -> tuple[float, Tensor]:
        """Loss and outputs on the first min(1000, n) training samples; batch norm uses batch statistics."""
        with on_batch_statistics(self._modules, self._device):
            outputs = self.outputs(self.inputs[:EVALUATION_SAMPLES])
        return float(self.loss(outputs, self.targets[:EVALUATION_SAMPLES])), outputs

    def validation(self) -> tuple[float, float | None]:
        """Loss, and accuracy for classification; a non-finite output counts as wrong."""
        inputs, targets = self.data.validation
        self._modules.eval()
        with torch.no_grad():
            outputs = self.outputs(inputs)
        self._modules.train()
        loss = float(self.loss(outputs, targets))
        if self._task != "classification":
            return loss, None
        right = (outputs.argmax(dim=1) == self.data.classes) & torch.isfinite(outputs).all(dim=1)
        return loss, float(right.double().mean())
