"""The task: claim a run, train it, store its statistics, diagnose it and end it.

If the run is a lane of an ensemble, the other queued ones of it are claimed, too. Each has its own lease and ending.

queued ── claim ──> running ── trained ───────────────> succeeded, with its diagnosis
│ ├──── cannot be trained ─────> failed, with a reason
│ ├──── asked to stop ─────────> canceled
│ └──── draining ──────────────> queued, at its checkpoint
└ lease lost: nothing more is written
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, NoReturn, TypeVar

import structlog
from celery import shared_task

from gradclinic.checkpoints import Checkpoints
from gradclinic.diagnosis import Diagnosis, diagnose
from gradclinic.diagnosis.finding import Finding
from gradclinic.diagnosis.stopping import reason_to_stop
from gradclinic.experiments.experiment import Experiment, StopWhen
from gradclinic.kernel.errors import CheckpointUnusable, LeaseLost, NotFound, ServiceUnavailable, TrainingFailed
from gradclinic.measurements.ensemble import Alone, Form, form_of
from gradclinic.measurements.growing import GrowingSeries
from gradclinic.measurements.record import RunRecord, Series
from gradclinic.queue.messages import TRAIN
from gradclinic.settings import Settings
from gradclinic.store import Lease, Message, Reason
from gradclinic.use_cases.service import Service

from ..train.reporter import Interrupted
from .held_run import CANCELED, HeldRun, draining, too_long

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

CLAIM_TRIES = 10
CLAIM_PAUSE_S = 1.0
TIDY_EVERY_S = 600.0

DRAINED = Reason("drained", "its worker was asked to stop; the run continues from its checkpoint")
INTERNAL = Reason("internal_error", "training stopped on an internal error; see the worker's log for the run's id")


@shared_task(name=TRAIN, ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def train(run_id: str) -> None:
    """Train the run whose turn it is. The message only says that a run waits: the one named may have been taken."""
    trainer().train(run_id)


class Trainer:
    """State that a worker's child keeps between runs: connections, folders, torch."""

    def __init__(self, settings: Settings, *, owner: str, queues: str = "cpu") -> None:
        # The slow part of a child's start, while nobody waits for it; torch imports _dynamo with the first optimizer.
        import torch._dynamo  # noqa: F401

        from gradclinic_torch.measure import one_pass

        from ..train import device, fit  # noqa: F401

        one_pass.load()
        device.make_deterministic()
        self.device = "cuda" if "gpu" in queues.split(",") else "cpu"
        device.prove(self.device)
        device.limit_memory(self.device, most=settings.max_device_bytes, sharing=settings.workers_per_gpu)
        self.settings, self.owner, self.queues = settings, owner, queues
        self.service = Service.of(settings).everywhere()
        self.store, self.queue = self.service.store, self.service.queue
        self.checkpoints = Checkpoints(settings.checkpoint_dir)
        self.run_id: str | None = None
        self._presence, self._left = threading.Lock(), threading.Event()

    def train(self, hinted: str) -> None:
        """Claim the run whose turn it is and train it to its end, or return it to the queue.

        `hinted` is the run whose message was received.
        """
        if draining.is_set():
            self._pass_on(hinted)
            return
        lease = self._claim(hinted)
        if lease is None:
            log.debug("duplicate_message", run_id=hinted)
            return
        self.run_id = lease.run_id
        try:
            with _losses_logged(lease):
                others = self._claim_others(lease)
                if others is None:
                    with HeldRun(self.store, lease, self.settings) as held:
                        _Training(self, held).run()
                else:
                    self._train_together([lease, *others])
        finally:
            self.run_id = None

    def _train_together(self, leases: Sequence[Lease]) -> None:
        """Train claimed runs as the lanes of an ensemble; each is ended as soon as it has ended."""
        from ..train.lanes import LaneRun, train_together

        log.info("ensemble_started", lanes=len(leases))
        with ExitStack() as stack:
            held = [HeldRun(self.store, lease, self.settings, lanes=len(leases)) for lease in leases]
            trainings = [_Training(self, stack.enter_context(each)) for each in held]
            ready = [training for training in trainings if training.is_prepared()]
            if not _have_one_form([training.experiment for training in ready]):
                for training in ready:
                    training.train_alone()
                return
            lanes = [LaneRun(training.experiment, training, training.checkpoint) for training in ready]
            for place, result in train_together(lanes):
                ready[place].conclude_lane(result)

    def announce_for_ever(self) -> None:
        """Regularly report that this worker is alive and what it trains, and clean up its checkpoint folder."""
        tidied_at = float("-inf")
        while not self._left.is_set():
            try:
                self._show()
                if time.monotonic() - tidied_at > TIDY_EVERY_S:  # a reconciler may not have access to this folder
                    self.checkpoints.drop_ended(self.store.reconciliation.unfinished)
                    tidied_at = time.monotonic()
            except ServiceUnavailable:
                log.debug("worker_heartbeat_not_stored")
            except OSError as error:
                log.warning("checkpoints_not_removed", reason=str(error))
            self._left.wait(self.settings.heartbeat_s)

    def leave(self) -> None:
        """Report that this worker has stopped."""
        self._left.set()
        with self._presence:
            self.store.reconciliation.worker_left(self.owner)

    def _show(self) -> None:
        with self._presence:  # not after it has unregistered
            if not self._left.is_set():
                self.store.reconciliation.saw_worker(
                    self.owner, queue=self.queues, device=self.device, run_id=self.run_id
                )

    def close(self) -> None:
        """Close all connections."""
        self.service.close()

    def _claim(self, hinted: str) -> Lease | None:
        """The lease of the run whose turn it is; None if none waits, or the database stays unreachable."""
        tried: str | None = None
        """A run whose claim may have been committed without an answer."""
        failures = 0
        while failures < CLAIM_TRIES:
            try:
                run_id = tried or self.store.leases.next_run(hinted, queues=self.queues.split(","))
                if run_id is None:
                    return None
                again, tried = tried is not None, run_id
                lease = self.store.leases.claim(run_id, owner=self.owner, ttl_s=self.settings.lease_ttl_s, again=again)
                if lease is not None:
                    return lease
                tried = None  # another worker was faster
            except ServiceUnavailable:
                failures += 1
                time.sleep(CLAIM_PAUSE_S)
        log.warning("claim_failed", run_id=hinted)  # the run waits; the reconciler announces it again
        return None

    def _claim_others(self, first: Lease) -> list[Lease] | None:
        """The leases of the queued runs of a run's ensemble; None if it is trained alone."""
        leases, owner, ttl_s = self.store.leases, self.owner, self.settings.lease_ttl_s
        if self.settings.max_lanes == 1:
            return None
        others = _persist(lambda _: leases.others_of_ensemble(first.run_id))
        if others is None:
            return None
        claimed = []
        for run_id in others[: self.settings.max_lanes - 1]:
            lease = _persist(lambda again, run_id=run_id: leases.claim(run_id, owner=owner, ttl_s=ttl_s, again=again))  # type: ignore[misc]  # mypy cannot infer it
            claimed += [lease] if lease is not None else []
        return claimed

    def _pass_on(self, run_id: str) -> None:
        try:
            run = self.store.runs.get(run_id)
        except (NotFound, ServiceUnavailable) as error:
            log.warning("message_not_resent", run_id=run_id, reason=str(error))  # the reconciler sends another
            return
        self.service.announce([Message(run.id, run.queue)])  # also if it was taken: another one waits


