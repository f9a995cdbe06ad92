"""Converts rows to records, and makes all changes of a run's state."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, insert, update
from sqlalchemy.sql.elements import ColumnElement

from ..diagnosis import Diagnosis
from ..kernel.codec import decode
from ..kernel.status import RunStatus
from ..measurements.metrics import RunMetrics
from ..measurements.record import Layout, Outcome
from . import tables as t
from .database import Database
from .dataset_uses import hold_datasets
from .records.run import CheckpointPointer, Message, NewRun, Reason, Run, RunSummary


def moment(seconds: float | None) -> datetime | None:
    """Seconds since 1970 as a UTC time; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def known(seconds: float) -> datetime:
    """Seconds since 1970 as a UTC time."""
    return datetime.fromtimestamp(seconds, UTC)


_BATCH = 50
"""Runs inserted at once: their documents are in memory as text meanwhile."""
DOCUMENTS = ("experiment", "resolved_experiment", "layout")
"""Columns of `runs` that a summary does not read; together they may have several megabytes."""
SUMMARY = [column for column in t.runs.c if column.name not in DOCUMENTS]
"""The columns of a summary."""


def to_summary(row: RowMapping) -> RunSummary:
    """A row of the columns `SUMMARY` as a record."""
    read = _read(row)
    return RunSummary(**{field.name: row[field.name] for field in fields(RunSummary) if field.name not in read}, **read)


def to_run(row: RowMapping) -> Run:
    """A row of `runs` as a record."""
    layout = row["layout"]
    read = _read(row) | {"layout": None if layout is None else decode(Layout, layout)}
    return Run(**{field.name: row[field.name] for field in fields(Run) if field.name not in read}, **read)


def _read(row: RowMapping) -> dict[str, Any]:
    """The fields of a summary that differ from the columns; all others equal the column of their name."""
    checkpoint = row["checkpoint"]
    outcome = None if row["outcome"] is None else decode(Outcome, row["outcome"])
    return {
        "reason": Reason(row["reason_code"], row["reason_text"]),
        "checkpoint": None if checkpoint is None else decode(CheckpointPointer, checkpoint),
        "outcome": outcome,
        "metrics": _metrics(row, outcome),
        "metrics_stored": row["metrics"] is not None,
        "diagnosis": None if row["diagnosis"] is None else decode(Diagnosis, row["diagnosis"]),
        "created_at": known(row["created_at"]),
        "queued_at": known(row["queued_at"]),
        "lease_until": moment(row["lease_until"]),
        "started_at": moment(row["started_at"]),
        "ended_at": moment(row["ended_at"]),
    }


def _metrics(row: RowMapping, outcome: Outcome | None) -> RunMetrics | None:
    if row["metrics"] is not None:
        return decode(RunMetrics, row["metrics"])
    return None if outcome is None else RunMetrics.of_outcome(outcome, steps=row["steps"])


def new_run_values(run_id: str, new: NewRun, *, study_id: str | None) -> dict[str, object]:
    """The columns of a new, queued run, without times."""
    own = new.origin == "external"
    waits = Reason("submitted", "waiting for a worker" + (" with a GPU" if new.queue == "gpu" else ""))
    reason = Reason("recording", "recorded from an external program") if own else waits
    return {
        **{field.name: getattr(new, field.name) for field in fields(new)},
        "id": run_id,
        "labels": dict(new.labels),
        "status": "running" if own else "queued",
        "study_id": study_id,
        "point": None if new.point is None else dict(new.point),
        "remedies": list(new.remedies),
        "step": 0,
        "attempt": 0,
        "failures": 0,
        "cancel_requested": False,
        "reason_code": reason.code,
        "reason_text": reason.text,
        "transition_count": 1,
    }


def insert_runs(
    connection: Connection, database: Database, new_runs: Sequence[tuple[str, NewRun]], *, study_id: str | None
) -> tuple[Message, ...]:
    """Store new runs, their labels and first transitions; raises Conflict if their data set was deleted."""
    hold_datasets(connection, [new.resolved_experiment for _, new in new_runs if new.origin == "service"])
    now = database.now
    values = [new_run_values(run_id, new, study_id=study_id) for run_id, new in new_runs]
    for start in range(0, len(values), _BATCH):
        connection.execute(insert(t.runs).values(created_at=now, queued_at=now), values[start : start + _BATCH])
    first = [
        {
            "run_id": row["id"], "number": 1, "status_before": None, "status": row["status"], "attempt": 0, "step": 0,
            "owner": None, "reason_code": row["reason_code"], "reason_text": row["reason_text"],
        }
        for row in values
    ]  # fmt: skip
    connection.execute(insert(t.transitions).values(at=now), first)
    labels = [
        {"run_id": run_id, "key": key, "value": value} for run_id, new in new_runs for key, value in new.labels.items()
    ]
    if labels:
        connection.execute(insert(t.labels), labels)
    return tuple(Message(run_id, new.queue, new.priority) for run_id, new in new_runs if new.origin == "service")


def change_status(
    connection: Connection,
    database: Database,
    *conditions: ColumnElement[bool],
    before: RunStatus,
    status: RunStatus,
    reason: Reason,
    recorded_owner: str | None = None,
    **values: Any,
) -> Sequence[Row[Any]]:
    """Change runs in state `before` that match the conditions to `status`, and record the reason.

    Returns id, transition_count, attempt, step, queue and priority of each changed run.
    """
    runs = t.runs.c
    moved = connection.execute(
        update(t.runs)
        .where(runs.status == before, *conditions)
        .values(
            status=status,
            reason_code=reason.code,
            reason_text=reason.text,
            transition_count=runs.transition_count + 1,
            **values,
        )
        .returning(runs.id, runs.transition_count, runs.attempt, runs.step, runs.queue, runs.priority)
    ).all()
    if moved:
        connection.execute(
            insert(t.transitions).values(at=database.now),
            [
                {
                    "run_id": row.id, "number": row.transition_count, "status_before": before, "status": status,
                    "attempt": row.attempt, "step": row.step, "owner": recorded_owner, "reason_code": reason.code,
                    "reason_text": reason.text,
                }
                for row in moved
            ],
        )  # fmt: skip
    return moved
