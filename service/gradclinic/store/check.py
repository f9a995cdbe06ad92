"""Checks, stored together with their runs; the verdict is stored once all runs have ended."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from ..kernel.codec import decode, encode
from ..kernel.errors import Conflict
from ..kernel.vocabulary import CheckVerdict
from ..regression import Report
from . import tables as t
from .acting import note_created
from .alert import change_state
from .alert_about import of_check
from .baseline import not_found as no_baseline
from .damage import readable, whole
from .database import Database
from .firing import Due, deal_with
from .idempotency import take_key
from .identifiers import new_id, not_found
from .needed import refuse_needed, release
from .page_size import rows_of_page
from .progress import Counted, count_runs
from .quota import refuse_too_many_runs
from .records.check import Check, NewCheck
from .records.created import Created, Idempotency
from .records.page import Page
from .records.run import NewRun, RunSummary
from .rows import SUMMARY, insert_runs, known, moment, to_summary
from .run import cancel_queued

LABEL = "check"
"""Label of a check's runs; its value is the check's id."""


class Checks:
    """Reads and writes checks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        new: NewCheck,
        runs: Sequence[NewRun],
        *,
        idempotency: Idempotency | None = None,
        due: Due | None = None,
    ) -> Created[Check] | None:
        """Store a check and all its runs, or nothing; a repeated idempotency key returns the earlier check.

        None if this due time of the schedule was already handled. Raises Conflict if the baseline was moved
        since the request was read.
        """
        check_id = new_id("check")
        own = [(new_id("run"), replace(run, labels={**run.labels, LABEL: check_id})) for run in runs]
        with self._database.write() as connection:
            _hold_baseline(connection, new)
            earlier = None
            with connection.begin_nested() as savepoint:
                connection.execute(
                    insert(t.checks).values(
                        created_at=self._database.now,
                        schedule=None if due is None else due.schedule,
                        **_values(check_id, new),
                    )
                )
                if due is not None and not deal_with(connection, self._database, due, check_id=check_id):
                    savepoint.rollback()
                    return None
                if idempotency is not None:
                    earlier = take_key(connection, self._database, idempotency, check_id=check_id)
                    if earlier is not None:
                        savepoint.rollback()
            if earlier is not None:
                return Created(_get(connection, earlier), replayed=True)
            messages = insert_runs(connection, self._database, own, source="check")
            connection.execute(insert(t.check_runs), [{"check_id": check_id, "run_id": run_id} for run_id, _ in own])
            refuse_too_many_runs(connection, self._database)
            note_created(f"/v1/checks/{check_id}")
            return Created(_get(connection, check_id), replayed=False, messages=messages)

    def get(self, check_id: str) -> Check:
        """One check; raises NotFound."""
        with self._database.read() as connection:
            return _get(connection, check_id)

    def page(
        self,
        *,
        baseline: str | None = None,
        schedule: str | None = None,
        verdict: CheckVerdict | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Check]:
        """A page of checks that match all filters, newest first."""
        column = t.checks.c
        query = select(t.checks).order_by(column.id.desc())
        for filtered, value in ((column.baseline, baseline), (column.schedule, schedule), (column.verdict, verdict)):
            if value is not None:
                query = query.where(filtered == value)
        if after is not None:
            query = query.where(column.id < after)
        with self._database.read() as connection:
            rows, more = rows_of_page(connection, query, limit=limit)
            found = _with_progress(connection, rows)
        return Page(found, rows[-1]["id"] if more else None)

    def running(self) -> list[tuple[str, str]]:
        """Project and id of checks without a verdict, oldest first."""
        column = t.checks.c
        with self._database.read() as connection:
            found = connection.execute(
                select(column.project, column.id).where(column.status == "running").order_by(column.id)
            )
            return [(row.project, row.id) for row in found]

    def runs(self, check_id: str) -> list[RunSummary]:
        """The new runs of a check, in order of creation."""
        query = select(*SUMMARY).where(t.runs.c.id.in_(_runs_of(check_id))).order_by(t.runs.c.id)
        with self._database.read() as connection:
            return [to_summary(row) for row in connection.execute(query).mappings()]

    def of_runs(self, run_ids: Sequence[str]) -> dict[str, str]:
        """The check that each of these runs belongs to, by run; runs without one are left out."""
        own = t.check_runs.c
        query = select(own.run_id, own.check_id).where(own.run_id.in_(run_ids))
        with self._database.read() as connection:
            return {str(row.run_id): row.check_id for row in connection.execute(query)}

    def finish(self, check_id: str, *, status: Literal["succeeded", "failed"], report: Report) -> bool:
        """Store the report with its verdict and end the check; False, without effect, if it has already ended."""
        with self._database.write() as connection:
            ended = _hold(
                connection,
                check_id,
                status=status,
                verdict=report.verdict,
                report=encode(report),
                ended_at=self._database.now,
            )
            if ended and report.verdict != "inconclusive":
                self._tell(connection, check_id, report)
            return ended

    def _tell(self, connection: Connection, check_id: str, report: Report) -> None:
        """An alert if the last check of the same baseline and schedule ended otherwise."""
        column = t.checks.c
        row = connection.execute(select(column.baseline, column.schedule).where(column.id == check_id)).one()
        change_state(
            connection,
            self._database,
            f"check {row.baseline} {row.schedule or ''}",
            is_bad=report.verdict != "pass",
            alert=of_check(check_id, baseline=row.baseline, schedule=row.schedule, report=report),
        )

    def request_cancel(self, check_id: str) -> Check:
        """Cancel the check and its queued runs, ask running ones to stop; raises Conflict if it has already ended."""
        runs = t.runs.c
        with self._database.write() as connection:
            canceled = _hold(
                connection, check_id, status="canceled", cancel_requested=True, ended_at=self._database.now
            )
            before = _get(connection, check_id)
            if not canceled and before.status != "canceled":
                raise Conflict(f"the check has already {before.status}; only a running one can be cancelled")
            own = runs.id.in_(_runs_of(check_id))
            cancel_queued(connection, self._database, own)
            connection.execute(update(t.runs).where(own, runs.status == "running").values(cancel_requested=True))
            return _get(connection, check_id)

    def delete(self, check_id: str) -> None:
        """Delete a check with its runs; raises Conflict if a baseline is pinned to them."""
        column = t.checks.c
        with self._database.write() as connection:
            pin_id = connection.execute(select(column.pin_id).where(column.id == check_id).with_for_update()).scalar()
            if pin_id is None:
                raise not_found("check", check_id)
            own = list(connection.execute(_runs_of(check_id)).scalars())
            refuse_needed(connection, t.runs.c.id.in_(own), but_check=check_id)
            connection.execute(delete(t.checks).where(column.id == check_id))
            connection.execute(delete(t.runs).where(t.runs.c.id.in_(own)))
            release(connection, pin_id)

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of checks by status and verdict ("" if there is none)."""
        column = t.checks.c
        query = select(column.status, column.verdict, func.count()).group_by(column.status, column.verdict)
        with self._database.read() as connection:
            return {(status, verdict or ""): count for status, verdict, count in connection.execute(query)}


def _hold_baseline(connection: Connection, new: NewCheck) -> None:
    """Lock the baseline's name until the check is stored, so that its runs stay pinned."""
    pin_id = connection.execute(
        select(t.baselines.c.pin_id).where(t.baselines.c.name == new.baseline).with_for_update(read=True)
    ).scalar()
    if pin_id is None:
        raise no_baseline(new.baseline)
    if pin_id != new.pin_id:
        raise Conflict(f"the baseline {new.baseline!r} was moved in the meantime; send the request again")


