"""Lanes that are computed together, as long as none leaves."""

import math
import time
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from gradclinic.experiments.layers.dropout import Dropout

from ..build import construct
from ..declared import declared_weights
from ..device import drawn_batch
from ..objective import PROBE_SAMPLES
from .chosen import Chosen
from .clip import LaneClipping
from .lane import Lane
from .network import LaneBatchNorm, LaneSequence, Pass, Stack, together
from .parameters import LaneParameters
from .recorder import LaneObservation, LaneRecorder
from .reductions import LaneNorms
from .update import LaneOptimizers

_CPU = torch.device("cpu")


class Ensemble:
    """The stacked networks, optimizers and records of some lanes.

    Lanes whose step is not finite take it again alone, as a lone run does, before anything of them has changed.
    """

    def __init__(self, lanes: Sequence[Lane], *, record: bool) -> None:
        lanes = sorted(lanes, key=lambda lane: (lane.settings, lane.index))
        self.lanes, self._record = lanes, record
        first = lanes[0].fit
        self._noise = [lane.noise for lane in lanes]
        self._is_random = any(isinstance(node.layer, Dropout) for node in first.network.walk())
        self._parameters = LaneParameters([lane.fit.modules for lane in lanes])
        self._network = together(first.network.nodes, self._stack_of(lanes))
        self._network.begins_at([site.tap for site in first.network.sites])
        self._buffers = _buffers(self._network)
        self._data = _Data(lanes)
        self._clipping = LaneClipping([lane.fit.experiment.clipping for lane in lanes])
        self._optimizers = LaneOptimizers(lanes, self._parameters)
        self._norms = LaneNorms(self._parameters.gradients)
        recorded = [self._parameters.of(weight) for weight, _ in declared_weights(first.network, first.modules)]
        trained = {id(parameter): column for column, parameter in enumerate(self._parameters.trained)}
        self.recorder = LaneRecorder(
            [lane.fit.recorder for lane in lanes],
            first.network.sites,
            weights=recorded,
            columns=[trained.get(id(weight), len(trained)) for weight in recorded],
            batch_size=first.experiment.training.batch_size,
        )
        self._recording_seconds = 0.0

    def _stack_of(self, lanes: Sequence[Lane]) -> Stack:
        return Stack([lane.fit.modules for lane in lanes], self._parameters, self._noise)

    @torch.no_grad()
    def step(self) -> Sequence[Lane]:
        """Take a step of all lanes; returns those that took it alone, after which this ensemble is of no use."""
        began, self._recording_seconds = time.perf_counter(), 0.0
        steps = [lane.step for lane in self.lanes]
        self._probe(steps)
        chosen = torch.stack([self._draw(lane) for lane in self.lanes])
        observation = self.recorder.observe(steps) if self._record else None
        noise = [each.get_state() for each in self._noise] if self._is_random else []
        buffers = [buffer.clone() for buffer in self._buffers]
        losses = self._there_and_back(chosen, observation)
        norms = self._norms.now()
        totals = norms.norm(dim=1)
        shown = torch.stack([losses.double(), totals], dim=1).tolist()
        broken = [place for place, numbers in enumerate(shown) if not all(map(math.isfinite, numbers))]
        if broken:
            self._part_with(broken, buffers=buffers)
        if observation is not None:
            observation = observation.without(broken)
            self._after_backward(observation, losses=losses, norms=norms, totals=totals, shown=shown)
        self._update(observation, norms, totals)
        for place, lane in enumerate(self.lanes):
            if place not in broken:
                lane.fit.progress.step += 1
        if broken:
            self.recorder.hand_over()
            self._optimizers.hand_over(set(range(len(self.lanes))) - set(broken))
        for place in broken:
            if noise:
                self._noise[place].set_state(noise[place])
            with torch.enable_grad(), self.lanes[place].alone() as fit, fit.clock.step():
                fit.learn(chosen[place])
        self._count_time(time.perf_counter() - began)
        return [self.lanes[place] for place in broken]

    def hand_over(self, *, optimizers: bool = True) -> None:
        """Give every lane what it needs to go on alone: its records and, if wanted, copies of its optimizer's state."""
        self.recorder.hand_over()
        if optimizers:
            self._optimizers.hand_over(range(len(self.lanes)))

    def _draw(self, lane: Lane) -> Tensor:
        samples, size = len(lane.fit.objective.inputs), lane.fit.experiment.training.batch_size
        return drawn_batch(samples, size, generator=lane.fit.batches, device=_CPU)

    def _there_and_back(self, chosen: Tensor, observation: LaneObservation | None) -> Tensor:
        """Losses [lanes]; the gradients of all parameters are left where these are stacked."""
        inputs, targets = self._data.batch(chosen)
        values = partial(self.recorder.tap, observation) if observation is not None and observation.full else None
        outputs = self._network.forward(inputs, Pass(trains=True, tap=values))
        losses, gradient = self._data.losses_and_gradient(outputs, targets)
        seen = (
            partial(self.recorder.gradient_tap, observation) if observation is not None and observation.sites else None
        )
        self._network.backward(gradient, seen)
        return losses

    def _after_backward(
        self,
        observation: LaneObservation,
        *,
        losses: Tensor,
        norms: Tensor,
        totals: Tensor,
        shown: Sequence[Sequence[float]],
    ) -> None:
        began = time.perf_counter()
        self.recorder.after_backward(observation, losses=losses, norms=norms, totals=totals)
        for place in (*observation.basic.places, *observation.passed.places):
            loss, total = shown[place]
            self.lanes[place].fit.recorder.plan.saw(observation.steps[place], loss=loss, grad_norm=total)
        self._recording_seconds += time.perf_counter() - began

    def _update(self, observation: LaneObservation | None, norms: Tensor, totals: Tensor) -> None:
        clipped = self._clipping.clip(self._parameters, totals)
        if observation is not None:
            began = time.perf_counter()
            after = norms if clipped is None else self._norms.now()
            self.recorder.after_clipping(
                observation,
                clips=self._clipping.clips,
                clipped=clipped,
                norms=after,
                totals=totals if clipped is None else after.norm(dim=1),
            )
            self._recording_seconds += time.perf_counter() - began
        self._optimizers.step()
        if observation is not None:
            began = time.perf_counter()
            self.recorder.after_step(observation, learning_rates=[lane.learning_rate for lane in self.lanes])
            self._recording_seconds += time.perf_counter() - began

    def _probe(self, steps: Sequence[int]) -> None:
        """Measure the probes of the lanes whose plan has them now, and look for dead units, without side effects."""
        plans = [lane.fit.recorder.plan for lane in self.lanes]
        probed = [place for place, (plan, step) in enumerate(zip(plans, steps, strict=True)) if plan.probe(step)]
        looks = [place for place, (plan, step) in enumerate(zip(plans, steps, strict=True)) if plan.units(step)]
        if not self._record or not (probed or looks):
            return
        began = time.perf_counter()
        noise = [each.get_state() for each in self._noise] if self._is_random else []
        values: dict[str, Tensor] = {}
        tap = partial(self.recorder.probe_tap, values) if looks and self.recorder.can_die else None
        for rows in sorted({self._data.probe_rows[place] for place in probed}):
            inputs, targets = self._data.probe(rows)
            seen = Pass(trains=False, tap=tap if rows == self._data.most_rows else None)
            losses = self._data.losses(self._network.forward(inputs, seen), targets)
            mine = [place for place in probed if self._data.probe_rows[place] == rows]
            self.recorder.after_probe(Chosen(mine, lanes=len(steps)), steps, losses=losses)
        if tap is not None and not values:
            self._network.forward(self._data.probe(self._data.most_rows)[0], Pass(trains=False, tap=tap))
        for generator, state in zip(self._noise, noise, strict=False):
            generator.set_state(state)
        if looks:
            self.recorder.after_look(Chosen(looks, lanes=len(steps)), steps, values=values)
        self._recording_seconds += time.perf_counter() - began

    def _part_with(self, broken: Sequence[int], *, buffers: Sequence[Tensor]) -> None:
        """Give the lanes that broke their state from before the step, which later ones of the stack do not touch."""
        self._optimizers.hand_over(broken)
        for place in broken:
            modules = self.lanes[place].fit.modules
            for own in modules.parameters():
                own.data = own.data.clone()
        for buffer, before in zip(self._buffers, buffers, strict=True):
            buffer[list(broken)] = before[list(broken)]

    def _count_time(self, seconds: float) -> None:
        """Each lane took its part of the time."""
        for lane in self.lanes:
            lane.fit.progress.train_seconds += (seconds - self._recording_seconds) / len(self.lanes)
            lane.fit.progress.recording_seconds += self._recording_seconds / len(self.lanes)


