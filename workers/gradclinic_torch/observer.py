"""Follows a training that is not ours, step by step, and has the recorder write down what it sees.

after_backward   the first one finds the sites (`discover`); recorder.after_backward, or pass_by
before_step      the probe, where one is due; recorder.after_clipping
after_step       recorder.after_step; a look at what is not finite; the window, where it is full
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from gradclinic.experiments.experiment import RecordingPlan
from gradclinic.kernel.json import JsonObject
from gradclinic.measurements.record import Series, SiteInfo, WeightInfo

from .discovery import Discovery, Found
from .environment import environment_of
from .hooks import Uninterested, Watch
from .placement import is_split, plain
from .probe import probe_loss
from .recorder import Observation, Recorder
from .recording_steps import RecordingSteps
from .reductions import norms_of
from .taps import ProbeTaps, Taps, Units
from .untold_scaler import scaler_behind
from .weights import unseen_in, weights_in

WINDOW_SECONDS, WINDOW_RECORDS = 1.0, 250
LOOK_EVERY = {"cpu": 1}
"""Steps between two looks at whether the loss is still finite, by device; elsewhere a look waits for the device."""
LOOK_EVERY_ELSEWHERE = 16
CLIPPED = 1 - 1e-6
"""A gradient counts as clipped when its norm has become smaller than by rounding."""


class Sink(Protocol):
    """Who takes what was seen."""

    def found(
        self, sites: list[SiteInfo], weights: list[WeightInfo], *, batch_size: int, environment: JsonObject
    ) -> None:
        """What is recorded for; nothing is recorded yet."""

    def window(self, step: int, series: dict[str, Series]) -> None:
        """What was recorded since the last one, up to `step` finished steps."""

    def broke(self, step: int) -> None:
        """The loss or the gradient was not finite at this step: what follows is not recorded."""


@dataclass(frozen=True)
class Facts:
    """What a loop's owner says of it."""

    plan: RecordingPlan
    steps: int | None
    batch_size: int | None
    probe: tuple[Any, Any] | None
    criterion: nn.Module | None
    scaler: Any


@dataclass
class _Step:
    """A step under way, from its first backward to the optimizer's."""

    loss: Tensor
    total_norm: Tensor
    observation: Observation | None = None
    learning_rate: float = float("nan")
    told: list[tuple[Tensor, Tensor | None]] = field(default_factory=list)
    """The losses of its passes, and what each was multiplied by before its backward, where that was seen."""


