"""A loop that runs beside the workers: it reclaims runs of dead workers, resends lost messages, expires old runs,
advances prescriptions to their next round, decides checks, starts scheduled checks that are due, packs the statistics
of runs whose end did not, and notices what is an alert. A second loop sends alerts.

Any number of reconcilers may run, on any machine: `python -m gradclinic.reconciler`.
"""

import signal
import threading
import time

import structlog

from gradclinic.kernel.errors import Conflict, NotFound, ServiceUnavailable
from gradclinic.kernel.status import Retention
from gradclinic.logs import configure
from gradclinic.settings import get_settings
from gradclinic.use_cases.alerts.condition import watch
from gradclinic.use_cases.alerts.sender import Sender
from gradclinic.use_cases.check import conclude
from gradclinic.use_cases.check import give_up as give_up_check
from gradclinic.use_cases.prescription import give_up, step
from gradclinic.use_cases.recording import end_silent
from gradclinic.use_cases.schedule import fire
from gradclinic.use_cases.service import Service

from .checkpoints import Checkpoints

log = structlog.get_logger(__name__)

AT_ONCE = 1000
FORGET_EVERY_S = 600.0
WATCH_EVERY_S = 10.0
LONGEST_PAUSE_S = 30.0


class Reconciler:
    """One reconciler: `round` does all pending work once, `loop` repeats it until stopped."""

    def __init__(self, service: Service) -> None:
        self.service = service.everywhere()
        self._checkpoints = Checkpoints(service.settings.checkpoint_dir)
        self._forgot_at = self._watched_at = float("-inf")

    def round(self) -> int:
        """Do all pending work once; returns the number of runs changed or announced. Raises ServiceUnavailable."""
        reconciliation, settings = self.service.store.reconciliation, self.service.settings
        changed = reconciliation.expire_leases(max_attempts=settings.max_attempts)
        changed += reconciliation.expire_queued(max_queue_s=settings.max_queue_s)
        changed += end_silent(self.service)
        changed += self.prescribe()
        changed += self.check()
        changed += self.fire()
        messages = reconciliation.unannounced(
            resend_after_s=settings.resend_after_s, depths=self.service.queue.depths()
        )
        changed += self.service.announce(messages, at_once=AT_ONCE)
        reconciliation.merge_tallies()
        reconciliation.pack_ended()
        self.reduce()
        if time.monotonic() - self._watched_at > WATCH_EVERY_S:
            self.watch()
            self._watched_at = time.monotonic()
        if time.monotonic() - self._forgot_at > FORGET_EVERY_S:
            self._forget()
            self._forgot_at = time.monotonic()
        return changed

    def loop(self, stop: threading.Event) -> None:
        """Run a round every reconcile_every_s, less often while the database or queue is unreachable or rounds fail."""
        pause = self.service.settings.reconcile_every_s
        while not stop.wait(pause):
            try:
                changed = self.round()
            except ServiceUnavailable as error:
                pause = min(pause * 2, LONGEST_PAUSE_S)
                log.warning("reconciler_waiting", error=str(error), pause_s=pause)
            except Exception:
                pause = min(pause * 2, LONGEST_PAUSE_S)
                log.exception("reconciler_failed", pause_s=pause)
            else:
                pause = self.service.settings.reconcile_every_s
                if changed:
                    log.info("reconciled", runs=changed)

    def prescribe(self) -> int:
        """Advance every prescription by one step. A prescription that raises is failed; the others continue."""
        changed = 0
        for project, prescription_id in self.service.store.prescriptions.running():
            service = self.service.within(project)
            try:
                changed += step(service, prescription_id)
            except ServiceUnavailable:
                raise
            except NotFound:
                log.debug("prescription_deleted", prescription=prescription_id)
            except Exception:
                log.exception("prescription_failed", prescription=prescription_id)
                give_up(service, prescription_id)
        return changed

    def check(self) -> int:
        """Decide every check whose runs have ended. A check that raises is failed; the others continue."""
        changed = 0
        for project, check_id in self.service.store.checks.running():
            service = self.service.within(project)
            try:
                changed += conclude(service, check_id)
            except ServiceUnavailable:
                raise
            except NotFound:
                continue  # deleted in the meantime
            except Exception:
                log.exception("check_failed", check=check_id)
                give_up_check(service, check_id)
        return changed

    def fire(self) -> int:
        """Start scheduled checks that are due. A schedule that cannot start its check does not affect the others."""
        changed = 0
        now, active = self.service.store.schedules.active()
        for schedule, since in active:
            try:
                changed += fire(self.service.within(schedule.project), schedule, since=since, now=now)
            except ServiceUnavailable:
                raise
            except Conflict:
                continue  # its baseline is being moved right now; the next round tries again
            except Exception:
                log.exception("schedule_failed", project=schedule.project, schedule=schedule.name)
        return changed

    def watch(self) -> int:
        """Look at all projects that have webhooks; returns how many conditions have changed."""
        return sum(watch(self.service.within(project)) for project in self.service.store.webhooks.projects())

    def reduce(self) -> int:
        """Reduce the statistics of some old runs, if the settings say so; returns how many."""
        settings = self.service.settings
        days: tuple[tuple[Retention, int], ...] = (
            ("summary", settings.summarize_after_days),
            ("thinned", settings.thin_after_days),
        )
        reduce_old = self.service.store.reconciliation.reduce_old
        return sum(reduce_old(to=to, older_than_s=after * 86_400.0) for to, after in days if after)

    def _forget(self) -> None:
        self.service.store.reconciliation.forget()
        self.service.store.reconciliation.tidy_layouts()
        self.service.store.audit.forget(older_than_s=self.service.settings.audit_days * 86_400.0)
        self.service.store.webhooks.forget(older_than_s=self.service.settings.webhook_log_days * 86_400.0)
        self._checkpoints.drop_ended(self.service.store.reconciliation.unfinished)


def main() -> None:
    """Reconcile until SIGTERM or SIGINT."""
    settings = get_settings()
    configure(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    service = Service.of(settings)
    sender = threading.Thread(target=Sender(service).loop, args=(stop,), name="sender")
    sender.start()
    try:
        Reconciler(service).loop(stop)
    finally:
        stop.set()
        sender.join()
        service.queue.close()
        service.store.close()


if __name__ == "__main__":
    main()
