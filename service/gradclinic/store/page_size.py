"""Pages of rows with documents end early where the documents are large; the reader asks for the next page as usual."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Integer, RowMapping, Select, Text, cast, func, literal

from .column_types import Json

PAGE_CHARACTERS = 4 * 2**20
"""Characters of JSON in one page. As Python objects they take about ten times as many bytes."""


def rows_of_page(connection: Connection, query: Select[Any], *, limit: int) -> tuple[Sequence[RowMapping], bool]:
    """The first rows of a query, at least one and at most `limit`, and whether there are more."""
    size = _size_of(query)
    sizes = connection.execute(query.with_only_columns(size, maintain_column_froms=True).limit(limit + 1)).scalars()
    counted = list(sizes)
    fitting = items_of_page(counted[:limit])
    rows = connection.execute(query.limit(fitting)).mappings().all()
    return rows, len(counted) > fitting


def rows_of_keys(
    connection: Connection, query: Select[Any], key: Column[Any], keys: Sequence[str]
) -> tuple[Sequence[RowMapping], bool]:
    """The rows of these keys in their order, at least one, and whether some did not fit."""
    if not keys:
        return (), False
    sized = query.with_only_columns(key.label("key"), _size_of(query).label("size")).where(key.in_(keys))
    sizes = {row.key: row.size for row in connection.execute(sized)}
    there = [each for each in keys if each in sizes]
    fitting = there[: items_of_page([sizes[each] for each in there])]
    rows = {row[key.name]: row for row in connection.execute(query.where(key.in_(fitting))).mappings()}
    return [rows[each] for each in fitting if each in rows], len(there) > len(fitting)


def items_of_page(sizes: Sequence[int]) -> int:
    """How many items of these sizes, in characters, make one page; one if the first alone is larger."""
    return max(sum(total <= PAGE_CHARACTERS for total in accumulate(sizes)), min(1, len(sizes)))


def _size_of(query: Select[Any]) -> ColumnElement[int]:
    """The characters of all documents in a row."""
    documents = [column for column in query.selected_columns if isinstance(column.type, Json)]
    return sum((func.coalesce(func.length(cast(each, Text)), 0) for each in documents), literal(0, Integer))
