"""The task: claim the run whose turn it is, and train it to its end (see `attempt`).

If the run is a lane of an ensemble, the other queued ones of it are claimed, too. Each has its own lease and ending.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TypeVar

import structlog
from celery import shared_task

from gradclinic.checkpoints import Checkpoints
from gradclinic.experiments.experiment import Experiment
from gradclinic.kernel.errors import NotFound, ServiceUnavailable
from gradclinic.measurements.ensemble import Alone, Form, form_of
from gradclinic.measurements.estimate import estimate
from gradclinic.queue.messages import TRAIN
from gradclinic.settings import Settings
from gradclinic.store import Lease, Message
from gradclinic.use_cases.service import Service

from .attempt import RunAttempt, losses_logged
from .held_run import HeldRun, draining

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

CLAIM_TRIES = 10
CLAIM_PAUSE_S = 1.0
TIDY_EVERY_S = 600.0


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
            with losses_logged(lease):
                others = self._claim_others(lease)
                if others is None:
                    with HeldRun(self.store, lease, self.settings) as held:
                        RunAttempt(self.service, self.checkpoints, held).run()
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
            attempts = [RunAttempt(self.service, self.checkpoints, stack.enter_context(each)) for each in held]
            ready = [attempt for attempt in attempts if attempt.is_prepared()]
            if not _have_one_form([attempt.experiment for attempt in ready]):
                for attempt in ready:
                    attempt.train_alone()
                return
            for attempt in ready:
                attempt.join(len(ready))
            lanes = [LaneRun(attempt.experiment, attempt, attempt.checkpoint) for attempt in ready]
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
    forms = [form_of(experiment, estimate(experiment)) for experiment in experiments]
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
