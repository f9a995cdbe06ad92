"""Handles each due time of a schedule exactly once, even with several reconcilers and after crashes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from . import tables as t
from .alert import change_state
from .alert_about import of_schedule
from .database import Database


@dataclass(frozen=True)
class Due:
    """A due time of a schedule, which starts at most one check."""

    schedule: str
    at: datetime


def deal_with(
    connection: Connection, database: Database, due: Due, *, check_id: str | None = None, problem: str | None = None
) -> bool:
    """Record the result of a due time; False if it or a later one was already handled, or the schedule is paused.

    The schedule's row is locked until the commit, so that concurrent readers wait and then see the result.
    """
    schedules, firings = t.schedules.c, t.firings.c
    held = select(schedules.name).where(schedules.name == due.schedule, ~schedules.paused).with_for_update()
    if connection.execute(held).first() is None:
        return False
    moment = due.at.timestamp()
    later = select(firings.due_at).where(firings.schedule == due.schedule, firings.due_at >= moment).limit(1)
    if connection.execute(later).first() is not None:
        return False
    connection.execute(
        insert(t.firings).values(
            schedule=due.schedule, due_at=moment, fired_at=database.now, check_id=check_id, problem=problem
        )
    )
    alert = of_schedule(due.schedule, due_at=due.at, problem=problem)
    change_state(connection, database, f"schedule {due.schedule}", is_bad=problem is not None, alert=alert)
    return True