class _Data:
    """The data sets and the loss of all lanes. Lanes that declare the same data share it."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        experiments = [lane.fit.experiment for lane in lanes]
        declared = [experiment.data.model_dump_json() for experiment in experiments]
        first_with = {data: declared.index(data) for data in declared}
        objectives = {data: lanes[place].fit.objective for data, place in first_with.items()}
        starts, samples = {}, 0
        for data, objective in objectives.items():
            starts[data], samples = samples, samples + len(objective.inputs)
        self._lanes = len(lanes)
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

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs [lanes, batch, ...] and targets [lanes x batch, ...] of the chosen samples, [lanes, batch]."""
        places = (chosen + self._starts).flatten()
        inputs = self._inputs.index_select(0, places)
        return inputs.view(*chosen.shape, *inputs.shape[1:]), self._targets.index_select(0, places)

    def probe(self, rows: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of probes with so many samples, as of `batch`."""
        if rows not in self._probes:
            self._probes[rows] = self.batch(torch.stack([each.probed(rows) for each in self._objectives]))
        return self._probes[rows]

    def losses_and_gradient(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of each lane, [lanes], and dL/d(outputs)."""
        leaf = outputs.detach().requires_grad_()
        with torch.enable_grad():
            losses = self.losses(leaf, targets)
        (gradient,) = torch.autograd.grad(losses, leaf, torch.ones_like(losses))
        return losses.detach(), gradient

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of each lane, [lanes], mean over its batch."""
        ended = self._ending(outputs.float().flatten(0, 1))
        losses: Tensor = self._criterion(ended, targets)
        return losses.view(self._lanes, -1).mean(1)


def _buffers(network: LaneSequence) -> list[Tensor]:
    """The stacked running statistics of all batch norms."""
    norms = [layer for layer in network.inner() if isinstance(layer, LaneBatchNorm)]
    return [buffer for norm in norms for buffer in norm.statistics]
