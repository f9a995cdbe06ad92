"""The parts of a model that can be recorded, found in its first backward pass."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from typing_extensions import Self

from gradclinic.kernel.json import JsonObject
from gradclinic.measurements.record import WeightInfo
from gradclinic.measurements.schedule import StepCost

from ..measure.recorder import Recorder
from ..measure.recording_steps import RecordingSteps
from ..model.placement import is_split
from ..sites.discovery import Discovery, Found
from ..sites.weights import embeddings_in, unseen_in, weights_in
from .environment import environment_of


@dataclass(frozen=True)
class Subject:
    """The sites, weights and parameters of one training."""

    found: list[Found]
    weights: list[tuple[nn.Parameter, WeightInfo]]
    parameters: list[nn.Parameter]
    """The parameters of the model and of the optimizer."""
    embeddings: list[nn.Parameter]
    split: int
    """Number of parameters that are sharded over several processes."""
    unseen: int
    """Number of layers with weights of which no call was seen."""
    unmeasured: int
    """Number of layers with weights whose output is no dense tensor of real numbers."""
    layers: int
    """Number of modules that were called."""
    uses: int
    """How often a layer's weights were used at most: samples times positions (tokens, pixels, time steps)."""

    @classmethod
    def of(
        cls, model: nn.Module, optimizer: torch.optim.Optimizer, discovery: Discovery, *, loss: Tensor | None
    ) -> Self:
        """Find the parts, after the first backward pass of this loss."""
        found, readouts = discovery.find(loss)
        in_groups = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        weights = weights_in(model, discovery, readouts, trained={id(parameter) for parameter in in_groups})
        parameters = list(dict.fromkeys([*model.parameters(), *in_groups]))
        return cls(
            found,
            weights,
            parameters,
            embeddings=embeddings_in(model),
            split=sum(is_split(each) for each in parameters),
            unseen=unseen_in(model, discovery),
            unmeasured=len(discovery.unmeasured),
            layers=len(discovery.called),
            uses=discovery.uses(found),
        )

    @property
    def device(self) -> torch.device:
        """The device of the training."""
        return self.parameters[0].device

    def recorder(self, plan: RecordingSteps, *, batch_size: int, weights_seen: bool) -> Recorder:
        """The recorder of this process. weights_seen: whether their gradients are there when a backward has ended."""
        return Recorder(
            [(each.site, each.info) for each in self.found],
            self.weights if weights_seen else [],
            parameters=self.parameters,
            plan=plan,
            batch_size=batch_size,
            sharded=self.split > 0,
            norm_is_known=weights_seen,
        )

    def cost(self, *, batch_size: int) -> StepCost:
        """An estimate of a step's cost: every parameter is used as often as those of the layer that is used most."""
        parameters = sum(each.numel() for each in self.parameters)
        return StepCost(self.layers, 2.0 * parameters * self.uses / batch_size, batch_size)

    def environment(self, model: nn.Module, optimizer: torch.optim.Optimizer, *, weights_seen: bool) -> JsonObject:
        """The environment of the training, with notes on what is not seen."""
        return environment_of(
            model,
            optimizer,
            self.parameters,
            device=self.device,
            sites=[each.info for each in self.found],
            unseen=self.unseen,
            unmeasured=self.unmeasured,
            split=self.split,
            weights_seen=weights_seen,
        )