class _Training:
    """One attempt at one run; it is the reporter of the training loop."""

    def __init__(self, trainer: Trainer, held: HeldRun) -> None:
        self._trainer, self._held, self._run = trainer, held, held.lease.run
        self._environment: dict[str, Any] = {}
        self._saved_at = time.monotonic()
        self._stop_when: StopWhen | None = None
        self._recorded = GrowingSeries()
        """Everything the run has recorded, including earlier attempts; kept only for `stop_when`."""
        self.checkpoint: bytes | None = None
        """The state that it resumes from."""

    def run(self) -> None:
        """Train the run alone, and end it."""
        from ..train import fit

        result: RunRecord | Exception
        try:
            where = self._prepare()
            result = fit.train(self.experiment, device=where, reporter=self, checkpoint=self.checkpoint)
        except Exception as error:  # noqa: BLE001  # it is concluded from
            result = error
        self._conclude(result)

    # --- one of several lanes ---

    def is_prepared(self) -> bool:
        """Prepare the run as a lane; if that fails, it is ended or left, and the others go on."""
        try:
            self._prepare()
        except Exception as error:  # noqa: BLE001  # it is concluded from
            self.conclude_lane(error)
            return False
        return True

    def train_alone(self) -> None:
        """Train the run after all, while other lanes wait for their turn."""
        with _losses_logged(self._held.lease):
            self.run()

    def conclude_lane(self, result: RunRecord | Exception) -> None:
        """End the run, or leave it to its next attempt; nothing that goes wrong affects the other lanes."""
        with _losses_logged(self._held.lease):
            try:
                self._conclude(result)
            except (LeaseLost, ServiceUnavailable):
                raise
            except Exception:
                log.exception("run_not_ended")  # its lease expires

    # --- what both share ---

    def _prepare(self) -> str:
        """Read the experiment and the checkpoint; returns the device."""
        from ..train import device

        # As JSON: specs are strict, and a list is a JSON array but not a Python tuple.
        experiment = Experiment.model_validate_json(json.dumps(self._run.resolved_experiment))
        self.experiment = experiment.with_uploads(self._trainer.service.uploads)
        self._stop_when = self.experiment.training.stop_when
        where = device.of_queue(self._run.queue)
        self._environment = device.fingerprint(where, text_digest=self.experiment.data.text_digest())
        self.checkpoint = self._resume_state()
        return where

    def _conclude(self, result: RunRecord | Exception) -> None:
        if isinstance(result, RunRecord):
            self._succeeded(result, self.experiment)
        elif isinstance(result, Interrupted):
            self._stopped()
        elif isinstance(result, TrainingFailed):
            self._held.finish(status="failed", reason=Reason(result.code, str(result)))
        elif isinstance(result, LeaseLost | ServiceUnavailable):
            raise result
        else:
            log.error("training_error", exc_info=result)
            self._held.finish(status="failed", reason=INTERNAL)
            self._trainer.checkpoints.drop(self._run.id)
            if self._environment.get("device", "cpu") != "cpu":
                _end_this_process()  # after an error on it, a CUDA context may fail every run that follows
        if self._held.ended:
            self._trainer.checkpoints.drop(self._run.id)

    # --- the reporter ---

    def started(self, record: RunRecord) -> None:
        self._environment["site_dtypes"] = record.layout.site_dtypes
        self._held.save_layout(record.layout, environment=self._environment)
        if self._stop_when is not None and self._run.checkpoint is not None:
            self._recorded = GrowingSeries(self._held.record().series)

    def should_stop(self) -> bool:
        return self._held.stop is not None

    def checkpoint_due(self) -> bool:
        return time.monotonic() - self._saved_at >= self._trainer.settings.checkpoint_every_s

    def flushed(self, *, step: int, series: Mapping[str, Series], checkpoint: bytes | None) -> None:
        pointer = None
        if checkpoint is not None:
            try:
                pointer = self._trainer.checkpoints.save(self._held.lease, step=step, state=checkpoint)
            except OSError as error:  # for example disk full: the run continues and may resume from an older checkpoint
                log.warning("checkpoint_not_saved", step=step, reason=str(error))
            self._saved_at = time.monotonic()
        self._held.save_window(step=step, series=series, checkpoint=pointer)
        if self._stop_when is not None:
            self._recorded.append(series)
        if pointer is not None:
            try:
                self._trainer.checkpoints.keep_only(pointer)
            except OSError as error:  # they are removed when the run ends
                log.warning("checkpoints_not_removed", step=step, reason=str(error))

    def decided(self, record: RunRecord) -> Finding | None:
        if self._stop_when is None:
            return None
        return reason_to_stop(RunRecord.of(record.layout, self._recorded.series()), self._stop_when)

    # --- endings ---

    def _resume_state(self) -> bytes | None:
        pointer = self._run.checkpoint
        if pointer is None:
            return None
        try:
            return self._trainer.checkpoints.load(pointer)
        except CheckpointUnusable as error:
            log.warning("checkpoint_unusable", reason=str(error))
            self._held.restart(reason=f"{error}; the run restarted from step 0")
            return None

    def _succeeded(self, record: RunRecord, experiment: Experiment) -> None:
        whole = replace(self._held.record(), outcome=record.outcome, environment=self._environment)
        reason = Reason("trained", "trained to its end")
        if record.outcome is not None and record.outcome.nonfinite_step is not None:
            reason = Reason("non_finite", f"loss or gradient became non-finite at step {record.outcome.nonfinite_step}")
        elif record.outcome is not None and record.outcome.stopped_on is not None:
            done, condition = record.outcome.steps_done, record.outcome.stopped_on
            text = f"stopped on {condition} after {done} of {record.steps} steps: {1 - done / record.steps:.0%} saved"
            reason = Reason("stopped_on_finding", text)
        diagnosis: Diagnosis | None = None
        try:
            diagnosis = diagnose(whole, experiment=experiment)
        except Exception:
            log.exception("diagnosis_failed")  # the statistics are kept, so the run can be diagnosed again
            reason = Reason("not_diagnosed", f"{reason.text}; its diagnosis failed")
        self._held.finish(status="succeeded", reason=reason, record=whole, diagnosis=diagnosis)

    def _stopped(self) -> None:
        stop, settings = self._held.stop, self._trainer.settings
        if stop == "canceled":
            self._held.finish(status="canceled", reason=CANCELED)
        elif stop == "run_time_limit":
            self._held.finish(status="failed", reason=too_long(settings))
        elif stop == "draining":
            message = self._held.release(reason=DRAINED)
            self._trainer.service.announce([message])
        else:
            raise LeaseLost("another attempt has taken over")


