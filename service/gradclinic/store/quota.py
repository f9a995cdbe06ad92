"""Refuses what would take a project over its quota, in the transaction that stores it.

A transaction first stores and then counts, so that a repeated request, which stores nothing, is never refused.
"""

import zlib
from typing import get_args

from sqlalchemy import Connection, func, select

from ..kernel.amounts import bytes_in_words
from ..kernel.errors import QuotaExceeded
from ..kernel.status import Retention
from . import tables as t
from .database import Database
from .records.quota import Kept, Usage


def usage_of(connection: Connection) -> Usage:
    """What the connection's project has."""
    return Usage(*_unfinished(connection), *_datasets(connection), statistics_bytes=_statistics(connection))


def kept_of(connection: Connection) -> list[Kept]:
    """What is kept of the statistics of the project's runs that have ended: all first, the least last."""
    runs = t.runs.c
    query = select(runs.retention, func.count(), func.sum(runs.stored_bytes)).where(runs.stored_bytes.is_not(None))
    found = {row[0]: Kept(row[0], row[1], int(row[2])) for row in connection.execute(query.group_by(runs.retention))}
    return [found[retention] for retention in get_args(Retention) if retention in found]


def refuse_too_many_runs(connection: Connection, database: Database, *, coming: int = 0) -> None:
    """Raises QuotaExceeded if the project has more unfinished runs than it may have.

    Those just stored count, and `coming` ones that follow from what was stored.
    """
    quota = database.quota
    refuse_too_many_statistics(connection, database)
    if not (quota.runs or quota.flops):
        return
    _one_at_a_time(connection, database)
    runs, flops = _unfinished(connection)
    runs += coming
    who = _name(database)
    _check(
        runs,
        quota.runs,
        f"{who} would have {runs:,} runs that have not ended",
        allowed=f"at most {quota.runs:,} (GRADCLINIC_QUOTA_RUNS); wait, or cancel some",
    )
    _check(
        flops,
        quota.flops,
        f"the runs of {who} that have not ended would need {flops:.1e} floating-point operations",
        allowed=f"at most {quota.flops:.1e} (GRADCLINIC_QUOTA_FLOPS); wait, or cancel some",
    )


def refuse_too_many_statistics(connection: Connection, database: Database) -> None:
    """Raises QuotaExceeded if the statistics of the project's runs take more than they may."""
    quota = database.quota
    if not quota.statistics_bytes:
        return
    size, most = _statistics(connection), bytes_in_words(quota.statistics_bytes)
    _check(
        size,
        quota.statistics_bytes,
        f"the statistics of the runs of {_name(database)} take {bytes_in_words(size)}",
        allowed=f"at most {most} (GRADCLINIC_QUOTA_STATISTICS_BYTES); delete some runs",
    )


def refuse_too_much_data(connection: Connection, database: Database) -> None:
    """Raises QuotaExceeded if, with the one just stored, the project has more data sets than it may have."""
    quota = database.quota
    if not (quota.datasets or quota.dataset_bytes):
        return
    _one_at_a_time(connection, database)
    datasets, size = _datasets(connection)
    who = _name(database)
    _check(
        datasets,
        quota.datasets,
        f"{who} would have {datasets:,} data sets",
        allowed=f"at most {quota.datasets:,} (GRADCLINIC_QUOTA_DATASETS); delete some",
    )
    _check(
        size,
        quota.dataset_bytes,
        f"the data sets of {who} would take {bytes_in_words(size)}",
        allowed=f"at most {bytes_in_words(quota.dataset_bytes)} (GRADCLINIC_QUOTA_DATASET_BYTES); delete some",
    )


def _check(value: float, limit: int, detail: str, *, allowed: str) -> None:
    """Raise QuotaExceeded if a value is above its limit; a limit of 0 is none."""
    if 0 < limit < value:
        raise QuotaExceeded.at("", detail, value=value, allowed=allowed)


def _unfinished(connection: Connection) -> tuple[int, float]:
    query = (
        select(func.count(), func.coalesce(func.sum(t.runs.c.flops), 0.0))
        .select_from(t.runs)
        .where(t.runs.c.ended_at.is_(None))
    )
    count, flops = connection.execute(query).one()
    return count, flops


def _datasets(connection: Connection) -> tuple[int, int]:
    query = select(func.count(), func.coalesce(func.sum(func.length(t.datasets.c.content)), 0)).select_from(t.datasets)
    count, size = connection.execute(query).one()
    return count, int(size)


def _statistics(connection: Connection) -> int:
    """Bytes of the statistics of runs that have ended, and of recordings that go on."""
    runs = t.runs.c
    ended = select(func.coalesce(func.sum(runs.stored_bytes), 0)).where(runs.stored_bytes.is_not(None))
    recorded = (
        select(func.coalesce(func.sum(t.recordings.c.stored_bytes), 0))
        .join_from(t.runs, t.recordings, t.recordings.c.run_id == runs.id)
        .where(runs.ended_at.is_(None))
    )
    return int(connection.execute(ended).scalar_one()) + int(connection.execute(recorded).scalar_one())


def _one_at_a_time(connection: Connection, database: Database) -> None:
    """On PostgreSQL, wait for other transactions that store something in the project; SQLite has one writer anyway."""
    if not database.is_sqlite:
        connection.execute(select(func.pg_advisory_xact_lock(zlib.crc32(f"quota {database.project}".encode()))))


def _name(database: Database) -> str:
    return f"the project {database.project!r}"
