"""Lanes that are computed together, as long as none leaves."""

import time
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from gradclinic.experiments.layers.dropout import Dropout

from ..declared import declared_weights
from .batches import LaneBatches
from .chosen import Chosen
from .clip import LaneClipping
from .data import LaneData
from .groups import LaneSequence
from .lane import Lane
from .layer import Pass, Stack
from .layers import LaneBatchNorm
from .levels import Doubles, LaneLevels
from .network import together
from .parameters import LaneParameters
from .plans import NOTHING, LanePlans, Wanted
from .recorder import LaneObservation, LaneRecorder
from .reductions import Stacked, lane_norms
from .update import LaneOptimizers


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
        self._data, self._batches, self._plans = LaneData(lanes), LaneBatches(lanes), LanePlans(lanes)
        self._levels = LaneLevels([lane.fit.recorder.plan for lane in lanes])
        self._clipping = LaneClipping([lane.fit.experiment.clipping for lane in lanes])
        self._optimizers = LaneOptimizers(lanes, self._parameters)
        self._gradients = Stacked(self._parameters.gradients)
        recorded = [self._parameters.of(weight) for weight, _ in declared_weights(first.network, first.modules)]
        trained = {id(parameter): column for column, parameter in enumerate(self._parameters.trained)}
        self.recorder = LaneRecorder(
            [lane.fit.recorder for lane in lanes],
            first.network.sites,
            weights=recorded,
            columns=[trained.get(id(weight), len(trained)) for weight in recorded],
            batch_size=first.experiment.training.batch_size,
        )
        self._seconds = self._recording_seconds = 0.0
        """Since the last handing over, without and with recording."""

    def _stack_of(self, lanes: Sequence[Lane]) -> Stack:
        return Stack([lane.fit.modules for lane in lanes], self._parameters, self._noise)

    @torch.no_grad()
    def step(self) -> Sequence[Lane]:
        """Take a step of all lanes; returns those that took it alone, after which this ensemble is of no use."""
        began = time.perf_counter()
        steps = [lane.step for lane in self.lanes]
        wanted = self._plans.wanted(steps) if self._record else []
        if wanted:
            self._probe(steps, wanted)
        observation = self._observation(steps, wanted) if wanted else None
        chosen = self._batches.next()
        noise = [each.get_state() for each in self._noise] if self._is_random else []
        buffers = [buffer.clone() for buffer in self._buffers]
        losses = self._there_and_back(chosen, observation)
        norms = lane_norms(self._gradients)
        totals = norms.norm(dim=1)
        shown = torch.stack([losses.double(), totals], dim=1).numpy()
        broken = np.flatnonzero(~np.isfinite(shown).all(axis=1)).tolist()
        if broken:
            self._part_with(broken, buffers=buffers)
        if observation is not None:
            observation = observation.without(broken)
            self._after_backward(observation, losses=losses, norms=norms, totals=totals, shown=shown)
        self._update(observation, norms, totals)
        for place, lane in enumerate(self.lanes):
            if place not in broken:
                lane.fit.progress.step += 1
        self._seconds += time.perf_counter() - began
        if broken:
            self._hand_over_records()
            self._batches.hand_over()
            self._optimizers.hand_over(set(range(len(self.lanes))) - set(broken))
        for place in broken:
            if noise:
                self._noise[place].set_state(noise[place])
            with torch.enable_grad(), self.lanes[place].alone() as fit, fit.clock.step():
                fit.learn(chosen[place])
        return [self.lanes[place] for place in broken]

    @torch.no_grad()
    def probe_at_end(self) -> None:
        """Measure the last probes of the lanes that have taken all their steps."""
        steps = [lane.step for lane in self.lanes]
        done = [lane.fit.has_taken_all_steps for lane in self.lanes]
        if self._record and any(done):
            wanted = self._plans.wanted(steps)
            self._probe(steps, [each if ends else NOTHING for each, ends in zip(wanted, done, strict=True)])
            for lane, ends in zip(self.lanes, done, strict=True):
                lane.fit.probed_at_end = lane.fit.probed_at_end or ends

    def hand_over(self, *, optimizers: bool = True) -> None:
        """Give every lane its records and, if it is to be saved or to go on alone, copies of its optimizer's state."""
        self._hand_over_records()
        if optimizers:
            self._batches.hand_over()
            self._optimizers.hand_over(range(len(self.lanes)))

    def _hand_over_records(self) -> None:
        self.recorder.hand_over()
        self._levels.hand_over()
        for lane in self.lanes:  # each took its part of the time
            lane.fit.progress.train_seconds += (self._seconds - self._recording_seconds) / len(self.lanes)
            lane.fit.progress.recording_seconds += self._recording_seconds / len(self.lanes)
        self._seconds = self._recording_seconds = 0.0

    def _observation(self, steps: Sequence[int], wanted: Sequence[Wanted]) -> LaneObservation:
        chosen = self._plans.chosen
        return LaneObservation(
            steps,
            basic=chosen([each.basic for each in wanted]),
            sites=chosen([each.sites for each in wanted]),
            full=chosen([each.full for each in wanted]),
            passed=chosen([not each.basic for each in wanted]),
            compared=chosen([each.compared for each in wanted]),
        )

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
        shown: Doubles,
    ) -> None:
        began = time.perf_counter()
        self.recorder.after_backward(observation, losses=losses, norms=norms, totals=totals)
        self._levels.saw([*observation.basic.places, *observation.passed.places], observation.steps, shown)
        self._recording_seconds += time.perf_counter() - began

    def _update(self, observation: LaneObservation | None, norms: Tensor, totals: Tensor) -> None:
        clipped = self._clipping.clip(self._parameters, totals)
        if observation is not None:
            began = time.perf_counter()
            after = norms if clipped is None else lane_norms(self._gradients)
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
            self.recorder.after_step(observation, learning_rates=self._optimizers.learning_rates)
            self._recording_seconds += time.perf_counter() - began

    def _probe(self, steps: Sequence[int], wanted: Sequence[Wanted]) -> None:
        """Measure the probes of the lanes whose plan has them now, and look for dead units, without side effects."""
        probed = [place for place, each in enumerate(wanted) if each.probe]
        looks = self._plans.chosen([each.units for each in wanted])
        if not probed and not looks:
            return
        began = time.perf_counter()
        noise = [each.get_state() for each in self._noise] if self._is_random else []
        values: dict[str, Tensor] = {}
        tap = partial(self.recorder.probe_tap, values) if looks and self.recorder.can_die else None
        for rows in sorted({self._data.probe_rows[place] for place in probed}):
            mine = Chosen([place for place in probed if self._data.probe_rows[place] == rows], lanes=len(steps))
            shows = tap if rows == self._data.most_rows and mine.places == looks.places else None
            inputs, targets = self._data.probe(rows, mine)
            outputs = self._network.forward(inputs, Pass(trains=False, tap=shows, lanes=mine))
            self.recorder.after_probe(mine, steps, losses=self._data.losses(outputs, targets))
        if tap is not None and not values:
            inputs, _ = self._data.probe(self._data.most_rows, looks)
            self._network.forward(inputs, Pass(trains=False, tap=tap, lanes=looks))
        for generator, state in zip(self._noise, noise, strict=False):
            generator.set_state(state)
        if looks:
            self.recorder.after_look(looks, steps, values=values)
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


def _buffers(network: LaneSequence) -> list[Tensor]:
    """The stacked running statistics of all batch norms."""
    norms = [layer for layer in network.inner() if isinstance(layer, LaneBatchNorm)]
    return [buffer for norm in norms for buffer in norm.statistics]
