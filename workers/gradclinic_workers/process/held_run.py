"""A run that this process has claimed: its heartbeat, its limits, and its fenced writes.

    claim ──> hold ──> heartbeat every heartbeat_s, check for cancellation every cancel_poll_s
                │        └─ stop: canceled | lease_lost | draining | run_time_limit; memory_limit kills the process,
                │           and so does a training that does not heed it
                └─ save_layout, save_window, finish, release: one transaction each, the fence first

It waits for an unreachable database as long as the lease lasts; after that the run belongs to another worker.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal, TypeVar

import structlog
from typing_extensions import Self

from gradclinic.diagnosis import Diagnosis
from gradclinic.kernel.errors import LeaseLost, ServiceUnavailable
from gradclinic.kernel.json import JsonObject
from gradclinic.kernel.status import RunStatus
from gradclinic.measurements.record import Layout, RunRecord, Series
from gradclinic.settings import Settings
from gradclinic.store import CheckpointPointer, Lease, Message, Order, Reason, Store

from .trace import AttemptSpan

log = structlog.get_logger(__name__)

Stop = Literal["canceled", "lease_lost", "draining", "run_time_limit"]
Answer = TypeVar("Answer")

RETRY_S = 0.5
STUBBORN_S = 20.0
"""Seconds that training has to finish the current step after being told to stop; then its process is killed."""

RAREST = 4
"""Lanes of an ensemble ask up to so many times as rarely whether they were cancelled, since each asks for itself."""

CANCELED = Reason("canceled_by_user", "cancelled on request")

draining = threading.Event()
"""Set when this process is asked to stop; its run is saved and returned to the queue."""


def too_long(settings: Settings) -> Reason:
    """The reason of a run that exceeded the time limit."""
    return Reason("run_time_limit", f"training exceeded the time limit of {settings.max_run_s:g} s")


def resident_bytes() -> int:
    """Memory used by this process in bytes."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123  # read twice a second
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class HeldRun:
    """A claimed run; its lease is extended while the block runs."""

    def __init__(self, store: Store, lease: Lease, settings: Settings, *, lanes: int = 1) -> None:
        """A run that is trained with others has as much more time as there are lanes, and asks a little less often."""
        self.lease, self._store, self._settings = lease, store, settings
        self._poll_s = min(settings.heartbeat_s, settings.cancel_poll_s * min(lanes, RAREST))
        self._max_run_s = settings.max_run_s * lanes
        self._stop: Stop | None = None
        self.ended = False
        """Whether the run has ended in this attempt."""
        self._span = AttemptSpan(lease, lanes=lanes)
        self._waits = False
        """Whether training is waiting for the database and cannot respond to a stop."""
        self._released = threading.Event()
        self._sure_until = time.monotonic() + settings.lease_ttl_s
        self._thread = threading.Thread(target=self._beat, name=f"lease-{lease.run_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._span.end("lost")
        self._thread.join(timeout=10)

    @property
    def stop(self) -> Stop | None:
        """Why training should stop, or None; a flag that is cheap to read."""
        return self._stop or ("draining" if draining.is_set() else None)

    # --- fenced writes ---

    def restart(self, *, reason: str) -> None:
        """Restart from step 0."""
        self._insist(lambda: self._store.leases.restart(self.lease, reason=reason))

    def save_layout(self, layout: Layout, *, environment: JsonObject) -> None:
        """Store the run's sites and weights."""
        self._insist(lambda: self._store.leases.save_layout(self.lease, layout, environment=environment))

    def save_window(
        self, *, step: int, series: Mapping[str, Series], checkpoint: CheckpointPointer | None = None
    ) -> None:
        """Store everything recorded since the last window."""
        self._insist_once(
            lambda again: self._store.leases.save_window(
                self.lease, step=step, series=series, checkpoint=checkpoint, again=again
            )
        )

    def finish(
        self,
        *,
        status: RunStatus,
        reason: Reason,
        record: RunRecord | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        """End the run."""
        self._insist_once(
            lambda again: self._store.leases.finish(
                self.lease, status=status, reason=reason, record=record, diagnosis=diagnosis, again=again
            )
        )
        self.ended = True
        self._released.set()
        self._span.end(status)

    def release(self, *, reason: Reason) -> Message:
        """Return the run to the queue."""
        message = self._insist_once(lambda again: self._store.leases.release(self.lease, reason=reason, again=again))
        self._released.set()
        self._span.end("released")
        return message

    def record(self) -> RunRecord:
        """Everything stored of the run, from all attempts."""
        return self._insist(lambda: self._store.statistics.record(self.lease.run_id))

    def _insist_once(self, write: Callable[[bool], Answer]) -> Answer:
        """Retry a call that must take effect once; each try is told whether it is a repeat."""
        tries = iter([False])
        return self._insist(lambda: write(next(tries, True)))

    def _insist(self, write: Callable[[], Answer]) -> Answer:
        self._waits = True
        try:
            while True:
                try:
                    return write()
                except ServiceUnavailable as error:
                    if time.monotonic() > self._sure_until:
                        self._stop = "lease_lost"
                        raise LeaseLost("the database was unreachable for longer than the lease") from error
                    time.sleep(RETRY_S)
        finally:
            self._waits = False

    # --- the thread beside training ---

    def _beat(self) -> None:
        began = beaten = time.monotonic()
        told_at: float | None = None
        while not self._released.wait(self._poll_s):
            now = time.monotonic()
            if self._stop != "lease_lost":
                due = now - beaten >= self._settings.heartbeat_s
                beaten = self._ask(now, heartbeat=due) or beaten
            if self._released.is_set():
                return
            if now - began > self._max_run_s:
                self._stop = self._stop or "run_time_limit"
            self._watch_memory()
            if self._stop is not None:
                told_at = now if told_at is None or self._waits else told_at
                if now - told_at > STUBBORN_S:
                    self._end_by_force()
                    return

    def _ask(self, now: float, *, heartbeat: bool) -> float | None:
        """Process the order to stop or continue; `now` is given if the lease was extended."""
        try:
            order = self._heartbeat() if heartbeat else self._store.leases.look(self.lease)
        except ServiceUnavailable:
            order, heartbeat = (Order.CONTINUE if now < self._sure_until else Order.LOST), False
        if self._waits or self._released.is_set():  # perhaps it is the run's own end that this saw
            return now if heartbeat else None
        if order is Order.LOST:
            self._stop = "lease_lost"
        elif order is Order.CANCEL:
            self._stop = "canceled"
        return now if heartbeat else None

    def _heartbeat(self) -> Order:
        asked = time.monotonic()
        order = self._store.leases.heartbeat(self.lease, ttl_s=self._settings.lease_ttl_s)
        if order is not Order.LOST:
            self._sure_until = asked + self._settings.lease_ttl_s
        return order

    def _watch_memory(self) -> None:
        """Kill this process if the run exceeds the memory limit; torch's memory cannot be released otherwise."""
        held, limit = resident_bytes(), self._settings.max_memory_bytes
        if held <= limit:
            return
        text = f"training needed more than {limit / 2**30:.3g} GiB of memory; use a smaller batch or model"
        log.error("memory_limit", run_id=self.lease.run_id, held_bytes=held, limit_bytes=limit)
        self._end_with_process("failed", Reason("memory_limit", text))

    def _end_by_force(self) -> None:
        """Kill this process if training does not stop because its step takes too long or hangs."""
        log.error("training_hung", run_id=self.lease.run_id, asked_to=self._stop, within_s=STUBBORN_S)
        if self._stop == "canceled":
            self._end_with_process("canceled", CANCELED)
        elif self._stop == "run_time_limit":
            self._end_with_process("failed", too_long(self._settings))
        else:
            os.kill(os.getpid(), signal.SIGKILL)

    def _end_with_process(self, status: RunStatus, reason: Reason) -> None:
        try:
            self._store.leases.finish(self.lease, status=status, reason=reason)
        except (LeaseLost, ServiceUnavailable):
            log.warning("run_end_not_stored", run_id=self.lease.run_id, reason=reason.code)
        os.kill(os.getpid(), signal.SIGKILL)
