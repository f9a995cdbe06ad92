"""Studies, stored together with their runs; their status is derived from the runs."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, RowMapping, and_, case, delete, exists, func, insert, not_, or_, select, update
from sqlalchemy.sql.elements import ColumnElement
from typing_extensions import Unpack

from ..comparison.arms import BASELINE
from ..kernel.errors import Conflict
from ..kernel.names import Edits
from ..kernel.status import ENDED, StudyStatus
from . import tables as t
from .acting import note_created
from .damage import readable, whole
from .database import Database
from .documents import has_all
from .edit import edit
from .idempotency import take_key
from .identifiers import new_id, not_found
from .needed import refuse_needed
from .page_size import rows_of_page
from .progress import Counted, count_rows, count_runs
from .quota import refuse_too_many_runs
from .records.created import Created, Idempotency
from .records.page import Page
from .records.run import NewRun, RunSummary
from .records.study import NewStudy, Study
from .rows import SUMMARY, insert_runs, known, moment, to_summary
from .run import cancel_queued, cancel_recorded


class Studies:
    """Reads and writes studies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, new: NewStudy, runs: Sequence[NewRun], *, idempotency: Idempotency | None = None
    ) -> Created[Study]:
        """Store a study and all its runs, or nothing; a repeated idempotency key returns the earlier study."""
        study_id = new_id("study")
        new_runs = [(new_id("run"), run) for run in runs]
        with self._database.write() as connection:
            earlier = None
            with connection.begin_nested() as savepoint:
                connection.execute(insert(t.studies).values(created_at=self._database.now, **_values(study_id, new)))
                if idempotency is not None:
                    earlier = take_key(connection, self._database, idempotency, study_id=study_id)
                    if earlier is not None:
                        savepoint.rollback()
            if earlier is not None:
                return Created(_get(connection, earlier), replayed=True)
            messages = insert_runs(connection, self._database, new_runs, source="study", study_id=study_id)
            refuse_too_many_runs(connection, self._database)
            note_created(f"/v1/studies/{study_id}")
            return Created(_get(connection, study_id), replayed=False, messages=messages)

    def get(self, study_id: str) -> Study:
        """One study; raises NotFound."""
        with self._database.read() as connection:
            return _get(connection, study_id)

    def version(self, study_id: str) -> str | None:
        """Changes with everything that is stored of a study and its runs; None while a run is unfinished."""
        studies, runs = t.studies.c, t.runs.c
        own = select(
            func.count(),
            func.coalesce(func.sum(runs.transition_count), 0),
            func.coalesce(func.sum(runs.edits), 0),
            func.max(runs.id),
            func.sum(case((runs.status.in_(ENDED), 0), else_=1)).label("unfinished"),
        ).where(runs.study_id == study_id)
        query = select(studies.edits, studies.cancel_requested, studies.recorded_runs).where(studies.id == study_id)
        with self._database.read() as connection:
            study, of_runs = connection.execute(query).first(), connection.execute(own).one()
        awaited = study is not None and not study.cancel_requested and (study.recorded_runs or 0) > of_runs[0]
        return None if study is None or of_runs.unfinished or awaited else repr((*study, *of_runs))

    def with_runs(self, study_id: str) -> tuple[Study, list[RunSummary]]:
        """One study and all its runs, in order of creation; raises NotFound."""
        columns = t.runs.c
        query = select(*SUMMARY).where(columns.study_id == study_id).order_by(columns.id)
        with self._database.read() as connection:
            row = connection.execute(select(t.studies).where(t.studies.c.id == study_id)).mappings().first()
            if row is None:
                raise not_found("study", study_id)
            runs = connection.execute(query).mappings().all()
        return _study(row, count_rows(runs)), [to_summary(run) for run in runs]

    def page(
        self,
        *,
        status: StudyStatus | None = None,
        condition: str | None = None,
        labels: Mapping[str, str] | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Study]:
        """A page of studies that match all filters, newest first; `condition` is the primary one of a baseline run."""
        studies, runs = t.studies.c, t.runs.c
        query = select(t.studies).order_by(studies.id.desc())
        if status is not None:
            query = query.where(*_has_status(status))
        if condition is not None:
            query = query.where(_has_run(runs.arm == BASELINE, runs.condition == condition))
        query = query.where(*has_all(self._database, studies.labels, labels or {}))
        if after is not None:
            query = query.where(studies.id < after)
        with self._database.read() as connection:
            rows, more = rows_of_page(connection, query, limit=limit)
            found = _with_progress(connection, rows)
        return Page(found, rows[-1]["id"] if more else None)

    def request_cancel(self, study_id: str) -> Study:
        """Cancel queued runs and ask running ones to stop; raises Conflict if the study has already ended."""
        runs = t.runs.c
        with self._database.write() as connection:
            before = _get(connection, study_id)
            if before.status in {"succeeded", "failed"}:
                raise Conflict(f"the study has already {before.status}; only a running one can be cancelled")
            connection.execute(update(t.studies).where(t.studies.c.id == study_id).values(cancel_requested=True))
            cancel_queued(connection, self._database, runs.study_id == study_id)
            cancel_recorded(connection, self._database, runs.study_id == study_id)
            connection.execute(
                update(t.runs).where(runs.study_id == study_id, runs.status == "running").values(cancel_requested=True)
            )
            return _get(connection, study_id)

    def edit(self, study_id: str, **edits: Unpack[Edits]) -> Study:
        """Change the name, labels or notes of a study; raises NotFound, and InvalidRequest for too many labels."""
        with self._database.write() as connection:
            if not edit(connection, t.studies, study_id, **edits):
                raise not_found("study", study_id)
            return _get(connection, study_id)

    def delete(self, study_id: str) -> None:
        """Delete a study with its runs and their statistics; raises Conflict if they are in use."""
        with self._database.write() as connection:
            # Lock its row first, as cancelling does.
            held = connection.execute(select(t.studies.c.id).where(t.studies.c.id == study_id).with_for_update())
            if held.first() is None:
                raise not_found("study", study_id)
            refuse_needed(connection, t.runs.c.study_id == study_id)
            connection.execute(delete(t.studies).where(t.studies.c.id == study_id))


