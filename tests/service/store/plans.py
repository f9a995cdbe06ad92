"""The statements that the store sends, and how a database would answer them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, event

from gradclinic.store import Store


@dataclass(frozen=True)
class Sent:
    """The SELECTs that were sent to a database, with their plans as of a database with many rows."""

    statements: list[str] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)


@contextmanager
def statements(store: Store) -> Iterator[Sent]:
    """The SELECTs that the store sends meanwhile."""
    sent = Sent()

    def note(connection: Connection, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if not statement.startswith("SELECT") or "set_config" in statement:
            return
        sent.statements.append(statement)
        sent.plans.append(_plan(cursor, statement, parameters, is_sqlite=store._database.is_sqlite))

    engines = (store._database._of_projects, store._database.engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def _plan(cursor: Any, statement: str, parameters: Any, *, is_sqlite: bool) -> str:
    if is_sqlite:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(str(row[3]) for row in cursor.fetchall())
    for kind in ("seqscan", "bitmapscan", "sort"):  # which it prefers as long as the tables are small
        cursor.execute(f"SET LOCAL enable_{kind} = off")
    cursor.execute(f"EXPLAIN {statement}", parameters)
    return "\n".join(row[0] for row in cursor.fetchall())