def _hold(connection: Connection, check_id: str, **values: Any) -> bool:
    """Update a running check and lock its row until the end of the transaction; returns whether it is running."""
    column = t.checks.c
    changed = connection.execute(
        update(t.checks).where(column.id == check_id, column.status == "running").values(**values).returning(column.id)
    )
    return changed.first() is not None


def _values(check_id: str, new: NewCheck) -> dict[str, object]:
    return {
        "id": check_id,
        "name": new.name,
        "labels": dict(new.labels),
        "baseline": new.baseline,
        "pin_id": new.pin_id,
        "status": "running",
        "experiment": new.experiment,
        "remedies": list(new.remedies),
        "seeds": list(new.seeds),
        "margins": dict(new.margins),
        "cancel_requested": False,
        "request_id": new.request_id,
    }


def _runs_of(check_id: str) -> Select[tuple[str]]:
    return select(t.check_runs.c.run_id).where(t.check_runs.c.check_id == check_id)


def _get(connection: Connection, check_id: str) -> Check:
    rows = connection.execute(select(t.checks).where(t.checks.c.id == check_id)).mappings().all()
    if not rows:
        raise not_found("check", check_id)
    return _check(rows[0], count_runs(connection, t.check_runs.c.check_id, [check_id])[check_id])


def _with_progress(connection: Connection, rows: Sequence[RowMapping]) -> list[Check]:
    counted = count_runs(connection, t.check_runs.c.check_id, [row["id"] for row in rows])
    return readable(rows, lambda row: _check(row, counted[row["id"]]))


def _check(row: RowMapping, own: Counted) -> Check:
    return whole(
        "check",
        row["id"],
        lambda: Check(
            **{name: row[name] for name in _AS_STORED},
            report=None if row["report"] is None else decode(Report, row["report"]),
            created_at=known(row["created_at"]),
            ended_at=moment(row["ended_at"]),
            progress=own.progress,
        ),
    )


_AS_STORED = (
    "id", "name", "labels", "baseline", "pin_id", "schedule", "status", "verdict", "experiment", "remedies", "seeds",
    "margins", "cancel_requested", "request_id",
)  # fmt: skip
