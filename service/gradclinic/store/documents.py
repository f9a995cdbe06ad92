"""SQL conditions on the content of JSON documents, for both databases."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, FromClause, case, exists, func, select
from sqlalchemy.sql.elements import ColumnElement

from .database import Database


def text_at(database: Database, column: Column[Any], *path: str) -> ColumnElement[str | None]:
    """The string, or the JSON of an object, at a path of plain names; NULL if there is none."""
    if database.is_sqlite:  # which raises an error over a damaged document, where PostgreSQL stores none
        return case((func.json_valid(column) == 1, func.json_extract(column, ".".join(("$", *path)))))
    return func.json_extract_path_text(column, *path)


def has_all(database: Database, column: Column[Any], labels: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """Conditions that an object of strings has all these keys with these values, one per key.

    It scans all remaining rows, so use it for tables with one row per study, not per run.
    """
    each = func.json_each if database.is_sqlite else func.json_each_text
    found: list[ColumnElement[bool]] = []
    for key, value in labels.items():
        entries: FromClause = each(column).table_valued("key", "value")
        there = select(1).select_from(entries).where(entries.c.key == key, entries.c.value == value)
        found.append(exists(there.correlate(column.table)))
    return found
