"""The worker side of a run: claim, heartbeat, fenced writes, release.

The attempt number is the fencing token: every write names it and changes a row only while the run is
running under this attempt and its lease has not expired by the database's clock.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from ..diagnosis import Diagnosis
from ..kernel.codec import encode
from ..kernel.errors import LeaseLost
from ..kernel.json import JsonObject
from ..kernel.status import RunStatus
from ..measurements.record import Layout, RunRecord, Series
from . import tables as t
from .database import Database
from .layout import layout_values
from .merging import merge_chunks
from .packing import pack
from .records.lease import Lease, Order
from .records.run import CheckpointPointer, Message, Reason
from .rows import RUN, change_status, to_run
from .summaries import ending_rows, ending_values
from .turn import QUEUED, next_run

Conditions = tuple[ColumnElement[bool], ...]


class Leases:
    """Leases, and all writes under a lease."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def next_run(self, hinted: str, *, queues: Sequence[str]) -> str | None:
        """The id of the run whose turn it is; None if none waits.

        `hinted` is the run whose message a worker received. It says that a run waits in its queue, not that it is next.
        The worker's own `queues` come after that one.
        """
        with self._database.read() as connection:
            queue = connection.execute(select(t.runs.c.queue).where(t.runs.c.id == hinted)).scalar()
            for each in dict.fromkeys([*([queue] if queue else []), *queues]):
                found = next_run(connection, each)
                if found is not None:
                    return found
        return None

    def others_of_ensemble(self, run_id: str) -> list[str] | None:
        """The queued runs of a run's ensemble, in their order; None if the run is trained alone."""
        runs = t.runs.c
        with self._database.read() as connection:
            ensemble = connection.execute(select(runs.ensemble).where(runs.id == run_id)).scalar()
            if ensemble is None:
                return None
            waiting = (QUEUED, runs.ensemble == ensemble, runs.id != run_id)
            return list(connection.execute(select(runs.id).where(*waiting).order_by(runs.priority, runs.id)).scalars())

    def claim(self, run_id: str, *, owner: str, ttl_s: float, again: bool = False) -> Lease | None:
        """Claim a queued run; None if it does not exist or is not queued any more.

        Statistics recorded after the checkpoint that the attempt resumes from are dropped in the same transaction.
        `again`: an earlier try may have been committed without an answer; then the owner already has the run.
        """
        runs, now = t.runs.c, self._database.now
        with self._database.read() as connection:  # most that another worker claimed end here
            found = connection.execute(select(runs.status, runs.owner).where(runs.id == run_id)).one_or_none()
        if again and found == ("running", owner):
            return self._claimed(run_id, owner=owner, ttl_s=ttl_s)
        if found is None or found.status != "queued":
            return None
        with self._database.write() as connection:
            moved = change_status(
                connection,
                self._database,
                runs.id == run_id,
                before="queued",
                status="running",
                reason=Reason("claimed", "claimed by a worker"),
                recorded_owner=owner,
                owner=owner,
                attempt=runs.attempt + 1,
                lease_until=now + ttl_s,
                attempt_started_at=now,
                started_at=func.coalesce(runs.started_at, now),
            )
            if not moved:
                return None
            return _begin(connection, run_id, owner=owner)

    def _claimed(self, run_id: str, *, owner: str, ttl_s: float) -> Lease | None:
        runs, now = t.runs.c, self._database.now
        held = (runs.id == run_id, runs.status == "running", runs.owner == owner, runs.lease_until > now)
        with self._database.write() as connection:
            changed = connection.execute(update(t.runs).where(*held).values(lease_until=now + ttl_s))
            return _begin(connection, run_id, owner=owner) if changed.rowcount == 1 else None

    def heartbeat(self, lease: Lease, *, ttl_s: float) -> Order:
        """Extend the lease unless it is lost; returns whether to stop."""
        now = self._database.now
        with self._database.write() as connection:
            asked = connection.execute(
                update(t.runs)
                .where(*self._holds(lease))
                .values(lease_until=now + ttl_s)
                .returning(t.runs.c.cancel_requested)
            ).first()
        return _order(None if asked is None else asked.cancel_requested)

    def look(self, lease: Lease) -> Order:
        """Returns whether to stop, without a write."""
        with self._database.read() as connection:
            asked = connection.execute(select(t.runs.c.cancel_requested).where(*self._holds(lease))).first()
        return _order(None if asked is None else asked.cancel_requested)

    def save_layout(self, lease: Lease, layout: Layout, *, environment: JsonObject) -> None:
        """Store the layout of a run's record before anything is recorded."""
        with self._database.write() as connection:
            values = layout_values(connection, self._database, layout)
            self._fence(connection, lease, **values, environment=dict(environment))

    def restart(self, lease: Lease, *, reason: str) -> None:
        """Restart from step 0, because the checkpoint cannot be used."""
        with self._database.write() as connection:
            self._fence(connection, lease, checkpoint=None, reason_code="restarted", reason_text=reason)
            _rewind(connection, lease.run_id, step=0)

    def save_window(
        self,
        lease: Lease,
        *,
        step: int,
        series: Mapping[str, Series],
        checkpoint: CheckpointPointer | None = None,
        again: bool = False,
    ) -> None:
        """Atomically store new statistics, progress and their checkpoint.

        A new checkpoint resets the count of failed attempts. `again`: an earlier try of the same window may have
        been committed without an answer; if so, its data is kept.
        """
        values: dict[str, object] = {"step": step}
        if checkpoint is not None:
            values |= {"checkpoint": encode(checkpoint), "failures": 0}
        rows = [chunk.row() for chunk in pack(lease.run_id, series)]
        with self._database.write() as connection:
            self._fence(connection, lease, **values)
            if rows and again:
                connection.execute(self._database.insert(t.chunks).on_conflict_do_nothing(), rows)
            elif rows:
                connection.execute(insert(t.chunks), rows)

    def finish(
        self,
        lease: Lease,
        *,
        status: RunStatus,
        reason: Reason,
        record: RunRecord | None = None,
        diagnosis: Diagnosis | None = None,
        again: bool = False,
    ) -> None:
        """End a run with its outcome, its diagnosis and the summary rows for SQL users.

        `again`: an earlier try of the same call may have been committed without an answer.
        """
        summaries, found = ending_rows(lease.run_id, record, diagnosis)
        with self._database.write() as connection:
            if again and _is(connection, lease, status=status):
                return
            values = ending_values(connection, self._database, record, diagnosis)
            ended_at = self._database.now
            self._move(connection, lease, status=status, reason=reason, ended_at=ended_at, checkpoint=None, **values)
            if summaries:
                connection.execute(insert(t.layer_summaries), summaries)
            if found:
                connection.execute(insert(t.findings), found)
        merge_chunks(self._database, lease.run_id)

    def release(self, lease: Lease, *, reason: Reason, again: bool = False) -> Message:
        """Return an unfinished run to the queue at its last checkpoint; this is not counted as a failed attempt.

        `again` as for `finish`.
        """
        now = self._database.now
        with self._database.write() as connection:
            if not (again and _is(connection, lease, status="queued")):
                self._move(connection, lease, status="queued", reason=reason, queued_at=now, sent_at=None)
        return Message(lease.run_id, lease.run.queue)

    def _holds(self, lease: Lease) -> Conditions:
        runs = t.runs.c
        return (
            runs.id == lease.run_id,
            runs.attempt == lease.attempt,
            runs.status == "running",
            runs.lease_until > self._database.now,
        )

    def _fence(self, connection: Connection, lease: Lease, **values: Any) -> None:
        changed = connection.execute(update(t.runs).where(*self._holds(lease)).values(**values))
        if changed.rowcount != 1:
            raise LeaseLost(f"attempt {lease.attempt} of {lease.run_id} no longer holds it")

    def _move(self, connection: Connection, lease: Lease, *, status: RunStatus, reason: Reason, **values: Any) -> None:
        moved = change_status(
            connection,
            self._database,
            *self._holds(lease),
            before="running",
            status=status,
            reason=reason,
            recorded_owner=lease.owner,
            owner=None,
            lease_until=None,
            **values,
        )
        if not moved:
            raise LeaseLost(f"attempt {lease.attempt} of {lease.run_id} no longer holds it")