@contextmanager
def _losses_logged(lease: Lease) -> Iterator[None]:
    """Name the run in what is logged; a run that this worker has lost is another attempt's."""
    with structlog.contextvars.bound_contextvars(
        run_id=lease.run_id, attempt=lease.attempt, request_id=lease.run.request_id
    ):
        try:
            yield
        except LeaseLost as error:
            log.warning("lease_lost", reason=str(error))
        except ServiceUnavailable as error:
            log.warning("database_connection_lost", reason=str(error))


def _persist(ask: Callable[[bool], Answer]) -> Answer:
    """Ask the database until it answers; each try is told whether it is a repeat. Raises ServiceUnavailable."""
    for tries in range(CLAIM_TRIES - 1):
        try:
            return ask(tries > 0)
        except ServiceUnavailable:
            time.sleep(CLAIM_PAUSE_S)
    return ask(True)  # noqa: FBT003  # the flag is all that it is told


def _have_one_form(experiments: Sequence[Experiment]) -> bool:
    """Whether runs can be lanes of one ensemble; an earlier or later version may have thought so."""
    forms = [form_of(experiment) for experiment in experiments]
    alone = [form.reason for form in forms if isinstance(form, Alone)]
    if alone:
        log.warning("ensemble_trained_alone", reason=alone[0])
    return not alone and len({form.digest for form in forms if isinstance(form, Form)}) <= 1


_trainer: Trainer | None = None


def become(trainer: Trainer) -> None:
    """Initialize this process as a worker's child."""
    global _trainer  # noqa: PLW0603  # one a process, like the process itself
    _trainer = trainer
    threading.Thread(target=trainer.announce_for_ever, name="presence", daemon=True).start()


def trainer() -> Trainer:
    """The trainer of this process."""
    if _trainer is None:
        raise RuntimeError("this process is not a worker's child")
    return _trainer


def _end_this_process() -> NoReturn:
    os._exit(70)