class Observer:
    """One training, followed until it ends or breaks."""

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, facts: Facts, *, watch: Watch, sink: Sink
    ) -> None:
        self.step = 0
        """Steps that the optimizer has taken."""
        self.seconds = 0.0
        """What recording took."""
        self._began: float | None = None
        self._last = 0.0
        self._model, self._optimizer, self._facts = model, optimizer, facts
        self._watch, self._sink = watch, sink
        self._found: list[Found] = []
        self._taps: Discovery | Taps = Discovery()
        self._watch.viewer, self._watch.on_pass = self._taps, self._begin_pass
        self._recorder: Recorder | None = None
        self._parameters: list[nn.Parameter] = []
        self._units = Units([])
        self._pending: _Step | None = None
        self._evaluations = 0
        """How often the optimizer had gradients in this step: some (LBFGS) call a closure several times in one."""
        self._unseen: list[tuple[int, Tensor]] = []
        self._flushed_at = time.perf_counter()
        self._broke = False

    # --- what happens in a step ---

    def after_backward(self, loss: Tensor | float, *, gradient: Tensor | None = None) -> None:
        """The gradients of a step are there, before any clipping; again where more of them are accumulated.

        gradient: what came back to the loss, a scalar, where that was seen.
        """
        if self._broke:
            return
        self._watch.pass_done()
        self._began = self._began or time.perf_counter()
        with self._timed():
            value = loss.detach() if isinstance(loss, Tensor) else torch.tensor(float(loss))
            value = value.double().reshape(())
            if self._recorder is None and self._facts.scaler is None and gradient is not None:
                self._facts = replace(self._facts, scaler=scaler_behind(float(gradient)))
            recorder = self._recorder or self._begin(loss if isinstance(loss, Tensor) else None)
            scale = self._scale()
            step = self._pending
            if step is None:
                step = self._pending = _Step(value, value)
            else:
                recorder.take_back(self.step)
            step.told.append((value, None if gradient is None else gradient.double() / scale))
            step.loss = _loss_of(step.told)
            weights_scale = 1.0 if self._is_unscaled() else scale
            norms = self._norms() / weights_scale
            step.total_norm = norms.norm()
            step.observation = self._observe(recorder)
            if step.observation is None:
                recorder.pass_by(self.step, loss=step.loss, norms=norms, total_norm=step.total_norm)
                return
            recorder.after_backward(
                step.observation,
                loss=step.loss,
                norms=norms,
                total_norm=step.total_norm,
                loss_scale=scale,
                weights_scale=weights_scale,
            )

    def before_step(self) -> None:
        """The optimizer is about to take a step, with the gradients as they are now."""
        recorder, step = self._recorder, self._pending
        if self._broke or recorder is None or step is None:
            return
        with self._timed():
            if recorder.plan.probe(self.step):
                self._probe(recorder)
            step.learning_rate = float(self._optimizer.param_groups[0]["lr"])
            self._evaluations += 1
            observation = step.observation
            if observation is None:
                return
            scale = 1.0 if self._is_unscaled() else self._scale()
            after = (self._norms() / scale).norm()
            clipped = (after < step.total_norm * CLIPPED).double()
            recorder.after_clipping(observation, clipped=clipped, total_norm=after, weights_scale=scale)
            if observation.full and self._facts.probe is None:
                counted = self._units.saw(self.step, observation.values, samples=self._samples())
                if counted is not None:
                    recorder.put_dead(*counted)

    def after_step(self) -> bool:
        """The optimizer has taken a step; False where nothing was said of its gradients."""
        recorder, step, self._last = self._recorder, self._pending, time.perf_counter()
        evaluations, self._evaluations = self._evaluations, 0
        if self._broke:
            return True
        if recorder is None or step is None:
            self.step += 1
            self._watch.step_done()
            self._taps.begins(0)
            return False
        with self._timed():
            if step.observation is not None and evaluations == 1:
                recorder.after_step(step.observation, learning_rate=step.learning_rate)
            self._unseen.append((self.step, torch.stack([step.loss, step.total_norm.to(step.loss.device)])))
            self._pending = None
            self.step += 1
            self._watch.step_done()
            if self.step % recorder.plan.look_every == 0:
                self._look(recorder)
            if not self._broke:
                self._arm(recorder)
                waited = time.perf_counter() - self._flushed_at
                if waited >= WINDOW_SECONDS or recorder.pending >= WINDOW_RECORDS:
                    self.flush()
        return True

    def end(self) -> None:
        """No step follows."""
        recorder = self._recorder
        if recorder is None or self._broke:
            return
        if self._pending is not None:  # a backward without a step: skipped, or the loop was left there
            recorder.take_back(self.step)
            self._pending = None
        self._look(recorder)
        if not self._broke:
            if self.step:
                self._probe(recorder)
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
        seen = step.loss if scaled else step.loss + step.total_norm.to(step.loss.device)
        return bool(torch.isfinite(seen))

    @property
    def is_scaled(self) -> bool:
        """Whether a scaler is in use, told or found."""
        return self._facts.scaler is not None

    def flush(self) -> None:
        """Hand over what was recorded."""
        if self._recorder is not None:
            self._look(self._recorder)
            series = self._recorder.flush()
            self._flushed_at = time.perf_counter()
            self._sink.window(self.step, series)

    @property
    def train_seconds(self) -> float:
        """From the first step's gradients to the end of the last step, without recording."""
        return max(0.0, self._last - self._began - self.seconds) if self._began is not None else 0.0

    def peak_memory_bytes(self) -> int | None:
        """Most bytes that a GPU held."""
        on_gpu = bool(self._parameters) and self._parameters[0].device.type == "cuda"
        return torch.cuda.max_memory_allocated(self._parameters[0].device) if on_gpu else None

    # --- its parts ---

    def _begin_pass(self) -> None:
        """Give a step up whose gradients were thrown away: a scaler, or the loop itself, has skipped it."""
        if self._pending is None or self._recorder is None or not self._is_thrown_away():
            return
        self._recorder.take_back(self.step)
        self._pending = None
        self._watch.step_done()
        self._arm(self._recorder)

    def _is_thrown_away(self) -> bool:
        gradients = [each.grad for each in self._parameters if each.grad is not None]
        return not gradients or (
            self._facts.scaler is not None and not any(bool(plain(each).any()) for each in gradients)
        )

    def _begin(self, loss: Tensor | None) -> Recorder:
        """Find what there is to record, after the first backward."""
        discovery = self._taps
        if not isinstance(discovery, Discovery):
            raise TypeError("the sites are known already")
        self._found, readout = discovery.find(loss)
        groups = self._optimizer.param_groups
        trained = {id(parameter) for group in groups for parameter in group["params"]}
        self._parameters = list(
            dict.fromkeys([*self._model.parameters(), *(each for group in groups for each in group["params"])])
        )
        device = self._parameters[0].device
        look_every = LOOK_EVERY.get(device.type, LOOK_EVERY_ELSEWHERE)
        batch_size = self._samples()
        split = sum(is_split(each) for each in self._parameters)
        weights = [
            each for each in weights_in(self._model, discovery, readout, trained=trained) if not is_split(each[0])
        ]
        self._recorder = Recorder(
            [(each.site, each.info) for each in self._found],
            weights,
            parameters=self._parameters,
            plan=RecordingSteps(self._facts.plan, self._facts.steps, look_every=look_every),
            batch_size=batch_size,
            norm_is_known=not split,
        )
        self._units = Units(self._found)
        keys = [key for each in self._found for key in (each.key, each.after) if key is not None]
        self._watch.look_at({name for name, _ in keys})
        self._sink.found(
            self._recorder.site_infos,
            self._recorder.weight_infos,
            batch_size=batch_size,
            environment=environment_of(
                self._model,
                self._optimizer,
                self._parameters,
                device=device,
                sites=self._site_infos(),
                unseen=unseen_in(self._model, discovery),
                split=split,
            ),
        )
        return self._recorder

    def _arm(self, recorder: Recorder) -> None:
        """Look at the next forward pass as the plan has it."""
        recorded = recorder.plan.basic(self.step) and bool(self._found)
        self._watch.viewer = self._taps = Taps(self._found, full=recorder.plan.full(self.step))
        if not recorded:
            self._watch.viewer = Uninterested()

    def _observe(self, recorder: Recorder) -> Observation | None:
        if not recorder.plan.basic(self.step):
            return None
        full = recorder.plan.full(self.step)
        observation = Observation(self.step, full, batch_size=self._samples())
        if isinstance(self._taps, Discovery):
            observation.values = self._taps.values(self._found)
        elif full:
            observation.values = self._taps.values()
        else:
            observation.site_rms = self._taps.rms()
        return observation

    def _samples(self) -> int:
        """Samples of this step: of the passes that something came back to, where that was seen."""
        seen = self._taps.samples if isinstance(self._taps, Taps) else 0
        return self._facts.batch_size or seen or max(1, self._watch.samples)

    def _norms(self) -> Tensor:
        """[parameters]: L2 norm of each one's gradient, 0 where it has none or is split over several processes."""
        known = [
            (index, plain(each.grad))
            for index, each in enumerate(self._parameters)
            if each.grad is not None and not is_split(each.grad)
        ]
        norms = torch.zeros(len(self._parameters), dtype=torch.float64, device=self._parameters[0].device)
        if known:
            found = norms_of([each.coalesce().values() if each.is_sparse else each for _, each in known])
            if len(known) == len(norms):
                return found
            norms[torch.tensor([index for index, _ in known], device=norms.device)] = found
        return norms

    def _scale(self) -> float:
        scaler = self._facts.scaler
        return float(scaler.get_scale()) if scaler is not None and scaler.is_enabled() else 1.0

    def _is_unscaled(self) -> bool:
        """Whether the weights' gradients are no longer what the scaler made of the loss."""
        scaler = self._facts.scaler
        if scaler is None or not scaler.is_enabled():
            return True
        return bool(scaler._per_optimizer_states[id(self._optimizer)]["stage"].name != "READY")

    def _probe(self, recorder: Recorder) -> None:
        probe, criterion = self._facts.probe, self._facts.criterion
        if probe is None or criterion is None:
            return
        taps, viewer = ProbeTaps(self._found), self._watch.viewer
        self._watch.viewer = taps
        try:
            loss = probe_loss(self._model, criterion, probe, device=self._parameters[0].device)
        finally:
            self._watch.viewer = viewer
        recorder.after_probe(self.step, loss=loss, values=taps.values if taps.complete else None)

    def _look(self, recorder: Recorder) -> None:
        """See what the last steps were, where that was not seen yet."""
        if not self._unseen or self._broke:
            return
        shown, steps = torch.stack([pair for _, pair in self._unseen]).tolist(), [step for step, _ in self._unseen]
        self._unseen = []
        for step, (loss, grad_norm) in zip(steps, shown, strict=True):
            if not (np.isfinite(loss) and np.isfinite(grad_norm)):
                recorder.broke(step)
                self._broke, self.step, self._watch.viewer = True, step, None
                self.flush()
                self._sink.broke(step)
                return
            recorder.plan.saw(step, loss=loss, grad_norm=grad_norm)

    def _site_infos(self) -> list[SiteInfo]:
        return [each.info for each in self._found]

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            with torch.no_grad():
                yield
        finally:
            self.seconds += time.perf_counter() - began


def _loss_of(told: Sequence[tuple[Tensor, Tensor | None]]) -> Tensor:
    """The loss of a step from those of its passes.

    Accumulation divides each loss by the number of passes, before or after it is told. What came back to the loss shows
    what it was divided by after that.
    """
    if len(told) == 1:
        return told[0][0]
    parts = [loss if factor is None else loss * factor.to(loss.device).clamp(max=1.0) for loss, factor in told]
    return torch.stack([part.to(parts[0].device) for part in parts]).sum()