def _order(cancel_requested: bool | None) -> Order:  # noqa: FBT001  # a column's value
    if cancel_requested is None:
        return Order.LOST
    return Order.CANCEL if cancel_requested else Order.CONTINUE


def _begin(connection: Connection, run_id: str, *, owner: str) -> Lease:
    """A claimed run in its state at the checkpoint that the new attempt resumes from."""
    runs = t.runs.c
    checkpoint = connection.execute(select(runs.checkpoint).where(runs.id == run_id)).scalar()
    _rewind(connection, run_id, step=0 if checkpoint is None else checkpoint["step"])
    row = connection.execute(RUN.where(runs.id == run_id)).mappings().one()
    return Lease(run_id, row["attempt"], owner, to_run(row))


def _is(connection: Connection, lease: Lease, *, status: RunStatus) -> bool:
    """Whether a run is in a state that this attempt has set."""
    own = (t.runs.c.id == lease.run_id, t.runs.c.attempt == lease.attempt, t.runs.c.status == status)
    return connection.execute(select(t.runs.c.id).where(*own)).first() is not None


def _rewind(connection: Connection, run_id: str, *, step: int) -> None:
    # By the last step: what an event made worth keeping begins before it, and before the checkpoint perhaps.
    connection.execute(delete(t.chunks).where(t.chunks.c.run_id == run_id, t.chunks.c.last_step >= step))
    connection.execute(update(t.runs).where(t.runs.c.id == run_id).values(step=step))
