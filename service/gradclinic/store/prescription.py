"""Prescriptions (searches for remedies) and their runs, each linked to its trial."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, Select, delete, insert, select, update

from ..kernel.codec import decode, encode
from ..kernel.errors import Conflict
from ..kernel.status import StudyStatus
from ..prescription import Budget, Report
from . import tables as t
from .acting import note_created
from .damage import readable, whole
from .database import Database
from .dataset_uses import hold_datasets
from .documents import has_all, text_at
from .idempotency import take_key
from .identifiers import new_id, not_found
from .needed import refuse_needed
from .page_size import rows_of_page
from .progress import Counted, count_runs
from .quota import refuse_too_many_runs
from .records.created import Created, Idempotency
from .records.page import Page
from .records.prescription import NewPrescription, Prescription
from .records.run import Message, NewRun, RunSummary
from .rows import SUMMARY, insert_runs, known, moment, to_summary
from .run import cancel_queued


class Prescriptions:
    """Reads and writes prescriptions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewPrescription, *, idempotency: Idempotency | None = None) -> Created[Prescription]:
        """Store a running prescription without runs; a repeated idempotency key returns the earlier one."""
        prescription_id = new_id("prescription")
        with self._database.write() as connection:
            hold_datasets(connection, [new.experiment])
            earlier = None
            with connection.begin_nested() as savepoint:
                connection.execute(
                    insert(t.prescriptions).values(created_at=self._database.now, **_values(prescription_id, new))
                )
                if idempotency is not None:
                    earlier = take_key(connection, self._database, idempotency, prescription_id=prescription_id)
                    if earlier is not None:
                        savepoint.rollback()
            if earlier is None:
                refuse_too_many_runs(connection, self._database, coming=1)
                note_created(f"/v1/prescriptions/{prescription_id}")
            return Created(_get(connection, earlier or prescription_id), replayed=earlier is not None)

    def get(self, prescription_id: str) -> Prescription:
        """One prescription; raises NotFound."""
        with self._database.read() as connection:
            return _get(connection, prescription_id)

    def page(
        self,
        *,
        status: StudyStatus | None = None,
        condition: str | None = None,
        ending: str | None = None,
        labels: Mapping[str, str] | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Prescription]:
        """A page of prescriptions that match all filters, newest first; `condition` is the primary one."""
        column = t.prescriptions.c
        query = select(t.prescriptions).order_by(column.id.desc())
        if status is not None:
            query = query.where(column.status == status)
        if condition is not None:
            query = query.where(text_at(self._database, column.report, "diagnosis", "primary") == condition)
        if ending is not None:
            query = query.where(text_at(self._database, column.report, "ending") == ending)
        query = query.where(*has_all(self._database, column.labels, labels or {}))
        if after is not None:
            query = query.where(column.id < after)
        with self._database.read() as connection:
            rows, more = rows_of_page(connection, query, limit=limit)
            found = _with_progress(connection, rows)
        return Page(found, rows[-1]["id"] if more else None)

    def running(self) -> list[tuple[str, str]]:
        """Project and id of prescriptions that have not ended, oldest first."""
        column = t.prescriptions.c
        with self._database.read() as connection:
            found = connection.execute(
                select(column.project, column.id).where(column.status == "running").order_by(column.id)
            )
            return [(row.project, row.id) for row in found]

    def trials(self, prescription_id: str) -> dict[str, RunSummary]:
        """Its runs so far, by trial key."""
        query = (
            select(t.trials.c.key, *SUMMARY)
            .join_from(t.trials, t.runs, t.trials.c.run_id == t.runs.c.id)
            .where(t.trials.c.prescription_id == prescription_id)
            .order_by(t.runs.c.id)
        )
        with self._database.read() as connection:
            return {row["key"]: to_summary(row) for row in connection.execute(query).mappings()}

    def of_runs(self, run_ids: Sequence[str]) -> dict[str, str]:
        """The prescription that each of these runs belongs to, by run; runs without one are left out."""
        trials = t.trials.c
        query = select(trials.run_id, trials.prescription_id).where(trials.run_id.in_(run_ids))
        with self._database.read() as connection:
            return {str(row.run_id): row.prescription_id for row in connection.execute(query)}

    def deleted(self, prescription_id: str) -> dict[str, float]:
        """Cost of deleted runs in seconds, by trial key."""
        deleted = t.deleted_trials.c
        query = select(deleted.key, deleted.seconds).where(deleted.prescription_id == prescription_id)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(deleted.digest))
            return {row.key: row.seconds or 0.0 for row in rows}

    def ask(self, prescription_id: str, wanted: Mapping[str, NewRun], *, report: Report) -> tuple[Message, ...]:
        """Store a round of trials atomically, by trial key; trials that already exist are not stored again.

        A quota that they exceed does not stop a search that was accepted; it refuses what is submitted after it.
        Nothing is stored if the prescription has ended.
        """
        with self._database.write() as connection:
            if not self._hold(connection, prescription_id, report=encode(report)):
                return ()
            asked = {
                digest
                for trials in (t.trials.c, t.deleted_trials.c)
                for digest in connection.execute(
                    select(trials.digest).where(trials.prescription_id == prescription_id)
                ).scalars()
            }
            fresh = [(new_id("run"), key, new) for key, new in wanted.items() if _digest(key) not in asked]
            if not fresh:
                return ()
            messages = insert_runs(
                connection, self._database, [(run_id, new) for run_id, _, new in fresh], source="prescription"
            )
            connection.execute(
                insert(t.trials),
                [
                    {"prescription_id": prescription_id, "digest": _digest(key), "key": key, "run_id": run_id}
                    for run_id, key, _ in fresh
                ],
            )
            return messages

    def finish(self, prescription_id: str, *, status: Literal["succeeded", "failed"], report: Report | None) -> None:
        """Store the report and end the prescription; no effect if it has already ended."""
        with self._database.write() as connection:
            kept = {} if report is None else {"report": encode(report)}
            self._hold(connection, prescription_id, status=status, ended_at=self._database.now, **kept)

    def request_cancel(self, prescription_id: str) -> Prescription:
        """Cancel it and its queued runs, ask running ones to stop; raises Conflict if it has already ended."""
        runs = t.runs.c
        with self._database.write() as connection:
            canceled = self._hold(
                connection, prescription_id, status="canceled", cancel_requested=True, ended_at=self._database.now
            )
            before = _get(connection, prescription_id)
            if not canceled and before.status != "canceled":
                raise Conflict(f"the prescription has already {before.status}; only a running one can be cancelled")
            own = runs.id.in_(_runs_of(prescription_id))
            cancel_queued(connection, self._database, own)
            connection.execute(update(t.runs).where(own, runs.status == "running").values(cancel_requested=True))
            return _get(connection, prescription_id)

    def delete(self, prescription_id: str) -> None:
        """Delete a prescription with its runs and their statistics; raises Conflict if they are in use."""
        column = t.prescriptions.c
        with self._database.write() as connection:
            # Lock its row first, as storing a round does; otherwise runs of that round could be left behind.
            held = connection.execute(
                update(t.prescriptions)
                .where(column.id == prescription_id)
                .values(cancel_requested=True)
                .returning(column.id)
            )
            if held.first() is None:
                raise not_found("prescription", prescription_id)
            refuse_needed(connection, t.runs.c.id.in_(_runs_of(prescription_id)))
            connection.execute(delete(t.runs).where(t.runs.c.id.in_(_runs_of(prescription_id))))
            connection.execute(delete(t.prescriptions).where(column.id == prescription_id))

    def _hold(self, connection: Connection, prescription_id: str, **values: Any) -> bool:
        """Update a running prescription and lock its row until the commit; returns whether it is running."""
        column = t.prescriptions.c
        changed = connection.execute(
            update(t.prescriptions)
            .where(column.id == prescription_id, column.status == "running")
            .values(**values)
            .returning(column.id)
        )
        return changed.first() is not None


