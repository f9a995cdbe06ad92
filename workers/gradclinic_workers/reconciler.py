"""A small loop beside the workers: takes runs back from the dead, sends lost messages again, ends what is too
old, and takes prescriptions on to their next round.

Any number of them may run, anywhere: `python -m gradclinic_workers.reconciler`.
"""

import signal
import threading
import time

import structlog

from gradclinic.errors import ServiceUnavailable
from gradclinic.queue import Queue
from gradclinic.settings import Settings, get_settings
from gradclinic.store import Store
from gradclinic.use_cases.prescribe import give_up, step
from gradclinic.use_cases.recordings import end_silent
from gradclinic.use_cases.service import Service

from .checkpoint import Checkpoints

log = structlog.get_logger(__name__)

AT_ONCE = 1000
FORGET_EVERY_S = 600.0
LONGEST_PAUSE_S = 30.0


class Reconciler:
    """One reconciler: `round` does all there is to do once, `loop` does so until told to stop."""

    def __init__(self, store: Store, queue: Queue, settings: Settings) -> None:
        self._store, self._queue, self._settings = store, queue, settings
        self._service = Service(settings, store, queue)
        self._checkpoints = Checkpoints(settings.checkpoint_dir)
        self._forgot_at = float("-inf")

    def round(self) -> int:
        """Everything once; the number of runs that it moved or announced. Raises ServiceUnavailable."""
        reconciliation, settings = self._store.reconciliation, self._settings
        changed = reconciliation.expire_leases(max_attempts=settings.max_attempts)
        changed += reconciliation.expire_queued(max_queue_s=settings.max_queue_s)
        changed += end_silent(self._service)
        changed += self.prescribe()
        messages = reconciliation.unannounced(resend_after_s=settings.resend_after_s, depths=self._queue.depths())
        changed += self._queue.announce(self._store, messages, at_once=AT_ONCE)
        if time.monotonic() - self._forgot_at > FORGET_EVERY_S:
            self._forget()
            self._forgot_at = time.monotonic()
        return changed

    def loop(self, stop: threading.Event) -> None:
        """A round every reconcile_every_s; less often while the database or the queue is away."""
        pause = self._settings.reconcile_every_s
        while not stop.wait(pause):
            try:
                changed = self.round()
            except ServiceUnavailable as error:
                pause = min(pause * 2, LONGEST_PAUSE_S)
                log.warning("reconciler_waits", error=str(error), pause_s=pause)
            else:
                pause = self._settings.reconcile_every_s
                if changed:
                    log.info("reconciled", runs=changed)

    def prescribe(self) -> int:
        """Take every prescription a step on; one that breaks ends, and stops no other."""
        changed = 0
        for prescription_id in self._store.prescriptions.running():
            try:
                changed += step(self._service, prescription_id)
            except ServiceUnavailable:
                raise
            except Exception:
                log.exception("prescription_broke", prescription=prescription_id)
                give_up(self._service, prescription_id)
        return changed

    def _forget(self) -> None:
        self._store.reconciliation.forget()
        stored = self._checkpoints.run_ids()
        for run_id in set(stored) - self._store.reconciliation.unfinished(stored):
            self._checkpoints.drop(run_id)


def main() -> None:
    """Reconcile until SIGTERM or SIGINT."""
    settings = get_settings()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store, queue = Store(settings.database_url), Queue(settings)
    try:
        Reconciler(store, queue, settings).loop(stop)
    finally:
        queue.close()
        store.close()


if __name__ == "__main__":
    main()
