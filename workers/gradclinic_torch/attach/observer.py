"""Follows the training of another program step by step, and passes what it sees to the recorder.

after_backward   the first one finds the sites (`discover`); recorder.after_backward, or pass_by
before_step      the probe, where one is due; recorder.after_clipping
after_step       recorder.after_step; a look at what is not finite; the window, where it is full
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ..measure.gradients import Gradients
from ..measure.loss_of_passes import loss_of
from ..measure.observation import Observation
from ..measure.recorder import Recorder
from ..measure.recording_steps import RecordingSteps
from ..measure.stopwatch import Stopwatch
from ..measure.transformer import own_statistics
from ..model.hooks import UNINTERESTED, Watch
from ..model.learning_rate import rate_of
from ..sinks.sink import Sink
from ..sites.discovery import Discovery, Found
from ..sites.taps import Taps, Units
from .loop_facts import LoopFacts
from .probing import Probing
from .spikes import Spikes
from .step_under_way import Measured, StepUnderWay
from .subject import Subject
from .unseen_steps import UnseenSteps
from .untold_scaler import scaler_behind

WINDOW_SECONDS, WINDOW_RECORDS = 1.0, 250
LOOK_EVERY = {"cpu": 1}
"""Steps between checks whether the loss is finite, by device; on a GPU, a check waits for the device."""
LOOK_EVERY_ELSEWHERE = 16
CLIPPED = 1 - 1e-6
"""A gradient counts as clipped if its norm has decreased by more than this rounding error."""


class Observer:
    """Follows one training until it ends or a number is not finite."""

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, facts: LoopFacts, *, watch: Watch, sink: Sink
    ) -> None:
        self.step = 0
        """Number of steps that the optimizer has taken."""
        self.steps_within_backward = False
        """Whether they are taken before a backward pass has ended, so that the gradients of weights are not seen."""
        self.stopwatch = Stopwatch()
        self._model, self._optimizer, self._facts = model, optimizer, facts
        self._watch, self._sink = watch, sink
        self._found: list[Found] = []
        self._embeddings: list[nn.Parameter] = []
        self._sharded = False
        """Whether parameters are sharded over several processes."""
        self._taps: Discovery | Taps = Discovery()
        self._idle = Taps([], full=False, safely=watch.guarded)
        """Observes a step of which nothing at the sites is recorded."""
        self._watch.viewer, self._watch.on_pass = self._taps, self._begin_pass
        self._recorder: Recorder | None = None
        self._gradients = Gradients([], optimizer, scaler=facts.scaler)
        self._probing = Probing(model, facts, watch=watch)
        self._device = torch.device("cpu")
        self._unclipped = torch.zeros(0)
        """What is recorded of a gradient that was not clipped."""
        self._units = Units([])
        self._pending: StepUnderWay | None = None
        self._given_up: StepUnderWay | None = None
        """A step whose gradients were thrown away; it counts after all if the optimizer steps and none came since."""
        self._evaluations = 0
        """How often the optimizer had gradients in this step: some (LBFGS) call a closure several times in one."""
        self._unseen = UnseenSteps()
        self.spikes = Spikes()
        """The steps whose loss stood out."""
        self._flushed_at = time.perf_counter()
        self._broke = False
        self._samples_before = 0
        """Samples of the last step that the optimizer took."""

    # --- events of a step ---

    def scale_behind(self, gradient: Tensor) -> float:
        """What a scaler, told or found by what came back to the loss, multiplies it by; 1 without one."""
        if self._recorder is None and self._facts.scaler is None:
            scaler = scaler_behind(float(gradient))
            self._facts = replace(self._facts, scaler=scaler)
            self._gradients = Gradients([], self._optimizer, scaler=scaler)
        return self._gradients.scale

    def saw_loss(self, criterion: nn.Module, args: Sequence[Any], kwargs: Mapping[str, object], value: Any) -> None:
        """The loss module was called; kept until the step's end if the step will be looked at then."""
        if self._recorder is not None and (self.step + 1) % self._recorder.plan.look_every == 0:
            self.spikes.called(criterion, args, kwargs, value)

    def after_backward(self, loss: Tensor | float, *, gradient: Tensor | None = None) -> None:
        """The gradients of a step are there, before any clipping; again where more of them are accumulated.

        gradient: what came back to the loss, a scalar, where that was seen.
        """
        if self._broke:
            return
        self._watch.pass_done()
        self.stopwatch.begin()
        with self.stopwatch.recording(), torch.no_grad():
            value = loss.detach() if isinstance(loss, Tensor) else torch.tensor(float(loss))
            value = value.reshape(()).double()
            if gradient is not None:
                self.scale_behind(gradient)
            recorder = self._recorder or self._begin(loss if isinstance(loss, Tensor) else None)
            scale = self._gradients.scale
            self._take_back_what_was_given_up(recorder)
            step = self._pending
            if step is None:
                step = self._pending = StepUnderWay(value)
            else:
                recorder.take_back(self.step)
            factor = None if gradient is None else gradient.double()
            step.told.append((value, factor if factor is None or scale == 1.0 else factor / scale))
            step.loss = loss_of(step.told)
            if self._sharded or recorder.plan.norms(self.step) or not self._seems_finite(step.loss):
                self._record(recorder, step)
            else:
                recorder.after_light_step(self.step, loss=step.loss)

    def before_step(self) -> None:
        """The optimizer is about to take a step with the current gradients."""
        by_another_pass = self._given_up is not None
        self._pending, self._given_up = self._given_up or self._pending, None
        recorder, step = self._recorder, self._pending
        if self._broke or recorder is None or step is None:
            return
        with self.stopwatch.recording(), torch.no_grad():
            self._probing.measure(recorder, self.step)
            step.learning_rate = rate_of(self._optimizer)
            self._evaluations += 1
            self._look_for_dead_units(recorder, step.observation)
            before = step.measured
            if before is None or before.observation is None:
                return
            scale = self._gradients.weights_scale
            measured = self._gradients.norms_again(exact=before.observation.full)
            norms, after, clipped = _unscaled(measured, scale), before.total_norm, self._unclipped
            if measured is not before.norms or scale != 1.0:
                after = torch.linalg.vector_norm(norms)
                if not by_another_pass:
                    clipped = (after < before.total_norm * CLIPPED).double()
            recorder.after_clipping(before.observation, clipped=clipped, norms=norms, total_norm=after)

    def after_step(self) -> bool:
        """The optimizer has taken a step; False where nothing was said of its gradients."""
        self.stopwatch.step_done()
        recorder, step = self._recorder, self._pending
        evaluations, self._evaluations = self._evaluations, 0
        if self._broke:
            return True
        if recorder is None or step is None:
            self.step += 1
            self._watch.step_done()
            self._taps.begins(0)
            return False
        with self.stopwatch.recording(), torch.no_grad():
            if step.observation is not None and evaluations == 1:
                recorder.after_step(step.observation, learning_rate=step.learning_rate)
            self._unseen.add(self.step, loss=step.loss, total_norm=step.total_norm)
            self._pending = None
            self.step += 1
            self._samples_before = self._samples()
            self._watch.step_done()
            if self.step % recorder.plan.look_every == 0:
                self._look(recorder)
            self.spikes.step_done()
            if not self._broke:
                self._arm(recorder)
                waited = time.perf_counter() - self._flushed_at
                if waited >= WINDOW_SECONDS or recorder.pending >= WINDOW_RECORDS:
                    self.flush()
        return True

    def end(self) -> None:
        """The training has ended."""
        recorder = self._recorder
        if recorder is None or self._broke:
            return
        self._given_up = self._given_up or self._pending  # a backward without a step: skipped, or the loop was left
        self._pending = None
        self._take_back_what_was_given_up(recorder)
        self._look(recorder)
        if not self._broke:
            if self.step:
                self._probing.measure(recorder, self.step, last=True)
            self.flush()

    @property
    def is_finite(self) -> bool:
        """Whether loss and gradient of the step under way are; True without a look where a look waits for the device.

        A scaler skips the steps whose gradient is not finite, so of these only the loss counts.
        """
        step, recorder = self._pending, self._recorder
        if step is None or recorder is None or (self.step + 1) % recorder.plan.look_every:
            return True
        scaled = self._facts.scaler is not None and self._facts.scaler.is_enabled()
        if scaled or step.total_norm is None:
            return math.isfinite(float(step.loss))
        return math.isfinite(float(step.loss)) and math.isfinite(float(step.total_norm))

    @property
    def is_scaled(self) -> bool:
        """Whether a scaler is in use, whether it was passed or found."""
        return self._facts.scaler is not None

    def flush(self) -> None:
        """Pass on what was recorded."""
        if self._recorder is not None:
            self._look(self._recorder)
            series = self._recorder.flush()
            self._flushed_at = time.perf_counter()
            self._sink.window(self.step, series)

    def peak_memory_bytes(self) -> int | None:
        """Peak memory of the GPU in bytes."""
        return torch.cuda.max_memory_allocated(self._device) if self._device.type == "cuda" else None

    # --- its parts ---

    def _begin_pass(self) -> None:
        """Give a step up whose gradients were thrown away: a scaler, or the loop itself, has skipped it.

        Or another pass makes those that the optimizer takes, as in sharpness-aware minimization.
        """
        if self._pending is None or self._recorder is None or not self._gradients.are_thrown_away:
            return
        self._given_up, self._pending = self._pending, None
        self._watch.step_done()
        self._arm(self._recorder)

    def _take_back_what_was_given_up(self, recorder: Recorder) -> None:
        if self._given_up is not None:
            recorder.take_back(self.step)
            self._given_up = None

    def _begin(self, loss: Tensor | None) -> Recorder:
        """Find the sites and weights, after the first backward pass."""
        if not isinstance(self._taps, Discovery):
            raise TypeError("the sites are already known")
        subject = Subject.of(self._model, self._optimizer, self._taps, loss=loss)
        self._found, self._device, self._embeddings = subject.found, subject.device, subject.embeddings
        self._sharded = subject.split > 0
        self._gradients = Gradients(subject.parameters, self._optimizer, scaler=self._facts.scaler)
        look_every = LOOK_EVERY.get(subject.device.type, LOOK_EVERY_ELSEWHERE)
        plan = RecordingSteps(self._facts.plan, self._facts.steps, look_every=look_every)
        batch_size = self._samples()
        self._probing.begin(self._found, device=self._device, cost=subject.cost(batch_size=batch_size))
        seen = not self.steps_within_backward
        self._recorder = subject.recorder(plan, batch_size=batch_size, weights_seen=seen)
        self._units = Units(self._found)
        self._unclipped = torch.zeros((), dtype=torch.float64, device=subject.device)
        self._begin_look(plan)
        self._watch.look_at(
            {each.key[0] for each in self._found},
            entered={each.key[0] for each in self._found if each.attends},
            after_sites={each.after[0] for each in self._found if each.after is not None}
            - {each.key[0] for each in self._found},
        )
        self._sink.found(
            self._recorder.site_infos,
            self._recorder.weight_infos,
            batch_size=batch_size,
            environment=subject.environment(self._model, self._optimizer, weights_seen=seen),
        )
        return self._recorder

    def _seems_finite(self, loss: Tensor) -> bool:
        """Whether the loss of this step is finite, and a sample of its gradients."""
        return math.isfinite(float(loss)) and math.isfinite(self._gradients.sampled_norm())

    def _record(self, recorder: Recorder, step: StepUnderWay) -> None:
        """Record the gradients of a step."""
        scale, weights_scale = self._gradients.scale, self._gradients.weights_scale
        measured = self._gradients.norms()
        norms = _unscaled(measured, weights_scale)
        total_norm, observation = torch.linalg.vector_norm(norms), self._observe(recorder)
        step.measured = Measured(measured, total_norm, observation)
        if observation is None:
            recorder.pass_by(self.step, loss=step.loss, norms=norms, total_norm=total_norm)
            return
        recorder.after_backward(
            observation,
            loss=step.loss,
            norms=norms,
            total_norm=total_norm,
            loss_scale=scale,
            weights_scale=weights_scale,
        )

    def _arm(self, recorder: Recorder) -> None:
        """Observe the next forward pass according to the plan."""
        plan = recorder.plan
        self._begin_look(plan)
        recorded = plan.sites(self.step) and bool(self._found)
        units = self._units if self._units.looks else None
        seen = recorded or units is not None
        if not seen:
            self._taps, self._watch.viewer = self._idle, UNINTERESTED
            return
        full, safely = plan.full(self.step), self._watch.guarded
        self._taps = Taps(self._found, full=full, safely=safely, gradients=recorded, units=units)
        self._watch.viewer = self._taps

    def _begin_look(self, plan: RecordingSteps) -> None:
        if plan.units(self.step):
            self._units.begin()

    def _observe(self, recorder: Recorder) -> Observation | None:
        if not recorder.plan.basic(self.step):
            return None
        full = recorder.plan.full(self.step)
        observation = Observation(self.step, full, batch_size=self._samples())
        if isinstance(self._taps, Discovery):
            observation.values = self._taps.values(self._found)
            grads = {name: value.grad for name, value in observation.values.items()}
            observation.gradients = {name: grad for name, grad in grads.items() if grad is not None}
        elif full:
            observation.values, observation.gradients = self._taps.values()
        elif recorder.plan.sites(self.step):
            observation.site_rms = self._taps.rms()
        if full:
            observation.own = self._own_statistics(observation)
        return observation

    def _own_statistics(self, observation: Observation) -> dict[str, Tensor]:
        taps = self._taps
        return own_statistics(
            [each.site for each in self._found],
            observation.values,
            attention=taps.attention(self._found) if isinstance(taps, Discovery) else taps.attention(),
            embeddings=self._embeddings,
            sharded=self._sharded,
        )

    def _samples(self) -> int:
        """Samples of this step: of the passes that something came back to, where that was seen."""
        seen = self._taps.samples if isinstance(self._taps, Taps) else 0
        return self._facts.batch_size or seen or max(1, self._watch.samples)

    def _look_for_dead_units(self, recorder: Recorder, observation: Observation | None) -> None:
        """Count the units that were off on the samples of the last steps, where enough of them were seen."""
        if not self._units.looks:
            return
        if isinstance(self._taps, Discovery) and observation is not None and observation.values:
            for index, each in enumerate(self._found):
                self._units.see(index, observation.values[each.site.tap])
        counted = self._units.saw(self.step, samples=self._samples())
        if counted is not None:
            recorder.put_dead(*counted)

    def _look(self, recorder: Recorder) -> None:
        """See what the last steps were, where that was not seen yet."""
        if self._broke:
            return
        recorder.see_probes()
        for step, loss, grad_norm in self._unseen.take():
            if not (math.isfinite(loss) and (grad_norm is None or math.isfinite(grad_norm))):
                recorder.broke(step)
                self._broke, self.step, self._watch.viewer = True, step, None
                self.flush()
                self._sink.broke(step)
                return
            recorder.plan.saw(step, loss=loss, grad_norm=grad_norm)
            self.spikes.saw(step, loss, is_last=step == self.step - 1, samples=self._samples_before)


def _unscaled(norms: Tensor, scale: float) -> Tensor:
    return norms if scale == 1.0 else norms / scale
