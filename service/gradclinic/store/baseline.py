"""Baselines: movable names of pinned result sets, with their history."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Text, cast, delete, exists, func, insert, select, update

from ..kernel.errors import Conflict, DamagedData, NotFound
from . import tables as t
from .acting import note_created
from .damage import readable, whole
from .database import Database
from .identifiers import new_id
from .needed import release
from .page_size import items_of_page
from .records.baseline import Baseline, NewPin, Pin
from .records.created import Created
from .records.page import Page
from .rows import known

HISTORY = 100
"""Number of latest pins returned with a baseline."""


class Baselines:
    """Reads and writes baselines."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pin(self, name: str, new: NewPin) -> Created[Baseline]:
        """Pin runs as a named baseline; replayed if the name already points at them.

        Raises NotFound for a run that does not exist.
        """
        pin_id = new_id("pin")
        with self._database.write() as connection:
            before = _held(connection, name)
            if before is not None and before["run_ids"] == list(new.run_ids):
                return Created(_get(connection, name), replayed=True)
            _lock_runs(connection, new.run_ids)
            connection.execute(
                insert(t.pins).values(
                    id=pin_id,
                    baseline=name,
                    pinned_at=self._database.now,
                    **{field: getattr(new, field) for field in _AS_GIVEN},
                    **{field: list(getattr(new, field)) for field in _LISTS},
                )
            )
            connection.execute(insert(t.pinned_runs), [{"pin_id": pin_id, "run_id": run_id} for run_id in new.run_ids])
            made = connection.execute(
                self._database.insert(t.baselines)
                .values(name=name, pin_id=pin_id, created_at=self._database.now)
                .on_conflict_do_nothing()
                .returning(t.baselines.c.name)
            ).first()
            if made is None:
                before = _held(connection, name)
                if before is None:
                    raise Conflict(f"the baseline {name!r} was deleted in the meantime; send the request again")
                connection.execute(update(t.baselines).where(t.baselines.c.name == name).values(pin_id=pin_id))
                release(connection, before["id"])
            note_created(f"/v1/baselines/{name}")
            return Created(_get(connection, name), replayed=False)

    def get(self, name: str) -> Baseline:
        """One baseline; raises NotFound."""
        with self._database.read() as connection:
            return _get(connection, name)

    def pin_of(self, pin_id: str) -> Pin:
        """The pin that a check was compared with, independent of where the name points now."""
        with self._database.read() as connection:
            return _of(connection, pin_id)

    def page(self, *, after: str | None = None, limit: int = 50) -> Page[Baseline]:
        """A page of baselines, by name."""
        query = select(t.baselines.c.name).order_by(t.baselines.c.name).limit(limit + 1)
        if after is not None:
            query = query.where(t.baselines.c.name > after)
        with self._database.read() as connection:
            names = list(connection.execute(query).scalars())
            sizes = connection.execute(_sizes(names[:limit])).scalars().all()
            fitting = names[: items_of_page(sizes)]
            found = readable(fitting, lambda name: _get(connection, name))
        return Page(found, fitting[-1] if len(names) > len(fitting) else None)

    def delete(self, name: str) -> None:
        """Delete the name, and unpin its runs unless a check was compared with them.

        Raises Conflict if a schedule uses the baseline.
        """
        with self._database.write() as connection:
            if _held(connection, name) is None:
                raise not_found(name)
            schedule = connection.execute(
                select(t.schedules.c.name).where(t.schedules.c.baseline == name).limit(1)
            ).scalar()
            if schedule is not None:
                raise Conflict(f"the schedule {schedule!r} uses the baseline {name!r}; delete the schedule first")
            connection.execute(delete(t.baselines).where(t.baselines.c.name == name))
            connection.execute(select(t.pins.c.id).where(t.pins.c.baseline == name).with_for_update())
            used = exists().where(t.checks.c.pin_id == t.pins.c.id)
            connection.execute(delete(t.pins).where(t.pins.c.baseline == name, ~used))


_AS_GIVEN = ("experiment", "study_id", "check_id", "arm", "request_id")
_LISTS = ("remedies", "seeds", "run_ids")


def not_found(name: str) -> NotFound:
    """The error that no baseline has this name."""
    return NotFound(f"there is no baseline {name!r}")


def _sizes(names: Sequence[str]) -> Select[int]:
    """The characters of the experiments of each baseline's pins, by name."""
    size = func.coalesce(func.sum(func.length(cast(t.pins.c.experiment, Text))), 0)
    joined = t.baselines.outerjoin(t.pins, t.pins.c.baseline == t.baselines.c.name)
    name = t.baselines.c.name
    return select(size).select_from(joined).where(name.in_(names)).group_by(name).order_by(name)


def _held(connection: Connection, name: str) -> RowMapping | None:
    """The pin that a name points at; locks the name until the end of the transaction."""
    pin_id = connection.execute(
        select(t.baselines.c.pin_id).where(t.baselines.c.name == name).with_for_update()
    ).scalar()
    return None if pin_id is None else connection.execute(select(t.pins).where(t.pins.c.id == pin_id)).mappings().one()


def _lock_runs(connection: Connection, run_ids: Sequence[str]) -> None:
    """Lock the runs against deletion until the pin is committed."""
    runs = t.runs.c
    found = connection.execute(
        select(runs.id).where(runs.id.in_(list(run_ids))).with_for_update(read=True, key_share=True)
    ).scalars()
    gone = set(run_ids) - set(found)
    if gone:
        raise NotFound(f"there is no run {min(gone)!r}")


def _get(connection: Connection, name: str) -> Baseline:
    row = connection.execute(select(t.baselines).where(t.baselines.c.name == name)).mappings().first()
    if row is None:
        raise not_found(name)
    pins = t.pins.c
    query = select(t.pins).where(pins.baseline == name).order_by(pins.pinned_at.desc(), pins.id.desc()).limit(HISTORY)
    history = readable(connection.execute(query).mappings().all(), _pin)
    pin, conditions = _of(connection, row["pin_id"]), _conditions(connection, row["pin_id"])
    return whole(
        "baseline",
        name,
        lambda: Baseline(
            name=name, pin=pin, history=history, conditions=conditions, created_at=known(row["created_at"])
        ),
    )


def _conditions(connection: Connection, pin_id: str) -> dict[str, int]:
    """Number of pinned runs by primary condition, most frequent first."""
    runs = t.runs.c
    found = connection.execute(
        select(runs.condition, func.count().label("runs"))
        .join_from(t.pinned_runs, t.runs, t.pinned_runs.c.run_id == runs.id)
        .where(t.pinned_runs.c.pin_id == pin_id, runs.condition.is_not(None))
        .group_by(runs.condition)
        .order_by(func.count().desc(), runs.condition)
    )
    return {row.condition: row.runs for row in found}


def _of(connection: Connection, pin_id: str) -> Pin:
    row = connection.execute(select(t.pins).where(t.pins.c.id == pin_id)).mappings().first()
    if row is None:  # which the database refuses, unless it is damaged
        raise DamagedData(f"the pin {pin_id!r} is missing")
    return _pin(row)


def _pin(row: RowMapping) -> Pin:
    values: dict[str, Any] = {name: row[name] for name in (*_AS_GIVEN, *_LISTS, "id", "baseline")}
    return whole("baseline", row["baseline"], lambda: Pin(**values, pinned_at=known(row["pinned_at"])))
