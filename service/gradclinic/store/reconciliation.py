"""The reconciler's statements: reclaims runs of vanished workers, resends lost messages, removes old rows.

Every statement checks the rows it changes, so any number of reconcilers may run at once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from ..kernel.status import Retention
from . import tables as t
from .database import Database
from .idempotency import KEYS
from .layout import forget_layouts, share_layouts
from .merging import pack_ended
from .records.run import Message, Reason
from .records.vitals import Worker
from .retention import reduce_old
from .rows import change_status, known
from .run import CANCELED
from .tally import has_many_tallies, merge_tallies

BATCH = 500
ROUNDS = 20
"""Transactions of each kind at once."""
KEYS_KEPT_S = 7 * 86400.0
WORKERS_KEPT_S = 3600.0
GRACE_S = 1.0
"""Seconds that the request that stored a run has to send its message."""


class Reconciliation:
    """Statements of the reconciler and of the workers' supervisors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def expire_leases(self, *, max_attempts: int) -> int:
        """Requeue, cancel or fail the runs whose lease has expired; returns their number."""
        lapsed = t.runs.c.lease_until <= self._database.now
        return self._give_up(
            lapsed, max_attempts=max_attempts, reason=Reason("lease_expired", "its worker stopped answering")
        )

    def owners(self, owner_prefix: str) -> list[str]:
        """The owners with this prefix that hold a run."""
        runs = t.runs.c
        held = (runs.status == "running", runs.owner.startswith(owner_prefix, autoescape=True))
        with self._database.read() as connection:
            return list(connection.execute(select(runs.owner).where(*held).distinct()).scalars())

    def abandon(self, owners: Collection[str], *, max_attempts: int) -> int:
        """The same, immediately, for the runs of owners that are known to be dead."""
        if not owners:
            return 0
        return self._give_up(
            t.runs.c.owner.in_(owners),
            max_attempts=max_attempts,
            reason=Reason("worker_died", "its worker process died"),
        )

    def expire_queued(self, *, max_queue_s: float) -> int:
        """Expire the runs that waited too long; returns their number."""
        runs, now = t.runs.c, self._database.now
        late = runs.queued_at < now - max_queue_s
        with self._database.read() as connection:  # most rounds find nothing and need no write lock
            if connection.execute(select(runs.id).where(runs.status == "queued", late).limit(1)).first() is None:
                return 0
        with self._database.write() as connection:
            moved = change_status(
                connection,
                self._database,
                late,
                before="queued",
                status="expired",
                reason=Reason("queue_time_limit", f"no worker claimed it within {max_queue_s:g} s"),
                ended_at=now,
            )
        return len(moved)

    def unannounced(self, *, resend_after_s: float, depths: Mapping[str, int]) -> list[Message]:
        """The queued runs that lack a message in the queues, in order of execution.

        `depths` is the number of messages waiting in each queue. A backlog alone is no reason to send again: only as
        many runs as there are missing messages get another one, and only after `resend_after_s`. A time in the future
        counts as long past, because the database's clock was set back.
        """
        runs, now = t.runs.c, self._database.now
        wanted = (runs.id, runs.queue)
        order = (runs.priority, runs.id)
        queued = runs.status == "queued"
        with self._database.read() as connection:
            never = connection.execute(
                select(*wanted)
                .where(queued, runs.sent_at.is_(None), func.abs(now - runs.queued_at) > GRACE_S)
                .order_by(*order)
                .limit(BATCH)
            ).all()
            sent = connection.execute(
                select(runs.queue, func.count()).where(queued, runs.sent_at.is_not(None)).group_by(runs.queue)
            ).all()
            lost: list[Any] = []
            for queue, count in sent:
                missing = count - depths.get(queue, 0)
                if missing > 0:
                    lost += connection.execute(
                        select(*wanted)
                        .where(queued, runs.queue == queue, func.abs(now - runs.sent_at) > resend_after_s)
                        .order_by(*order)
                        .limit(min(missing, BATCH))
                    ).all()
        return [Message(row.id, row.queue) for row in [*never, *lost]]

    def mark_sent(self, run_ids: Sequence[str]) -> None:
        """Record that messages were sent for these runs."""
        if run_ids:
            with self._database.write() as connection:
                connection.execute(
                    update(t.runs)
                    .where(t.runs.c.id.in_(run_ids), t.runs.c.status == "queued")
                    .values(sent_at=self._database.now)
                )

    def was_not_taken(self, run_id: str) -> None:
        """Record that a run's message is gone, so that it is sent again soon if the run is still queued."""
        with self._database.write() as connection:
            connection.execute(
                update(t.runs).where(t.runs.c.id == run_id, t.runs.c.status == "queued").values(sent_at=None)
            )

    def unfinished(self, run_ids: Iterable[str]) -> set[str]:
        """The given runs that exist and have not ended, whose checkpoints are still needed."""
        runs = t.runs.c
        query = select(runs.id).where(runs.id.in_(list(run_ids)), runs.status.in_(["queued", "running"]))
        with self._database.read() as connection:
            return set(connection.execute(query).scalars())

    def merge_tallies(self) -> None:
        """Keep the rows few that the metrics are summed from."""
        with self._database.read() as connection:  # most rounds find few and need no write lock
            if not has_many_tallies(connection):
                return
        with self._database.write() as connection:
            merge_tallies(connection)

    def forget(self) -> None:
        """Delete idempotency keys older than a week, and workers not seen for an hour."""
        now, workers = self._database.now, t.workers
        with self._database.write() as connection:
            for keys in KEYS:
                connection.execute(delete(keys).where(keys.c.created_at < now - KEYS_KEPT_S))
            connection.execute(delete(workers).where(workers.c.seen_at < now - WORKERS_KEPT_S))

    def pack_ended(self) -> int:
        """Pack the statistics of some runs whose end did not, and write down their size; returns how many."""
        return pack_ended(self._database)

    def reduce_old(self, *, to: Retention, older_than_s: float) -> int:
        """Reduce the statistics of some runs that ended longer ago; returns how many."""
        return reduce_old(self._database, to=to, older_than_s=older_than_s)

    def tidy_layouts(self) -> None:
        """Share the layouts of runs that an earlier version ended, and delete those that no run has any more."""
        for _ in range(ROUNDS):
            if not share_layouts(self._database) + forget_layouts(self._database):
                return

    def saw_worker(self, owner: str, *, queue: str, device: str, run_id: str | None) -> None:
        """Record that a worker is alive, and its current run."""
        now = self._database.now
        statement = self._database.insert(t.workers).values(
            owner=owner, queue=queue, device=device, run_id=run_id, started_at=now, seen_at=now
        )
        with self._database.write() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=["owner"], set_={"run_id": run_id, "seen_at": now})
            )

    def worker_left(self, owner: str) -> None:
        """Record that a worker has stopped."""
        with self._database.write() as connection:
            connection.execute(delete(t.workers).where(t.workers.c.owner == owner))

    def workers(self, *, seen_within_s: float) -> list[Worker]:
        """The workers seen recently, each with its run while that is running: workers tell late that one has ended."""
        workers, runs = t.workers.c, t.runs.c
        current = and_(runs.id == workers.run_id, runs.status == "running")
        query = (
            select(t.workers, runs.id.label("training"))
            .select_from(t.workers.outerjoin(t.runs, current))
            .where(workers.seen_at >= self._database.now - seen_within_s)
            .order_by(workers.owner)
        )
        with self._database.read() as connection:
            return [
                Worker(
                    owner=row.owner,
                    queue=row.queue,
                    device=row.device,
                    run_id=row.training,
                    started_at=known(row.started_at),
                    seen_at=known(row.seen_at),
                )
                for row in connection.execute(query)
            ]

    def _give_up(self, condition: ColumnElement[bool], *, max_attempts: int, reason: Reason) -> int:
        runs = t.runs.c
        lost = (runs.status == "running", runs.origin == "service", condition)
        with self._database.read() as connection:  # most rounds find nothing and need no write lock
            if connection.execute(select(runs.id).where(*lost).limit(1)).first() is None:
                return 0
        with self._database.write() as connection:
            rows = connection.execute(
                select(runs.id, runs.owner, runs.attempt, runs.failures, runs.cancel_requested)
                .where(*lost)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            ).all()
            for row in rows:
                self._give_up_one(connection, row, condition, max_attempts=max_attempts, reason=reason)
        return len(rows)

    def _give_up_one(
        self, connection: Connection, row: Any, condition: ColumnElement[bool], *, max_attempts: int, reason: Reason
    ) -> None:
        runs, now = t.runs.c, self._database.now
        ends: dict[str, Any] = {"owner": None, "lease_until": None, "failures": row.failures + 1}
        if row.cancel_requested:
            ends |= {"status": "canceled", "reason": CANCELED, "ended_at": now}
        elif row.failures + 1 >= max_attempts:
            text = f"{reason.text}, in {row.failures + 1} attempts in a row without a new checkpoint"
            ends |= {"status": "failed", "reason": Reason("too_many_attempts", text), "ended_at": now}
        else:
            ends |= {"status": "queued", "reason": reason, "queued_at": now, "sent_at": None}
        change_status(
            connection,
            self._database,
            runs.id == row.id,
            runs.attempt == row.attempt,
            condition,
            before="running",
            recorded_owner=row.owner,
            **ends,
        )
