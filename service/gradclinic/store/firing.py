"""A due time of a schedule is dealt with once, however many reconcilers see it and whatever dies."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from . import tables as t
from .database import Database


@dataclass(frozen=True)
class Due:
    """A due time of a schedule, which starts one check and no second one."""

    schedule: str
    at: datetime


def deal_with(
    connection: Connection, database: Database, due: Due, *, check_id: str | None = None, problem: str | None = None
) -> bool:
    """Write down what comes of a due time; False where it, or a later one, was dealt with, or the schedule is paused.

    The schedule's row is held until that is committed, so that whoever looks meanwhile waits, and then sees it.
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
    return True