def _values(prescription_id: str, new: NewPrescription) -> dict[str, object]:
    return {
        "id": prescription_id,
        "name": new.name,
        "labels": dict(new.labels),
        "status": "running",
        "experiment": new.experiment,
        "budget": new.budget.to_json(),
        "seed": new.seed,
        "cancel_requested": False,
        "request_id": new.request_id,
        "traceparent": new.traceparent,
    }


def _runs_of(prescription_id: str) -> Select[tuple[str]]:
    return select(t.trials.c.run_id).where(t.trials.c.prescription_id == prescription_id)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _get(connection: Connection, prescription_id: str) -> Prescription:
    query = select(t.prescriptions).where(t.prescriptions.c.id == prescription_id)
    rows = connection.execute(query).mappings().all()
    if not rows:
        raise not_found("prescription", prescription_id)
    own = count_runs(connection, t.trials.c.prescription_id, [prescription_id])[prescription_id]
    return _prescription(rows[0], own)


def _with_progress(connection: Connection, rows: Sequence[RowMapping]) -> list[Prescription]:
    counted = count_runs(connection, t.trials.c.prescription_id, [row["id"] for row in rows])
    return readable(rows, lambda row: _prescription(row, counted[row["id"]]))


def _prescription(row: RowMapping, own: Counted) -> Prescription:
    return whole(
        "prescription",
        row["id"],
        lambda: Prescription(
            **{name: row[name] for name in _AS_STORED},
            budget=Budget.model_validate(row["budget"]),
            report=None if row["report"] is None else decode(Report, row["report"]),
            created_at=known(row["created_at"]),
            ended_at=moment(row["ended_at"]),
            progress=own.progress,
        ),
    )


_AS_STORED = (
    "id", "name", "labels", "status", "experiment", "seed", "cancel_requested", "request_id",
    "traceparent",
)  # fmt: skip
