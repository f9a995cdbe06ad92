"""Metrics for operators, read from sums and indexes. Their cost does not grow with the runs that have ended."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, func, select

from . import tables as t
from .database import Database
from .records.vitals import Vitals, Worker
from .tally import read_tally
from .turn import QUEUED

_runs = t.runs.c


def read_vitals(
    database: Database,
    *,
    workers: Sequence[Worker],
    checks: Mapping[tuple[str, str], int],
    alerts: tuple[int, int],
) -> Vitals:
    """The metrics of a whole installation, whose workers, checks, and alerts (waiting and lost) these are."""
    with database.read() as connection:
        tally = read_tally(connection)
        oldest, overdue = dict(_oldest_queued_s(connection, database)), _overdue(connection, database)
    return Vitals(
        runs=tally.runs,
        transitions=tally.transitions,
        oldest_queued_s=oldest,
        overdue=overdue,
        workers=Counter(worker.device for worker in workers),
        busy_workers=sum(worker.run_id is not None for worker in workers),
        steps_done=tally.steps_done,
        checks=checks,
        alerts_waiting=alerts[0],
        alerts_lost=alerts[1],
    )


def _oldest_queued_s(connection: Connection, database: Database) -> Iterator[tuple[str, float]]:
    """Age in seconds of the oldest waiting run, by queue: one look into the index for each queue."""
    queue = connection.execute(select(func.min(_runs.queue)).where(QUEUED)).scalar()
    while queue is not None:
        age = select(database.now - func.min(_runs.queued_at)).where(QUEUED, _runs.queue == queue)
        yield queue, max(0.0, connection.execute(age).scalar_one())
        queue = connection.execute(select(func.min(_runs.queue)).where(QUEUED, _runs.queue > queue)).scalar()


def _overdue(connection: Connection, database: Database) -> int:
    """Number of running runs whose lease has expired."""
    late = (_runs.status == "running", _runs.lease_until < database.now)
    return connection.execute(select(func.count()).select_from(t.runs).where(*late)).scalar_one()
