"""Converts rows to records, and makes all changes of a run's state."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timezone
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection, Row, RowMapping, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from ..diagnosis import Diagnosis
from ..experiments.model_words import model_in_words
from ..kernel.codec import decode
from ..kernel.status import RunSource, RunStatus
from ..measurements.metrics import RunMetrics
from ..measurements.record import Layout, Outcome
from . import tables as t
from .damage import whole
from .database import Database
from .dataset_uses import hold_datasets
from .layout import LAYOUT, RUNS
from .records.run import CheckpointPointer, ListedRun, Message, NewRun, Reason, Run, RunSummary
from .turn import place_reached


def moment(seconds: float | None) -> datetime | None:
    """Seconds since 1970 as a UTC time; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)


def known(seconds: float) -> datetime:
    """Seconds since 1970 as a UTC time."""
    return datetime.fromtimestamp(seconds, timezone.utc)


log = structlog.get_logger(__name__)
_BATCH = 50
"""Runs inserted at once: their documents are in memory as text meanwhile."""
DOCUMENTS = ("experiment", "resolved_experiment", "layout", "layout_digest", "notes")
"""Columns of `runs` that a summary does not read; together they may have several megabytes."""
LISTED = [t.runs.c[field.name] for field in fields(ListedRun) if field.name != "reason"] + [
    t.runs.c.reason_code,
    t.runs.c.reason_text,
]
"""The columns of a line of a list."""
SUMMARY = [column for column in t.runs.c if column.name not in DOCUMENTS]
"""The columns of a summary."""
RUN = select(*(column for column in t.runs.c if column.name != "layout"), LAYOUT.label("layout")).select_from(RUNS)
"""The query of whole runs."""


def to_summary(row: RowMapping) -> RunSummary:
    """A row of the columns `SUMMARY` as a record; damaged documents are left out, and its reason says so.

    Raises DamagedData if a number, a time or a word is damaged.
    """
    return whole("run", row["id"], lambda: RunSummary(**_whole(row, _read_summary(row), RunSummary)))


def to_listed(row: RowMapping) -> ListedRun:
    """A row of the columns `LISTED` as a record; damaged documents are left out, and its reason says so.

    Raises DamagedData if a number, a time or a word is damaged.
    """
    found = _Documents(row)
    found.take("labels", dict[str, str], default={})
    found.take("point", dict[str, float])
    return whole("run", row["id"], lambda: ListedRun(**_whole(row, found, ListedRun)))


def to_run(row: RowMapping) -> Run:
    """A row of `RUN` as a record; damaged documents are left out, and its reason says so. Raises DamagedData."""
    found = _read_summary(row)
    for name in ("experiment", "resolved_experiment"):
        found.take(name, dict, default={})
    found.take("layout", Layout)
    return whole("run", row["id"], lambda: Run(**_whole(row, found, Run)))


class _Documents:
    """The documents of a row, decoded one by one."""

    def __init__(self, row: RowMapping) -> None:
        self.row = row
        self.read: dict[str, Any] = {}
        self.damaged: list[str] = []

    def take(self, name: str, kind: type[Any], *, default: Any = None) -> Any:
        """Decode a column as this type; `default` if it is NULL or damaged."""
        value = default
        if self.row[name] is not None:
            try:
                value = decode(kind, self.row[name])
            except ValidationError:
                self.damaged.append(name)
        self.read[name] = value
        return value


def _read_summary(row: RowMapping) -> _Documents:
    found = _Documents(row)
    found.take("labels", dict[str, str], default={})
    found.take("point", dict[str, float])
    found.take("remedies", list, default=[])
    found.take("checkpoint", CheckpointPointer)
    found.take("environment", dict)
    found.take("diagnosis", Diagnosis)
    outcome = found.take("outcome", Outcome)
    stored = found.take("metrics", RunMetrics)
    found.read["metrics_stored"] = stored is not None
    if stored is None and outcome is not None:
        found.read["metrics"] = RunMetrics.of_outcome(outcome, steps=row["steps"])
    return found


def _whole(row: RowMapping, found: _Documents, record: type[Any]) -> dict[str, Any]:
    """The fields of a record: the documents, the times, and all other columns as they are."""
    reason = whole("run", row["id"], lambda: Reason(row["reason_code"], row["reason_text"]))
    if found.damaged:
        log.error("damaged_run", run_id=row["id"], columns=found.damaged)
        reason = Reason("damaged", f"what is stored of it is damaged: {', '.join(found.damaged)} ({reason.text})")
    read = {
        **found.read,
        "reason": reason,
        "created_at": known(row["created_at"]),
        **{name: moment(row[name]) for name in ("started_at", "ended_at", "queued_at", "lease_until") if name in row},
    }
    return {field.name: read[field.name] if field.name in read else row[field.name] for field in fields(record)}


def new_run_values(run_id: str, new: NewRun, *, study_id: str | None, source: RunSource) -> dict[str, object]:
    """The columns of a new, queued run, without times."""
    own = new.origin == "external"
    waits = Reason("submitted", "waiting for a worker" + (" with a GPU" if new.queue == "gpu" else ""))
    reason = Reason("recording", "recorded from an external program") if own else waits
    return {
        **{field.name: getattr(new, field.name) for field in fields(new) if field.name != "form"},
        "id": run_id,
        "labels": dict(new.labels),
        "status": "running" if own else "queued",
        "study_id": study_id,
        "source": source,
        "model": model_in_words(new.resolved_experiment),
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
    connection: Connection,
    database: Database,
    new_runs: Sequence[tuple[str, NewRun]],
    *,
    source: RunSource,
    study_id: str | None = None,
) -> tuple[Message, ...]:
    """Store new runs, their labels and first transitions; raises Conflict if their data set was deleted.

    They are one submission: the first is as near as the project's next run, and each other one a place after it.
    """
    hold_datasets(connection, [new.resolved_experiment for _, new in new_runs if new.origin == "service"])
    reached = {queue: place_reached(connection, queue) for queue in {new.queue for _, new in new_runs}}
    now = database.now
    values = [
        new_run_values(run_id, new, study_id=study_id, source=source) | {"priority": reached[new.queue] + place}
        for place, (run_id, new) in enumerate(new_runs)
    ]
    for start in range(0, len(values), _BATCH):
        connection.execute(insert(t.runs).values(created_at=now, queued_at=now), values[start : start + _BATCH])
    first = [
        {
            "run_id": row["id"], "number": 1, "status_before": None, "status": row["status"], "attempt": 0, "step": 0,
            "owner": None, "reason_code": row["reason_code"], "reason_text": row["reason_text"],
        }
        for row in values
    ]  # fmt: skip
    if first:
        connection.execute(insert(t.transitions).values(at=now), first)
    labels = [
        {"run_id": run_id, "key": key, "value": value} for run_id, new in new_runs for key, value in new.labels.items()
    ]
    if labels:
        connection.execute(insert(t.labels), labels)
    return tuple(Message(run_id, new.queue) for run_id, new in new_runs if new.origin == "service")


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

    Returns id, transition_count, attempt, step and queue of each changed run.
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
        .returning(runs.id, runs.transition_count, runs.attempt, runs.step, runs.queue)
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