def _has_run(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(t.runs.c.study_id == t.studies.c.id, *conditions).correlate(t.studies)


def _has_status(status: StudyStatus) -> list[ColumnElement[bool]]:
    """`Study.status` in SQL."""
    of = t.runs.c.status
    begun = select(func.count()).where(t.runs.c.study_id == t.studies.c.id).correlate(t.studies).scalar_subquery()
    awaited = and_(not_(t.studies.c.cancel_requested), func.coalesce(t.studies.c.recorded_runs, 0) > begun)
    running, succeeded = or_(_has_run(of.in_(["queued", "running"])), awaited), _has_run(of == "succeeded")
    canceled = or_(t.studies.c.cancel_requested, _has_run(of == "canceled"))
    match status:
        case "running":
            return [running]
        case "succeeded":
            return [not_(running), succeeded]
        case "canceled":
            return [not_(running), not_(succeeded), canceled]
        case "failed":
            return [not_(running), not_(succeeded), not_(canceled)]


def _values(study_id: str, new: NewStudy) -> dict[str, object]:
    return {
        "id": study_id,
        "name": new.name,
        "labels": dict(new.labels),
        "experiment": new.experiment,
        "arms": list(new.arms),
        "seeds": list(new.seeds),
        "sweep": list(new.sweep),
        "cancel_requested": False,
        "request_id": new.request_id,
        "recorded_runs": new.recorded_runs,
    }


def _get(connection: Connection, study_id: str) -> Study:
    rows = connection.execute(select(t.studies).where(t.studies.c.id == study_id)).mappings().all()
    if not rows:
        raise not_found("study", study_id)
    return _study(rows[0], count_runs(connection, t.runs.c.study_id, [study_id])[study_id])


def _with_progress(connection: Connection, rows: Sequence[RowMapping]) -> list[Study]:
    counted = count_runs(connection, t.runs.c.study_id, [row["id"] for row in rows])
    return readable(rows, lambda row: _study(row, counted[row["id"]]))


def _study(row: RowMapping, own: Counted) -> Study:
    def read() -> Study:
        awaited = 0 if row["cancel_requested"] else max(0, (row["recorded_runs"] or 0) - own.progress.runs)
        progress = own.progress.with_queued(awaited)
        return Study(
            **{name: row[name] for name in _AS_STORED},
            created_at=known(row["created_at"]),
            ended_at=None if progress.unfinished else moment(own.last_end),
            progress=progress,
        )

    return whole("study", row["id"], read)


_AS_STORED = (
    "id", "name", "labels", "experiment", "arms", "seeds", "sweep", "cancel_requested", "request_id", "recorded_runs",
    "notes",
)  # fmt: skip
