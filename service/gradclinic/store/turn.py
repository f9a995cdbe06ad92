"""Which queued run is next: projects take turns, and within a project so do the runs that were submitted together.

A run's `priority` is its place among the runs submitted with it, counted from the place that its project has reached.
So a project works at the first runs of each of its submissions, then at the second ones, and so on, and neither a large
study nor many small ones make the others wait. This is start-time fair queueing (Goyal et al. 1996, SIGCOMM).
"""

from sqlalchemy import Connection, Select, bindparam, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from . import tables as t

QUEUED: ColumnElement[bool] = t.runs.c.status == literal_column("'queued'")
"""As it is written in the partial index of the waiting runs, which a parameter would not match."""


def next_run(connection: Connection, queue: str) -> str | None:
    """The queued run that a worker of this queue should claim; None if there is none.

    It is a run of the project with the fewest running runs; of several, of the one whose last claim is longest ago.
    """
    project = connection.execute(_NEXT_PROJECT, {"queue": queue}).scalar()
    if project is None:
        return None
    return connection.execute(_FIRST_RUN, {"queue": queue, "project": project}).scalar()


def place_reached(connection: Connection, queue: str) -> int:
    """The priority of the run that is next in the connection's project; 0 if none waits."""
    lowest = select(func.min(t.runs.c.priority)).where(QUEUED, t.runs.c.queue == queue)
    return connection.execute(lowest).scalar() or 0


def _first_run_of_project() -> Select[str]:
    runs = t.runs.c
    of_project = (QUEUED, runs.queue == bindparam("queue"), runs.project == bindparam("project"))
    return select(runs.id).where(*of_project).order_by(runs.priority, runs.id).limit(1)


def _project_in_turn() -> Select[str]:
    runs, claimed, working = t.runs.c, t.runs.alias().c, t.runs.alias().c
    queue = bindparam("queue", type_=t.runs.c.queue.type)
    # The names of the projects with waiting runs: one look into the index for each, however many runs wait.
    of_queue = select(func.min(runs.project).label("project")).where(QUEUED, runs.queue == queue)
    waiting = of_queue.cte("waiting", recursive=True)
    following = of_queue.where(runs.project > waiting.c.project).scalar_subquery()
    waiting = waiting.union_all(select(following).where(waiting.c.project.is_not(None)))
    busy = (
        select(working.project, func.count().label("runs"))
        .where(working.status == "running", working.origin == "service", working.queue == queue)
        .group_by(working.project)
        .subquery("busy")
    )
    last_claim = (
        select(func.max(claimed.attempt_started_at))
        .where(claimed.queue == queue, claimed.project == waiting.c.project, claimed.attempt_started_at.is_not(None))
        .scalar_subquery()
    )
    return (
        select(waiting.c.project)
        .join_from(waiting, busy, busy.c.project == waiting.c.project, isouter=True)
        .where(waiting.c.project.is_not(None))
        .order_by(func.coalesce(busy.c.runs, 0), func.coalesce(last_claim, 0.0), waiting.c.project)
        .limit(1)
    )


_NEXT_PROJECT, _FIRST_RUN = _project_in_turn(), _first_run_of_project()
