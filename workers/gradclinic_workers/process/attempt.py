"""One attempt at one run: train it, store its statistics, diagnose it and end it.

queued ── claim ──> running ── trained ───────────────> succeeded, with its diagnosis
                    │ ├──── cannot be trained ─────> failed, with a reason
                    │ ├──── asked to stop ─────────> canceled
                    │ └──── draining ──────────────> queued, at its checkpoint
                    └ lease lost: nothing more is written
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

import structlog

from gradclinic.checkpoints import Checkpoints
from gradclinic.diagnosis import Diagnosis, diagnose
from gradclinic.diagnosis.finding import Finding
from gradclinic.diagnosis.stopping import reason_to_stop
from gradclinic.experiments.experiment import Experiment, StopWhen
from gradclinic.kernel.errors import CheckpointUnusable, LeaseLost, ServiceUnavailable, TrainingFailed
from gradclinic.measurements.ensemble import reason_alone
from gradclinic.measurements.estimate import estimate
from gradclinic.measurements.growing import GrowingSeries
from gradclinic.measurements.record import RunRecord, Series
from gradclinic.store import Lease, Reason
from gradclinic.use_cases.service import Service

from ..train.reporter import Interrupted
from .held_run import CANCELED, HeldRun, too_long

log = structlog.get_logger(__name__)

DRAINED = Reason("drained", "its worker was asked to stop; the run continues from its checkpoint")
INTERNAL = Reason("internal_error", "training stopped on an internal error; see the worker's log for the run's id")


class RunAttempt:
    """One attempt at one run; it is the reporter of the training loop."""

    def __init__(self, service: Service, checkpoints: Checkpoints, held: HeldRun) -> None:
        self._service, self._checkpoints, self._held, self._run = service, checkpoints, held, held.lease.run
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
            self._environment["alone"] = self._reason_alone()
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

    def join(self, lanes: int) -> None:
        """Note that the run is trained as one of so many lanes."""
        self._environment["lanes"] = lanes

    def train_alone(self) -> None:
        """Train the run after all, while other lanes wait for their turn."""
        with losses_logged(self._held.lease):
            self.run()

    def conclude_lane(self, result: RunRecord | Exception) -> None:
        """End the run, or leave it to its next attempt; nothing that goes wrong affects the other lanes."""
        with losses_logged(self._held.lease):
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
        self.experiment = experiment.with_uploads(self._service.uploads)
        self._stop_when = self.experiment.training.stop_when
        where = device.of_queue(self._run.queue)
        self._environment = device.fingerprint(where, text_digest=self.experiment.data.text_digest())
        self.checkpoint = self._resume_state()
        return where

    def _reason_alone(self) -> str:
        most = self._service.settings.max_lanes
        return reason_alone(self.experiment, estimate(self.experiment), queue=self._run.queue, most=most)

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
            self._checkpoints.drop(self._run.id)
            if self._environment.get("device", "cpu") != "cpu":
                _end_this_process()  # after an error on it, a CUDA context may fail every run that follows
        if self._held.ended:
            self._checkpoints.drop(self._run.id)

    # --- the reporter ---

    def started(self, record: RunRecord) -> None:
        self._environment["site_dtypes"] = record.layout.site_dtypes
        self._held.save_layout(record.layout, environment=self._environment)
        if self._stop_when is not None and self._run.checkpoint is not None:
            self._recorded = GrowingSeries(self._held.record().series)

    def should_stop(self) -> bool:
        return self._held.stop is not None

    def checkpoint_due(self) -> bool:
        return time.monotonic() - self._saved_at >= self._service.settings.checkpoint_every_s

    def flushed(self, *, step: int, series: Mapping[str, Series], checkpoint: bytes | None) -> None:
        pointer = None
        if checkpoint is not None:
            try:
                pointer = self._checkpoints.save(self._held.lease, step=step, state=checkpoint)
            except OSError as error:  # for example disk full: the run continues and may resume from an older checkpoint
                log.warning("checkpoint_not_saved", step=step, reason=str(error))
            self._saved_at = time.monotonic()
        self._held.save_window(step=step, series=series, checkpoint=pointer)
        if self._stop_when is not None:
            self._recorded.append(series)
        if pointer is not None:
            try:
                self._checkpoints.keep_only(pointer)
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
            return self._checkpoints.load(pointer)
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
            saved = 100 * (1 - done / record.steps)
            text = f"stopped on {condition} after {done} of {record.steps} steps: {saved:.0f} % saved"
            reason = Reason("stopped_on_finding", text)
        diagnosis: Diagnosis | None = None
        try:
            diagnosis = diagnose(whole, experiment=experiment)
        except Exception:
            log.exception("diagnosis_failed")  # the statistics are kept, so the run can be diagnosed again
            reason = Reason("not_diagnosed", f"{reason.text}; its diagnosis failed")
        self._held.finish(status="succeeded", reason=reason, record=whole, diagnosis=diagnosis)

    def _stopped(self) -> None:
        stop, settings = self._held.stop, self._service.settings
        if stop == "canceled":
            self._held.finish(status="canceled", reason=CANCELED)
        elif stop == "run_time_limit":
            self._held.finish(status="failed", reason=too_long(settings))
        elif stop == "draining":
            message = self._held.release(reason=DRAINED)
            self._service.announce([message])
        else:
            raise LeaseLost("another attempt has taken over")


@contextmanager
def losses_logged(lease: Lease) -> Iterator[None]:
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


def _end_this_process() -> NoReturn:
    os._exit(70)
