"""A loop that runs beside the workers: it reclaims runs of dead workers, resends lost messages, expires old runs,
advances prescriptions to their next round, decides checks, starts scheduled checks that are due, packs the statistics
of runs whose end did not, and notices what is an alert. A second loop sends alerts.

Any number of reconcilers may run, on any machine: `python -m gradclinic.reconciler`.
"""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from gradclinic.kernel.errors import Conflict, NotFound, ServiceUnavailable
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
Part = Callable[[], int | None]
"""A part of a round; returns the number of runs that it changed or announced, if it knows."""


class Reconciler:
    """One reconciler: `round` does all pending work once, `loop` repeats it until stopped."""

    def __init__(self, service: Service) -> None:
        self.service = service.everywhere()
        self._checkpoints = Checkpoints(service.settings.checkpoint_dir)
        self._forgot_at = self._watched_at = float("-inf")

    def round(self) -> int:
        """Do all pending work once; returns the number of runs changed or announced. Raises ServiceUnavailable."""
        return sum(self._apart(part) for part in self._parts())

    def _parts(self) -> Sequence[Part]:
        """What a round does, in order."""
        reconciliation, settings = self.service.store.reconciliation, self.service.settings
        return (
            lambda: reconciliation.expire_leases(max_attempts=settings.max_attempts),
            lambda: reconciliation.expire_queued(max_queue_s=settings.max_queue_s),
            lambda: end_silent(self.service),
            self.prescribe,
            self.check,
            self.fire,
            self.announce,
            reconciliation.merge_tallies,
            self._pack,
            self._watch_at_times,
            self._forget_at_times,
        )

    def _apart(self, part: Part) -> int:
        """Do a part of a round. If it raises, as over a damaged row, the others are still done."""
        try:
            return part() or 0
        except ServiceUnavailable:
            raise
        except Exception:
            log.exception("reconciler_part_failed")
            return 0

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

    def announce(self) -> int:
        """Send the messages that queued runs lack."""
        settings = self.service.settings
        messages = self.service.store.reconciliation.unannounced(
            resend_after_s=settings.resend_after_s, depths=self.service.queue.depths()
        )
        return self.service.announce(messages, at_once=AT_ONCE)

    def prescribe(self) -> int:
        """Advance every prescription by one step. A prescription that raises is failed; the others continue."""
        running = self.service.store.prescriptions.running()
        return sum(self._each(step, give_up, project, prescription_id) for project, prescription_id in running)

    def check(self) -> int:
        """Decide every check whose runs have ended. A check that raises is failed; the others continue."""
        running = self.service.store.checks.running()
        return sum(self._each(conclude, give_up_check, project, check_id) for project, check_id in running)

    def _each(
        self, go_on: Callable[[Service, str], int], give_up: Callable[[Service, str], None], project: str, key: str
    ) -> int:
        """One step of a prescription or a check, which is failed if it raises."""
        service = self.service.within(project)
        try:
            return go_on(service, key)
        except ServiceUnavailable:
            raise
        except NotFound:
            return 0  # deleted in the meantime
        except Exception:
            log.exception("step_failed", of=key)
        try:
            give_up(service, key)
        except ServiceUnavailable:
            raise
        except Exception:  # not even its end can be stored
            log.exception("not_given_up", of=key)
        return 0

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
        projects = self.service.store.webhooks.projects()
        return sum(self._apart(partial(watch, self.service.within(project))) for project in projects)

    def _pack(self) -> None:
        self.service.store.reconciliation.pack_ended()

    def _watch_at_times(self) -> None:
        if time.monotonic() - self._watched_at > WATCH_EVERY_S:
            self._watched_at = time.monotonic()
            self.watch()

    def _forget_at_times(self) -> None:
        if time.monotonic() - self._forgot_at > FORGET_EVERY_S:
            self._forgot_at = time.monotonic()
            self._forget()

    def _forget(self) -> None:
        store, settings = self.service.store, self.service.settings
        for part in (
            store.reconciliation.forget,
            store.reconciliation.tidy_layouts,
            lambda: store.audit.forget(older_than_s=settings.audit_days * 86_400.0),
            lambda: store.webhooks.forget(older_than_s=settings.webhook_log_days * 86_400.0),
            lambda: self._checkpoints.drop_ended(store.reconciliation.unfinished),
        ):
            self._apart(part)


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
