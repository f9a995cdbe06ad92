"""The data sets and the loss of all lanes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..build import construct
from ..objective import PROBE_SAMPLES
from .chosen import Chosen
from .lane import Lane

aten = torch.ops.aten

VECTOR = 16
"""A CPU computes so many numbers at once. Torch's log-softmax of shorter rows takes as long as of longer ones, but adds
in the order of the classes, as it does along the first axis, where it computes several rows at once."""


class LaneData:
    """The data sets and the loss of all lanes. Lanes that declare the same data share it."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        experiments = [lane.fit.experiment for lane in lanes]
        declared = [experiment.data.model_dump_json() for experiment in experiments]
        first_with = {data: declared.index(data) for data in declared}
        objectives = {data: lanes[place].fit.objective for data, place in first_with.items()}
        starts, samples = {}, 0
        for data, objective in objectives.items():
            starts[data], samples = samples, samples + len(objective.inputs)
        self._starts = torch.tensor([[starts[data]] for data in declared])
        self._inputs = torch.cat([each.inputs for each in objectives.values()])
        self._targets = torch.cat([each.targets for each in objectives.values()])
        self._objectives = [objectives[data] for data in declared]
        self._probes: dict[int, tuple[Tensor, Tensor]] = {}
        self.probe_rows = [lane.fit.objective.probe_rows for lane in lanes]
        """Number of samples in the probe of each lane."""
        self.most_rows = min(PROBE_SAMPLES, len(self._objectives[0].inputs))
        """Number of samples in which dead units are looked for."""
        loss, ending = experiments[0].minimized, experiments[0].output_activation
        self._criterion = construct(loss.call())
        self._criterion.reduction = "none"  # type: ignore[assignment]  # what torch's losses call it
        self._ending: nn.Module = nn.Identity() if ending is None else construct(ending.call())
        plain = isinstance(self._criterion, nn.CrossEntropyLoss) and not self._criterion.label_smoothing
        self._is_cross_entropy_of_few = plain and ending is None and experiments[0].data.outputs() < VECTOR

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs [lanes, batch, ...] and targets [lanes x batch, ...] of the chosen samples, [lanes, batch]."""
        return self._at(chosen + self._starts)

    def probe(self, rows: int, lanes: Chosen) -> tuple[Tensor, Tensor]:
        """Inputs [k, rows, ...] and targets [k x rows, ...] of the probes of some lanes with so many samples."""
        if rows not in self._probes:
            self._probes[rows] = self._probed(rows)
        inputs, targets = self._probes[rows]
        return lanes.of(inputs), lanes.of(targets).flatten(0, 1)

    def _probed(self, rows: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of the probes of all lanes, [lanes, rows, ...]; lanes with one data set share its rows."""
        first, lanes = self._objectives[0], len(self._objectives)
        if all(each.data is first.data for each in self._objectives):
            chosen = first.probed(rows)
            return _repeated(first.inputs[chosen], lanes), _repeated(first.targets[chosen], lanes)
        places = torch.stack([each.probed(rows) for each in self._objectives]) + self._starts
        return self._inputs[places], self._targets[places]

    def _at(self, places: Tensor) -> tuple[Tensor, Tensor]:
        flat = places.flatten()
        inputs = self._inputs.index_select(0, flat)
        return inputs.view(*places.shape, *inputs.shape[1:]), self._targets.index_select(0, flat)

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of each lane, [lanes], mean over its batch."""
        if self._is_cross_entropy_of_few:
            return _CrossEntropy(outputs, targets).losses()
        ended = self._ending(outputs.float().flatten(0, 1))
        losses: Tensor = self._criterion(ended, targets)
        return losses.view(len(outputs), -1).mean(1)

    def losses_and_gradient(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of each lane, [lanes], and dL/d(outputs)."""
        if self._is_cross_entropy_of_few:
            entropy = _CrossEntropy(outputs, targets)
            return entropy.losses(), entropy.gradient()
        leaf = outputs.detach().requires_grad_()
        with torch.enable_grad():
            losses = self.losses(leaf, targets)
        (gradient,) = torch.autograd.grad(losses, leaf, torch.ones_like(losses))
        return losses.detach(), gradient


def _repeated(values: Tensor, lanes: int) -> Tensor:
    """[lanes, ...] of which every row is the same memory."""
    return values.expand(lanes, *values.shape)


class _CrossEntropy:
    """The mean cross entropy of each lane: outputs [lanes, batch, classes], targets [lanes x batch]."""

    def __init__(self, outputs: Tensor, targets: Tensor) -> None:
        self._shape, self._targets = outputs.shape, targets.unsqueeze(0)
        columns = outputs.flatten(0, 1).T.contiguous()
        self._logarithms: Tensor = aten._log_softmax.default(columns, 0, False)  # noqa: FBT003  # torch's order

    def losses(self) -> Tensor:
        """[lanes]"""
        lanes, batch, _ = self._shape
        return self._logarithms.gather(0, self._targets).view(lanes, batch).neg_().mean(1)

    def gradient(self) -> Tensor:
        """The gradient of the outputs: their softmax, less 1 at the target, divided by the batch."""
        each = torch.zeros_like(self._logarithms).scatter_(0, self._targets, -1.0 / self._shape[1])
        columns = aten._log_softmax_backward_data.default(each, self._logarithms, 0, each.dtype)
        gradient: Tensor = columns.T.contiguous().view(self._shape)
        return gradient
