"""Runs: create, read, list, cancel, delete."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select, update
from sqlalchemy.sql.elements import ColumnElement
from typing_extensions import Unpack

from ..kernel.codec import decode
from ..kernel.errors import Conflict
from ..kernel.names import Edits
from ..kernel.status import ENDED
from ..measurements.record import Outcome
from . import tables as t
from .acting import note_created
from .damage import readable
from .database import Database
from .documents import text_at
from .edit import edit
from .idempotency import take_key
from .identifiers import new_id, not_found
from .needed import refuse_needed
from .page_size import rows_of_keys
from .quota import refuse_too_many_runs
from .records.created import Created, Idempotency
from .records.page import Page
from .records.run import ListedRun, NewRun, Reason, Run, RunSummary, Transition
from .rows import LISTED, RUN, SUMMARY, change_status, insert_runs, known, to_listed, to_run, to_summary
from .run_list import NEWEST, RunFilters, RunSort, keys_of_page, total_of

AT_ONCE = 20
"""Runs whose documents are read at once."""
CANCELED = Reason("canceled_by_user", "cancelled on request")


class Runs:
    """Reads and writes runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewRun, *, idempotency: Idempotency | None = None) -> Created[Run]:
        """Store a queued run; a repeated idempotency key returns the earlier run."""
        run_id = new_id("run")
        with self._database.write() as connection:
            if idempotency is not None:
                # The key references the run, so it is stored second; the savepoint removes the run on a replay.
                with connection.begin_nested() as savepoint:
                    messages = insert_runs(connection, self._database, [(run_id, new)], source="own")
                    earlier = take_key(connection, self._database, idempotency, run_id=run_id)
                    if earlier is not None:
                        savepoint.rollback()
                if earlier is not None:
                    return Created(_get(connection, earlier), replayed=True)
            else:
                messages = insert_runs(connection, self._database, [(run_id, new)], source="own")
            refuse_too_many_runs(connection, self._database)
            note_created(f"/v1/runs/{run_id}")
            return Created(_get(connection, run_id), replayed=False, messages=messages)

    def get(self, run_id: str) -> Run:
        """One run; raises NotFound."""
        with self._database.read() as connection:
            return _get(connection, run_id)

    def version(self, run_id: str) -> str | None:
        """Changes with everything that is stored of a run that has ended; None before its end, or if there is none."""
        runs = t.runs.c
        dataset = text_at(self._database, runs.resolved_experiment, "data", "id")
        there = exists().where(t.datasets.c.id == dataset).correlate(t.runs)  # it can be deleted afterwards
        columns = (runs.transition_count, runs.edits, runs.retention, there)
        query = select(*columns).where(runs.id == run_id, runs.status.in_(ENDED))
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else "-".join(str(each) for each in row)

    def get_many(self, run_ids: Sequence[str]) -> list[RunSummary]:
        """Several runs, in the given order; raises NotFound for the first that does not exist."""
        with self._database.read() as connection:
            rows = connection.execute(select(*SUMMARY).where(t.runs.c.id.in_(run_ids))).mappings()
            found = {row["id"]: to_summary(row) for row in rows}
        for run_id in run_ids:
            if run_id not in found:
                raise not_found("run", run_id)
        return [found[run_id] for run_id in run_ids]

    def losses(self, run_ids: Sequence[str]) -> dict[str, str | None]:
        """The loss that the experiment of each run declares, as JSON; None where it declares none."""
        loss = text_at(self._database, t.runs.c.resolved_experiment, "loss").label("loss")
        with self._database.read() as connection:
            rows = connection.execute(select(t.runs.c.id, loss).where(t.runs.c.id.in_(run_ids)))
            return {row.id: row.loss for row in rows}

    def with_documents(self, run_ids: Sequence[str]) -> Iterator[Run]:
        """These runs with their documents, in order of creation; a few at a time are read and held."""
        for start in range(0, len(run_ids), AT_ONCE):
            ids = sorted(run_ids)[start : start + AT_ONCE]
            query = RUN.where(t.runs.c.id.in_(ids)).order_by(t.runs.c.id)
            with self._database.read() as connection:
                rows = connection.execute(query).mappings().all()
            yield from (to_run(row) for row in rows)

    def of_study(self, study_id: str) -> list[RunSummary]:
        """All runs of a study, in order of creation."""
        with self._database.read() as connection:
            rows = connection.execute(select(*SUMMARY).where(t.runs.c.study_id == study_id).order_by(t.runs.c.id))
            return [to_summary(row) for row in rows.mappings()]

    def page(
        self, *, sort: RunSort = NEWEST, after: str | None = None, limit: int = 50, **filters: Unpack[RunFilters]
    ) -> Page[RunSummary]:
        """A page of runs that match all filters; by default newest first."""
        runs = t.runs.c
        with self._database.read() as connection:
            keys = keys_of_page(connection, sort=sort, after=after, limit=limit, **filters)
            rows, more = rows_of_keys(connection, select(*SUMMARY), runs.id, keys.ids)
        found = readable(rows, to_summary)
        return Page(found, keys.next_after(rows[-1]["id"]) if rows and (more or keys.more) else None)

    def listed(
        self, *, sort: RunSort = NEWEST, after: str | None = None, limit: int = 50, **filters: Unpack[RunFilters]
    ) -> Page[ListedRun]:
        """The same without documents, which takes a tenth of the time."""
        with self._database.read() as connection:
            keys = keys_of_page(connection, sort=sort, after=after, limit=limit, **filters)
            rows = connection.execute(select(*LISTED).where(t.runs.c.id.in_(keys.ids))).mappings() if keys.ids else ()
            by_id = {run.id: run for run in readable(rows, to_listed)}
        found = [by_id[run_id] for run_id in keys.ids if run_id in by_id]
        return Page(found, keys.next_after(keys.ids[-1]) if keys.more else None)

    def total(self, **filters: Unpack[RunFilters]) -> int:
        """How many runs match all filters; `MOST_COUNTED` stands for that many or more."""
        with self._database.read() as connection:
            return total_of(connection, **filters)

    def find_identical(self, digest: str) -> Run | None:
        """The latest succeeded run with the same resolved experiment and seed."""
        runs = t.runs.c
        query = (
            RUN.where(runs.digest == digest, runs.status == "succeeded", runs.origin == "service")
            .order_by(runs.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else to_run(row)

    def transitions(self, run_id: str) -> list[Transition]:
        """All changes of a run's state, oldest first."""
        query = select(t.transitions).where(t.transitions.c.run_id == run_id).order_by(t.transitions.c.number)
        with self._database.read() as connection:
            return [
                Transition(
                    row.number,
                    row.status_before,
                    row.status,
                    row.attempt,
                    row.step,
                    row.owner,
                    Reason(row.reason_code, row.reason_text),
                    known(row.at),
                )
                for row in connection.execute(query)
            ]

    def request_cancel(self, run_id: str) -> Run:
        """Cancel a queued run, or ask the worker of a running one to stop; raises Conflict if it has already ended."""
        runs = t.runs.c
        with self._database.write() as connection:
            cancel_queued(connection, self._database, runs.id == run_id)
            cancel_recorded(connection, self._database, runs.id == run_id)
            connection.execute(
                update(t.runs).where(runs.id == run_id, runs.status == "running").values(cancel_requested=True)
            )
            run = _get(connection, run_id)
        if run.ended and run.status != "canceled":
            raise Conflict(f"the run has already {run.status}; only a queued or running one can be cancelled")
        return run

    def edit(self, run_id: str, **edits: Unpack[Edits]) -> Run:
        """Change the name, labels or notes of a run; raises NotFound, and InvalidRequest for too many labels."""
        with self._database.write() as connection:
            if not edit(connection, t.runs, run_id, **edits):
                raise not_found("run", run_id)
            return _get(connection, run_id)

    def delete(self, run_id: str) -> None:
        """Delete a run and its statistics; a worker that still trains it stops at its next heartbeat.

        A prescription keeps the trial's key and cost, so the trial is not repeated and its seconds stay counted.
        Raises Conflict if a baseline or a check uses the run.
        """
        trials, runs = t.trials.c, t.runs.c
        own = select(trials.prescription_id, trials.digest, trials.key).where(trials.run_id == run_id)
        working = (self._database.now - runs.attempt_started_at).label("working")
        gone = delete(t.runs).where(runs.id == run_id).returning(runs.status, runs.outcome, working)
        with self._database.write() as connection:
            refuse_needed(connection, runs.id == run_id)
            asked_for = connection.execute(own).mappings().all()
            row = connection.execute(gone).first()
            if row is None:
                raise not_found("run", run_id)
            if asked_for:
                connection.execute(insert(t.deleted_trials), [{**trial, "seconds": _cost(row)} for trial in asked_for])


def cancel_recorded(
    connection: Connection, database: Database, condition: ColumnElement[bool], *, reason: Reason = CANCELED
) -> None:
    """End the runs that external programs record and that match a condition; their next window is rejected."""
    change_status(
        connection,
        database,
        condition,
        t.runs.c.origin == "external",
        before="running",
        status="canceled",
        reason=reason,
        cancel_requested=True,
        lease_until=None,
        ended_at=database.now,
    )


def cancel_queued(connection: Connection, database: Database, condition: Any) -> None:
    """End the queued runs that match a condition."""
    change_status(
        connection,
        database,
        condition,
        before="queued",
        status="canceled",
        reason=CANCELED,
        cancel_requested=True,
        ended_at=database.now,
    )


def _cost(run: Row[Any]) -> float:
    """Seconds of training including recording; for a run still being trained, the seconds its worker was busy."""
    if run.outcome is not None:
        outcome = decode(Outcome, run.outcome)
        return (outcome.train_seconds or 0.0) + (outcome.recording_seconds or 0.0)
    return max(0.0, run.working) if run.status == "running" and run.working is not None else 0.0


def _get(connection: Connection, run_id: str) -> Run:
    row = connection.execute(RUN.where(t.runs.c.id == run_id)).mappings().first()
    if row is None:
        raise not_found("run", run_id)
    return to_run(row)
