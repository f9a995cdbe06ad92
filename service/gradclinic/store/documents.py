"""Conditions on what stands in a JSON document, in the words of either database."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, FromClause, exists, func, select
from sqlalchemy.sql.elements import ColumnElement

from .database import Database


def text_at(database: Database, column: Column[Any], *path: str) -> ColumnElement[str | None]:
    """The string at a path of plain names; NULL where there is none."""
    if database.is_sqlite:
        return func.json_extract(column, ".".join(("$", *path)))
    return func.json_extract_path_text(column, *path)


def has_all(database: Database, column: Column[Any], labels: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """That an object of strings has all these keys with these values, one condition a key.

    It looks at every row that is left, so it is for tables with a row for each study, not for each run.
    """
    each = func.json_each if database.is_sqlite else func.json_each_text
    found: list[ColumnElement[bool]] = []
    for key, value in labels.items():
        entries: FromClause = each(column).table_valued("key", "value")
        there = select(1).select_from(entries).where(entries.c.key == key, entries.c.value == value)
        found.append(exists(there.correlate(column.table)))
    return found
