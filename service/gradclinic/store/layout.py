"""Layouts of records, which are stored once for all runs that have the same.

A run of an earlier version has a layout of its own until the reconciler moves it.
"""

import json
from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import Connection, FromClause, delete, exists, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from ..kernel.codec import encode
from ..kernel.json import JsonObject
from ..measurements.record import Layout
from . import tables as t
from .column_types import Json, plain
from .database import Database

AT_ONCE = 50
"""Layouts that are moved or deleted in one transaction."""
_DIGITS = 32
LAYOUT: ColumnElement[JsonObject | None] = func.coalesce(t.runs.c.layout, t.layouts.c.document, type_=Json())
"""The layout of a run, in a statement that reads `RUNS`. Its own comes first, which an earlier version may change."""
RUNS: FromClause = t.runs.outerjoin(t.layouts, t.runs.c.layout_digest == t.layouts.c.digest)
"""All runs, with their layouts."""
OWN = (t.runs.c.layout.is_not(None), t.runs.c.ended_at.is_not(None))
"""The runs that have ended with a layout of their own."""


def layout_values(connection: Connection, database: Database, layout: Layout) -> dict[str, object]:
    """Store a layout; returns the columns of a run that has it."""
    return _shared(connection, database, encode(layout))


def share_layouts(database: Database) -> int:
    """Share the layouts of some ended runs that have one of their own; returns how many were found."""
    runs = t.runs.c
    with database.read() as connection:
        found = list(connection.execute(select(runs.id).where(*OWN).order_by(runs.id).limit(AT_ONCE)).scalars())
    if found:
        with database.write() as connection:
            _share(connection, database, found)
    return len(found)


def forget_layouts(database: Database) -> int:
    """Delete some layouts that no run has; returns how many.

    Whoever stores a layout that is there already locks it until its run has it, so the second look finds that run.
    """
    layouts = t.layouts.c
    unused = ~exists().where(t.runs.c.layout_digest == layouts.digest)
    found = select(layouts.digest).where(unused).limit(AT_ONCE)
    with database.read() as connection:  # most rounds find none and need no write lock
        if connection.execute(found.limit(1)).first() is None:
            return 0
    with database.write() as connection:
        digests = list(connection.execute(found.with_for_update(skip_locked=True)).scalars())
        return connection.execute(delete(t.layouts).where(layouts.digest.in_(digests), unused)).rowcount


def _share(connection: Connection, database: Database, run_ids: Iterable[str]) -> None:
    runs = t.runs.c
    rows = connection.execute(select(runs.id, runs.layout).where(runs.id.in_(run_ids), *OWN).with_for_update())
    for run_id, document in rows.all():
        values = _shared(connection, database, document)
        connection.execute(update(t.runs).where(runs.id == run_id).values(**values))


def _shared(connection: Connection, database: Database, document: JsonObject) -> dict[str, object]:
    digest = sha256(json.dumps(plain(document), sort_keys=True).encode()).hexdigest()[:_DIGITS]
    added = database.insert(t.layouts).values(digest=digest, document=document)
    connection.execute(added.on_conflict_do_update(index_elements=["digest"], set_={"digest": digest}))
    return {"layout": None, "layout_digest": digest}
