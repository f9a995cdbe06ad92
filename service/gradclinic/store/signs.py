"""What is watched in a project for alerts: how its last runs ended, how long others wait, and who serves them."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from . import tables as t
from .database import Database
from .turn import QUEUED


@dataclass(frozen=True, kw_only=True)
class Signs:
    """How the queues of a project are."""

    last_failed: int
    """Number of its runs that failed or expired since one succeeded, at most as many as asked for."""
    waiting_s: Mapping[str, float]
    """Age in seconds of the longest waiting run, by queue."""
    served: frozenset[str]
    """The queues for which a worker was seen recently."""


def read_signs(database: Database, *, last: int, seen_within_s: float) -> Signs:
    """The signs of the project of a database, from its `last` runs that ended and the workers of all projects."""
    runs, workers = t.runs.c, t.workers.c
    ended = (
        select(runs.status)
        .where(runs.ended_at.is_not(None), runs.origin == "service", runs.status != "canceled")
        .order_by(runs.id.desc())
        .limit(last)
    )
    oldest = select(runs.queue, database.now - func.min(runs.queued_at)).where(QUEUED).group_by(runs.queue)
    seen = select(workers.queue).where(workers.seen_at >= database.now - seen_within_s).distinct()
    with database.read() as connection:
        statuses = list(connection.execute(ended).scalars())
        waiting = {str(queue): max(0.0, age) for queue, age in connection.execute(oldest)}
        served = frozenset(queue for queues in connection.execute(seen).scalars() for queue in queues.split(","))
    failed = next((n for n, status in enumerate(statuses) if status not in ("failed", "expired")), len(statuses))
    return Signs(last_failed=failed, waiting_s=waiting, served=served)
