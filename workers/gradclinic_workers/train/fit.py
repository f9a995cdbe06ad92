"""The training loop.

    build, initialize -> started
    for each step:
        probe, where the plan has one               recorder.after_probe
        forward                                      recorder.tap, at each site
        backward                                     recorder.after_backward, or pass_by
        not finite? stop here, without the update    recorder.after_backward, for the repeated step
        clip                                         recorder.after_clipping
        optimizer step                               recorder.after_step
            on a GPU that is noticed late: back to the last sound step, and on from there, looking at every step
    window full? flush -> reporter.flushed, with a checkpoint if due
        stop_when fulfilled? reporter.decided -> end here, as if this were the last step
    probe, final losses -> RunRecord

Recording does not affect training: without a recorder, weights are bit-for-bit the same.
A run is a pure function of its experiment (including the seed), the device and the library versions.
A run resumed from its checkpoint measures the same as an uninterrupted one.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from gradclinic.diagnosis.stopping import due
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import lower
from gradclinic.kernel.errors import TrainingFailed
from gradclinic.measurements.estimate import estimate
from gradclinic.measurements.growing import GrowingSeries
from gradclinic.measurements.losses import LEARNED
from gradclinic.measurements.record import Outcome, RunRecord
from gradclinic.measurements.schedule import planned
from gradclinic_torch.measure.observation import Observation
from gradclinic_torch.measure.recorder import Recorder
from gradclinic_torch.measure.recording_steps import RecordingSteps
from gradclinic_torch.measure.reductions import norms_of

from .build import build, build_optimizer
from .checkpoint import Stateful, checkpoint_of, resume
from .clip import clip
from .clock import clock_of
from .declared import declared_sites, declared_weights
from .device import clear, drawn_batch, out_of_memory, ran_out_of_memory
from .divergence import DivergenceCheck
from .first_look import first_look
from .initialize import BATCHES, NOISE, generator, initialize, stream
from .lsuv import calibrate
from .objective import PROBE_SAMPLES, Objective
from .outcome import outcome
from .precision import LossScale
from .progress import Progress
from .reporter import Interrupted, Reporter, Silent
from .snapshot import Snapshot, random_state, seed_noise, set_random_state

WINDOW_SECONDS, WINDOW_RECORDS = 1.0, 250
CHECK_EVERY = {"cpu": 1, "cuda": 16}
"""Steps between checks whether the loss is finite, by device; on a GPU each check waits for the device."""


def train(
    experiment: Experiment,
    *,
    device: str = "cpu",
    reporter: Reporter | None = None,
    checkpoint: bytes | None = None,
    record: bool = True,
) -> RunRecord:
    """Train one resolved experiment to its end and return its record.

    With a checkpoint it resumes, and the record holds what was measured since. With `record=False` only the outcome
    is measured. Raises Interrupted, or TrainingFailed with an actionable reason.
    """
    devices = [device] if device.startswith("cuda") else []
    clear(device)
    with torch.random.fork_rng(devices=devices):
        try:
            return Fit(experiment, device=device, reporter=reporter or Silent(), record=record).run(checkpoint)
        except (MemoryError, RuntimeError) as error:
            if not ran_out_of_memory(error):
                raise
            raise out_of_memory(device, estimated_bytes=estimate(experiment).memory_bytes) from error


class Fit:
    """One training run in progress."""

    def __init__(self, experiment: Experiment, *, device: str, reporter: Reporter, record: bool) -> None:
        self.experiment, self.device, self.reporter = experiment, torch.device(device), reporter
        training = experiment.training
        self.network = lower(experiment)
        self.modules = build(self.network.nodes)
        by_name = dict(self.modules.named())
        initialize(by_name, self.network, experiment)
        for node in self.network.weighted:
            if getattr(node.layer, "trainable", True) is False:
                by_name[node.name].requires_grad_(False)  # noqa: FBT003  # torch's own signature
        if self.device.type != "cpu":
            self.modules.to(self.device)
        self.parameters = [parameter for parameter in self.modules.parameters() if parameter.requires_grad]
        if not self.parameters:
            raise TrainingFailed(
                "all layers are frozen, so there is nothing to train; set trainable to true for at least one layer"
            )
        self.optimizer = build_optimizer(experiment.optimizer, self.parameters)
        rows = planned(experiment, self.network).probe_rows or PROBE_SAMPLES
        self.objective = Objective(self.modules, experiment, self.device, probe_rows=rows)
        calibrate(by_name, self.network, experiment, forward=self.objective.probe_outputs)
        self.loss_scale = LossScale(training.precision)
        self.batches = generator(training.seed, BATCHES)
        seed_noise(stream(training.seed, NOISE), device=self.device)
        self.look_every = CHECK_EVERY[self.device.type]
        self.recorder = Recorder(
            declared_sites(self.network),
            declared_weights(self.network, self.modules),
            parameters=self.parameters,
            plan=RecordingSteps(experiment.recording, training.steps, look_every=self.look_every),
            batch_size=training.batch_size,
        )
        self.record = record
        self.recorded = GrowingSeries()
        self.progress = Progress()
        self.divergence = DivergenceCheck(
            self.progress, self.recorder, every=self.look_every, steps=training.steps, record=record
        )
        self.snapshot = Snapshot(self.stateful())
        self.clock = clock_of(self.device)
        self.probed_at_end = False
        """Whether the probe after the last step was measured, together with those of other lanes."""
        self._flushed_at = time.perf_counter()

    def run(self, checkpoint: bytes | None) -> RunRecord:
        """The loop described in the module's docstring."""
        self.begin(checkpoint)
        while not self.has_ended:
            self.stop_if_asked()
            if self.has_ended or self.is_decided():
                break
            self.one_step()
            self._repeat_what_broke()
            if self._window_is_full():
                self.flush(checkpoint=self.reporter.checkpoint_due())
        return self.end()

    def begin(self, checkpoint: bytes | None) -> None:
        """Continue from a checkpoint, or take a first look; then tell the reporter what will be recorded."""
        if checkpoint is not None:
            resume(self.stateful(), checkpoint, into=self.progress)
        else:
            self.progress.initial_loss, outputs = self.objective.evaluated()
            if self.record:
                with self.clock.recording():
                    self.progress.preflight = first_look(self.experiment, self.network, self.objective, outputs)
        if self.record:
            with self.clock.recording():
                self.recorder.note_precision(self.objective.precisions(self.recorder.taps))
        if self.device.type == "cuda":
            self._warm_up()
        self.reporter.started(self._record(outcome=None))

    @property
    def has_ended(self) -> bool:
        """Whether the last step was taken, or a step broke."""
        return self.has_taken_all_steps or self.progress.broke()

    @property
    def has_taken_all_steps(self) -> bool:
        """Whether the last step was taken."""
        return self.progress.step >= self.experiment.training.steps

    def stop_if_asked(self) -> None:
        """Raise Interrupted with everything saved, if the reporter wants that; not after a step that broke."""
        if self.reporter.should_stop():
            self.interrupt()

    def interrupt(self) -> None:
        """Save everything and raise Interrupted; only save if a step broke."""
        self.flush(checkpoint=True)
        if not self.progress.broke():
            raise Interrupted(self.progress.step)

    def end(self) -> RunRecord:
        """Probe, flush and evaluate after the last step."""
        if not self.progress.broke() and not self.probed_at_end:
            self._probe()
        self.flush(checkpoint=False)
        return self._record(outcome=outcome(self.objective, self.progress, device=self.device))

    def is_decided(self) -> bool:
        """Whether to stop early here. This is checked before a step, so a run that resumes here checks again."""
        if not due(self.experiment.training.stop_when, step=self.progress.step):
            return False
        self.flush(checkpoint=self.reporter.checkpoint_due())
        finding = None if self.progress.broke() else self.reporter.decided(self._record(outcome=None))
        self.progress.stopped_on = finding.condition if finding is not None else None
        return finding is not None or self.progress.broke()

    def one_step(self) -> None:
        """Take the next step."""
        with self.clock.step():
            if self.look_every > 1 and self.divergence.has_seen_all:
                self.snapshot.take(self.progress)
                self.clock.keep()
            self._step()

    def _step(self) -> None:
        self._probe()
        size = self.experiment.training.batch_size
        self.learn(drawn_batch(len(self.objective.inputs), size, generator=self.batches, device=self.device))

    def learn(self, chosen: Tensor) -> None:
        """Take a step on a batch of samples, [batch_size] places in the training set."""
        step, training = self.progress.step, self.experiment.training
        learning_rate = self.experiment.optimizer.learning_rate * self.experiment.schedule.factor(step, training.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        observation = self.recorder.observe(step) if self.record else None
        noise = random_state(self.device) if self._could_be_repeated(observation) else None
        scale = self.loss_scale.value
        loss, gradients = self._there_and_back(chosen, observation)
        norms = norms_of(gradients)
        total_norm = norms.norm()
        if self.loss_scale.skips(loss, total_norm):  # nothing is recorded: the overflow was caused only by this scale
            self.progress.step = step + 1
            self.divergence.look(after=step)
            return
        if self.record:
            with self.clock.recording():
                if observation:
                    self.recorder.after_backward(
                        observation, loss=loss, norms=norms, total_norm=total_norm, loss_scale=scale
                    )
                else:
                    self.recorder.pass_by(step, loss=loss, norms=norms, total_norm=total_norm)
        self.divergence.add(step, loss=loss, total_norm=total_norm)
        self.divergence.look(after=step)
        if not self.progress.broke():
            self._update(observation, gradients, norms=norms, total_norm=total_norm, learning_rate=learning_rate)
            self.progress.step = step + 1
        elif noise is not None:
            with self.clock.recording():
                self._repeat(chosen, noise=noise, scale=scale)

    def _there_and_back(self, chosen: Tensor, observation: Observation | None) -> tuple[Tensor, list[Tensor]]:
        """Loss of a batch, and the unscaled gradients of all trained parameters."""
        self.optimizer.zero_grad(set_to_none=True)
        tap = partial(self.recorder.tap, observation) if observation and observation.sites else None
        outputs = self.objective.outputs(self.objective.inputs[chosen], tap)
        loss = self.objective.loss(outputs, self.objective.targets[chosen])
        self.loss_scale.backward(loss)
        gradients = [_gradient_of(parameter) for parameter in self.parameters]
        self.loss_scale.unscale(gradients)
        return loss, gradients

    def _could_be_repeated(self, observation: Observation | None) -> bool:
        """Whether a non-finite step should be recorded in full, which is possible if it is noticed immediately."""
        partly = observation is None or not observation.full
        return self.record and partly and self.look_every == 1 and self.recorder.plan.adaptive

    def _repeat_what_broke(self) -> None:
        """If a step broke unnoticed, go back to the last sound one and repeat the steps since, looking at each.

        If none of them breaks this time, since a kernel is not deterministic after all, the training goes on from them.
        """
        broken, seldom = self.progress.nonfinite_step, self.look_every
        if broken is None or seldom == 1:
            return
        self.snapshot.restore(self.progress)
        self.clock.go_back()
        self._look_every(1)
        while self.progress.step <= broken and not self.progress.broke():
            self.one_step()
        if not self.progress.broke():
            self._look_every(seldom)

    def _look_every(self, steps: int) -> None:
        self.look_every = self.divergence.every = self.recorder.plan.look_every = steps

    def _repeat(self, chosen: Tensor, *, noise: list[Tensor], scale: float) -> None:
        """Repeat the non-finite step to record everything; no weight has changed since it started."""
        set_random_state(noise, device=self.device)
        self.loss_scale.value = scale
        observation = Observation(self.progress.step, full=True)
        with self._buffers_kept():
            loss, gradients = self._there_and_back(chosen, observation)
        norms = norms_of(gradients)
        self.recorder.drop(self.progress.step)
        self.recorder.after_backward(observation, loss=loss, norms=norms, total_norm=norms.norm(), loss_scale=scale)

    def _warm_up(self) -> None:
        """Go there and back once, and forget it, so that no timed step pays for the loading of a GPU's kernels."""
        noise = random_state(self.device)
        with self._buffers_kept():
            size = self.experiment.training.batch_size
            self._there_and_back(torch.arange(size, device=self.device) % len(self.objective.inputs), None)
        self.optimizer.zero_grad(set_to_none=True)
        set_random_state(noise, device=self.device)

    @contextmanager
    def _buffers_kept(self) -> Iterator[None]:
        """Give buffers, such as the running statistics of batch norm, their values back."""
        buffers = [(buffer, buffer.clone()) for buffer in self.modules.buffers()]
        yield
        for buffer, before in buffers:
            buffer.copy_(before)

    def _update(
        self,
        observation: Observation | None,
        gradients: list[Tensor],
        *,
        norms: Tensor,
        total_norm: Tensor,
        learning_rate: float,
    ) -> None:
        clipped = clip(self.experiment.clipping, gradients, total_norm, weights=self.parameters)
        if observation:
            with self.clock.recording():
                if clipped is not None:
                    norms = norms_of(gradients)
                    total_norm = norms.norm()
                self.recorder.after_clipping(observation, clipped=clipped, norms=norms, total_norm=total_norm)
        self.optimizer.step()
        if observation:
            with self.clock.recording():
                self.recorder.after_step(observation, learning_rate=learning_rate)

    # --- measuring without side effects ---

    def _probe(self) -> None:
        """Measure the probe's loss, and look for dead units, where either is due."""
        step, plan = self.progress.step, self.recorder.plan
        probe, units = self.record and plan.probe(step), self.record and plan.units(step)
        if not probe and not units:
            return
        with self.clock.recording():
            values: dict[str, Tensor] = {}
            tap = partial(self.recorder.probe_tap, values) if units and self.recorder.can_die else None
            if probe:
                loss = self.objective.probe_loss(tap if self.objective.probe_is_whole else None)
                self.recorder.after_probe(step, loss=loss)
            if tap is not None and not values:
                self.objective.probe_outputs(tap)
            if units:
                self.recorder.after_look(step, values=values)

    # --- windows, checkpoints, results ---

    def _window_is_full(self) -> bool:
        waited = time.perf_counter() - self._flushed_at
        return waited >= WINDOW_SECONDS or self.recorder.pending >= WINDOW_RECORDS

    def flush(self, *, checkpoint: bool) -> None:
        """Hand everything recorded since the last flush to the reporter."""
        self.divergence.see()
        self._repeat_what_broke()
        with self.clock.recording():
            window = self.recorder.flush()
        self.clock.read(into=self.progress)
        self.recorded.append(window)
        self.progress.saw_probe(window.get("probe_loss"), target=LEARNED * self.objective.constant_loss)
        state = checkpoint_of(self.stateful(), self.progress) if checkpoint and not self.progress.broke() else None
        self.reporter.flushed(step=self.progress.step, series=window, checkpoint=state)
        self._flushed_at = time.perf_counter()

    def stateful(self) -> Stateful:
        """What a checkpoint holds."""
        return Stateful(self.modules, self.optimizer, self.batches, self.recorder, self.loss_scale, self.device)

    def _record(self, *, outcome: Outcome | None) -> RunRecord:
        clipping = self.experiment.clipping
        return RunRecord(
            steps=self.experiment.training.steps,
            batch_size=self.experiment.training.batch_size,
            sites=tuple(self.recorder.site_infos),
            weights=tuple(self.recorder.weight_infos),
            series=self.recorded.series(),
            outcome=outcome,
            clipping=clipping.to_json() if clipping is not None else None,
            parameters=self.network.parameters,
            preflight=self.progress.preflight,
        )


def _gradient_of(parameter: nn.Parameter) -> Tensor:
    """The parameter's gradient; set to zeros if there is none, so that every parameter has one."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad
