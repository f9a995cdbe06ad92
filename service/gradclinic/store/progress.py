"""Progress of the runs of studies, prescriptions and checks, counted for many of them at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, RowMapping, func, select

from . import tables as t
from .records.progress import Progress


@dataclass(frozen=True)
class Counted:
    """The runs of one study, prescription or check."""

    progress: Progress
    last_end: float | None
    """End of the last run that has ended, in seconds since 1970."""


def count_runs(connection: Connection, owner: Column[Any], ids: Sequence[str]) -> dict[str, Counted]:
    """The progress by id. `owner` is the column that holds the id, in `runs` or in a table that references runs."""
    runs = t.runs.c
    source = t.runs if owner.table is t.runs else owner.table.join(t.runs, owner.table.c.run_id == runs.id)
    rows = connection.execute(
        select(
            owner.label("owner"),
            runs.status,
            func.count().label("runs"),
            func.sum(runs.step).label("steps_done"),
            func.sum(runs.steps).label("steps"),
            func.max(runs.ended_at).label("ended_at"),
        )
        .select_from(source)
        .where(owner.in_(ids))
        .group_by(owner, runs.status)
    ).all()
    return {each: _counted([row for row in rows if row.owner == each]) for each in ids}


def count_rows(runs: Sequence[RowMapping]) -> Counted:
    """The progress of runs whose rows were read."""
    progress = Progress(
        runs=len(runs),
        by_status=Counter(run["status"] for run in runs),
        steps_done=sum(run["step"] for run in runs),
        steps=sum(run["steps"] for run in runs),
    )
    return Counted(progress, max((run["ended_at"] for run in runs if run["ended_at"] is not None), default=None))


def _counted(rows: Sequence[Any]) -> Counted:
    progress = Progress(
        runs=sum(row.runs for row in rows),
        by_status={row.status: row.runs for row in rows},
        steps_done=int(sum(row.steps_done for row in rows)),
        steps=int(sum(row.steps for row in rows)),
    )
    return Counted(progress, max((row.ended_at for row in rows if row.ended_at is not None), default=None))
