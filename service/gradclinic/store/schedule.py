"""Schedules that start checks by cron expression, with the result of each due time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from ..kernel.errors import Conflict, NotFound
from . import tables as t
from .acting import note_created
from .baseline import not_found as no_baseline
from .damage import readable, whole
from .database import Database
from .firing import Due, deal_with
from .page_size import rows_of_page
from .records.page import Page
from .records.schedule import Firing, NewSchedule, Schedule
from .rows import known

SHOWN = 10
"""Number of latest firings returned with a schedule."""


class Schedules:
    """Reads and writes schedules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewSchedule) -> Schedule:
        """Store a schedule; raises Conflict if the name is in use, NotFound if the baseline does not exist."""
        with self._database.write() as connection:
            there = select(t.baselines.c.name).where(t.baselines.c.name == new.baseline).with_for_update(read=True)
            if connection.execute(there).first() is None:
                raise no_baseline(new.baseline)
            now = self._database.now
            made = connection.execute(
                self._database.insert(t.schedules)
                .values(**{name: getattr(new, name) for name in _AS_GIVEN}, paused=False, since=now, created_at=now)
                .on_conflict_do_nothing()
                .returning(t.schedules.c.name)
            )
            if made.first() is None:
                raise Conflict(f"the schedule {new.name!r} already exists; delete it first, or choose another name")
            note_created(f"/v1/schedules/{new.name}")
            return _get(connection, new.name)

    def get(self, name: str) -> Schedule:
        """One schedule; raises NotFound."""
        with self._database.read() as connection:
            return _get(connection, name)

    def page(self, *, baseline: str | None = None, after: str | None = None, limit: int = 50) -> Page[Schedule]:
        """A page of schedules, by name: all, or those of a baseline."""
        query = select(t.schedules).order_by(t.schedules.c.name)
        if baseline is not None:
            query = query.where(t.schedules.c.baseline == baseline)
        if after is not None:
            query = query.where(t.schedules.c.name > after)
        with self._database.read() as connection:
            rows, more = rows_of_page(connection, query, limit=limit)
            found = readable(rows, lambda row: _schedule(connection, row))
        return Page(found, rows[-1]["name"] if more else None)

    def active(self) -> tuple[datetime, list[tuple[Schedule, datetime]]]:
        """The current time by the database's clock, and the active schedules, each with its position.

        The position is the last handled due time, or the time it was created or resumed if that is later.
        """
        schedules, firings = t.schedules.c, t.firings.c
        own = (firings.project == schedules.project, firings.schedule == schedules.name)
        last = select(func.max(firings.due_at)).where(*own).scalar_subquery()
        query = (
            select(t.schedules, last.label("last")).where(~schedules.paused).order_by(schedules.project, schedules.name)
        )
        with self._database.read() as connection:
            now = connection.execute(select(self._database.now)).scalar_one()
            rows = connection.execute(query).mappings().all()
        return known(now), readable(rows, _with_position)

    def set_paused(self, name: str, *, paused: bool) -> Schedule:
        """Pause or resume a schedule; due times during a pause are not made up."""
        schedules = t.schedules.c
        since = {} if paused else {"since": self._database.now}
        with self._database.write() as connection:
            connection.execute(
                update(t.schedules)
                .where(schedules.name == name, schedules.paused != paused)
                .values(paused=paused, **since)
            )
            return _get(connection, name)

    def skip(self, due: Due, *, problem: str) -> bool:
        """Record why a due time started no check; False if it was already handled."""
        with self._database.write() as connection:
            return deal_with(connection, self._database, due, problem=problem)

    def delete(self, name: str) -> None:
        """Delete a schedule; the checks it started are kept."""
        with self._database.write() as connection:
            gone = connection.execute(
                delete(t.schedules).where(t.schedules.c.name == name).returning(t.schedules.c.name)
            )
            if gone.first() is None:
                raise _not_found(name)


_AS_GIVEN = ("name", "cron", "zone", "baseline", "asks", "request_id")


def _not_found(name: str) -> NotFound:
    return NotFound(f"there is no schedule {name!r}")


def _get(connection: Connection, name: str) -> Schedule:
    row = connection.execute(select(t.schedules).where(t.schedules.c.name == name)).mappings().first()
    if row is None:
        raise _not_found(name)
    return _schedule(connection, row)


def _schedule(connection: Connection, row: RowMapping) -> Schedule:
    firings = t.firings.c
    query = (
        select(t.firings, t.checks.c.verdict, t.checks.c.status)
        .outerjoin_from(t.firings, t.checks, firings.check_id == t.checks.c.id)
        .where(firings.schedule == row["name"])
        .order_by(firings.due_at.desc())
        .limit(SHOWN)
    )
    found = [
        Firing(
            known(each["due_at"]),
            known(each["fired_at"]),
            each["check_id"],
            each["verdict"],
            each["status"],
            each["problem"],
        )
        for each in connection.execute(query).mappings()
    ]
    return _without_firings(row, found)


def _with_position(row: RowMapping) -> tuple[Schedule, datetime]:
    return _without_firings(row), known(max(row["since"], row["last"] or 0.0))


def _without_firings(row: RowMapping, firings: Sequence[Firing] = ()) -> Schedule:
    values: dict[str, Any] = {name: row[name] for name in (*_AS_GIVEN, "paused", "project")}
    return whole(
        "schedule",
        row["name"],
        lambda: Schedule(**values, since=known(row["since"]), created_at=known(row["created_at"]), firings=firings),
    )
