"""Numbers of runs, of changes of their status and of steps, without counting them each time.

Triggers add a row to `run_tallies` for each change (migration 20261130_21), so nobody waits for another one's row. The
sum of all rows is the present number. The reconciler replaces many rows by their sums.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, literal_column, select

from . import tables as t

MERGED_FROM = 500
"""Rows above which they are merged."""


@dataclass(frozen=True)
class Tally:
    """The present numbers of the installation."""

    runs: dict[tuple[str, str], int]
    """By status and reason code."""
    transitions: dict[tuple[str, str], int]
    """The same of changes to a status."""
    steps_done: int
    """Stored steps of all runs."""


def read_tally(connection: Connection) -> Tally:
    """The present numbers; the steps of unfinished runs are those that they have now."""
    rows = connection.execute(select(t.run_tallies)).all()
    runs, unfinished = t.runs.c, (t.runs.c.ended_at.is_(None), t.runs.c.step > literal_column("0"))
    steps = connection.execute(select(func.coalesce(func.sum(runs.step), 0)).where(*unfinished)).scalar_one()
    summed = _summed(rows)
    return Tally(
        runs={key: each["runs"] for key, each in summed.items() if each["runs"]},
        transitions={key: each["transitions"] for key, each in summed.items() if each["transitions"]},
        steps_done=int(steps) + sum(each["steps"] for each in summed.values()),
    )


def has_many_tallies(connection: Connection) -> bool:
    """Whether the rows should be merged."""
    return connection.execute(select(func.count()).select_from(t.run_tallies)).scalar_one() > MERGED_FROM


def merge_tallies(connection: Connection) -> None:
    """Replace the rows by their sums."""
    merged = _summed(connection.execute(delete(t.run_tallies).returning(*t.run_tallies.c)).all())
    rows = [
        {"status": status, "reason_code": code, **sums} for (status, code), sums in merged.items() if any(sums.values())
    ]
    if rows:
        connection.execute(insert(t.run_tallies), rows)


def _summed(rows: Sequence[Row[Any]]) -> dict[tuple[str, str], Counter[str]]:
    sums: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        own = sums.setdefault((row.status, row.reason_code), Counter(runs=0, transitions=0, steps=0))
        for name in own:
            own[name] += getattr(row, name)
    return sums
