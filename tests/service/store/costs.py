"""How much the statements of the store read, however long they take."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event, text

from gradclinic.store import Store
from gradclinic.store.database import Database


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that this process sends to any database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement != "BEGIN":  # which SQLite is sent in words
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@contextmanager
def rows_read(store: Store) -> Iterator[list[float]]:
    """How much the statements of the block read: rows on PostgreSQL, instructions of its virtual machine on SQLite."""
    database = store._database
    read: list[float] = []
    if database.is_sqlite:

        def count(connection: Any, _record: object, _proxy: object) -> None:
            def step() -> int:
                read.append(1)
                return 0

            connection.set_progress_handler(step, 1)

        event.listen(database.engine.pool, "checkout", count)
        try:
            yield read
        finally:
            event.remove(database.engine.pool, "checkout", count)
        return

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith(("SELECT", "WITH", "UPDATE")):
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            ((((plan,),)),) = (cursor.fetchall(),)
            read.append(rows_of(plan[0]["Plan"]))

    engines = (database.engine, database._of_projects)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", explain)
    try:
        yield read
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", explain)


def rows_of(plan: dict[str, Any]) -> float:
    """The rows that a plan and its parts read, with those that a filter dropped."""
    own = plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))
    return own + sum(rows_of(part) for part in plan.get("Plans", ()))


def analyzed(store: Store) -> None:
    """Let PostgreSQL know how many rows there are, as its autovacuum does after a while."""
    database = Database(store._database.url.render_as_string(hide_password=False))
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    database.close()
