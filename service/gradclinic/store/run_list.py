"""Lists of runs: filters, order, and pages that continue after the last run of the page before.

First the keys of a page are read, and then its rows by their keys. An index has the keys in order for each filter and
for each order, so the rows that are read are those of the page, however many runs there are. These read more: a search
and several filters together read an index entry of each run that they pass over, and a total reads one of each run that
it counts.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict, get_args

from pydantic import StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import (
    Column,
    Connection,
    Select,
    String,
    and_,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause
from typing_extensions import Unpack

from ..kernel.errors import InvalidRequest
from ..kernel.status import RunSource, RunStatus
from . import tables as t
from .identifiers import first_id

RunSort = Literal[
    "-created_at", "created_at", "-duration_s", "duration_s", "-status", "status", "-condition", "condition",
    "-name", "name", "-model", "model", "-final_train_loss", "final_train_loss",
    "-relative_train_loss", "relative_train_loss", "-final_validation_loss", "final_validation_loss",
    "-final_validation_accuracy", "final_validation_accuracy",
]  # fmt: skip
"""The orders of a list, descending with a minus. Runs without the value come last, and NaN counts as the largest."""
NEWEST: RunSort = "-created_at"
MOST_COUNTED = 100_000
"""The largest total; more runs are not counted."""
RUN_ID = r"^run_[A-Za-z0-9]{1,36}$"

_runs = t.runs.c
_RECORDED = and_(_runs.origin == literal_column("'external'"), _runs.source != literal_column("'study'"))
"""Spelled out, not as parameters, as the index of these runs has it."""
DURATION: ColumnElement[float] = _runs.ended_at - _runs.started_at
SORTED: Mapping[str, ColumnElement[Any]] = {
    name: DURATION if name == "duration_s" else _runs[name]
    for name in (order.removeprefix("-") for order in get_args(RunSort))
    if name != "created_at"
}
"""What a list can be sorted by, other than the time of creation. `tables.runs` has an index of each."""


class RunFilters(TypedDict, total=False):
    """Filters of a list of runs, which must all be met; None is any."""

    status: RunStatus | None
    condition: str | None
    """The primary condition."""
    finding: str | None
    """The condition of any finding."""
    labels: Mapping[str, str] | None
    study_id: str | None
    source: RunSource | None
    created_from: datetime | None
    created_before: datetime | None
    search: str | None
    """Words that are each part of the name, arm, identifier, model, or a label, in upper or lower case."""


@dataclass(frozen=True)
class Keys:
    """The runs of a page in order, each with the value that it is sorted by, and whether there are more."""

    ids: Sequence[str]
    values: Sequence[Any]
    more: bool
    sort: RunSort

    def next_after(self, run_id: str) -> str:
        """The key of the page that continues after one of these runs."""
        if self.sort.removeprefix("-") not in SORTED:
            return run_id
        return _Cursor(self.sort, self.values[self.ids.index(run_id)], run_id).text


def keys_of_page(
    connection: Connection, *, sort: RunSort, after: str | None, limit: int, **filters: Unpack[RunFilters]
) -> Keys:
    """The keys of a page; raises InvalidRequest if `after` is not the `next` of a list in this order."""
    name = sort.removeprefix("-")
    if name not in SORTED:
        found = connection.execute(_by_creation(sort, after, filters).limit(limit + 1)).scalars().all()
        return Keys(found[:limit], [None] * limit, len(found) > limit, sort)
    cursor = None if after is None else _Cursor.parse(after, sort)
    rows: list[tuple[str, object]] = []
    for query in _by_value(sort, cursor, filters, is_sqlite=connection.dialect.name == "sqlite"):
        if len(rows) <= limit:
            rows += [(row.id, row.value) for row in connection.execute(query.limit(limit + 1 - len(rows)))]
    kept = rows[:limit]
    return Keys([run_id for run_id, _ in kept], [value for _, value in kept], len(rows) > limit, sort)


def total_of(connection: Connection, **filters: Unpack[RunFilters]) -> int:
    """How many runs match all filters, but at most `MOST_COUNTED`."""
    source, key = _narrowest(filters)
    found = select(key).select_from(source).where(*_conditions(filters)).distinct().limit(MOST_COUNTED)
    return connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()


def _by_creation(sort: RunSort, after: str | None, filters: RunFilters) -> Select[Any]:
    if after is not None and not re.fullmatch(RUN_ID, after):
        raise _unknown_page(after)
    source, key = _narrowest(filters)
    query = select(key).select_from(source).where(*_conditions(filters))
    if source is not t.runs:
        query = query.distinct()
    if sort == NEWEST:
        return (query if after is None else query.where(key < after)).order_by(key.desc())
    return (query if after is None else query.where(key > after)).order_by(key)


def _by_value(
    sort: RunSort, cursor: "_Cursor | None", filters: RunFilters, *, is_sqlite: bool
) -> Iterator[Select[Any]]:
    """The runs with a value, and then those without."""
    value, descending = SORTED[sort.removeprefix("-")], sort.startswith("-")
    query = select(_runs.id, value.label("value")).where(*_conditions(filters, whole=True))
    order = (value.desc(), _runs.id.desc()) if descending else (value, _runs.id)
    if cursor is None or cursor.value is not None:
        valued = query.where(value.is_not(None))
        if cursor is not None:
            place, last = tuple_(value, _runs.id), tuple_(literal(cursor.value, value.type), cursor.run_id)
            valued = valued.where(place < last if descending else place > last)
        yield valued.order_by(*order)
    # Either database finds this order in the index by one of the two forms only.
    without = query.where(value.is_(None)).order_by(*order[is_sqlite:])
    if cursor is not None and cursor.value is None:
        without = without.where(_runs.id < cursor.run_id if descending else _runs.id > cursor.run_id)
    yield without


def _narrowest(filters: RunFilters) -> tuple[FromClause, Column[Any]]:
    """The table whose index has the matching runs in order of creation, and the column with their keys."""
    finding, labels = filters.get("finding"), filters.get("labels")
    part = t.findings if finding is not None else t.labels if labels else None
    if part is None:
        return t.runs, _runs.id
    return t.runs.join(part, part.c.run_id == _runs.id), part.c.run_id


def _conditions(filters: RunFilters, *, whole: bool = False) -> Iterator[ColumnElement[bool]]:
    """The filters in SQL. Without `whole`, the table of `_narrowest` is in the statement."""
    for column, value in (
        (_runs.status, filters.get("status")),
        (_runs.condition, filters.get("condition")),
        (_runs.study_id, filters.get("study_id")),
    ):
        if value is not None:
            yield column == value
    if (source := filters.get("source")) is not None:
        yield _RECORDED if source == "recording" else _runs.source == source
    if (first := filters.get("created_from")) is not None:
        yield _runs.id >= first_id("run", first)
    if (end := filters.get("created_before")) is not None:
        yield _runs.id < first_id("run", end)
    finding, labels = filters.get("finding"), list((filters.get("labels") or {}).items())
    if finding is not None:
        found = t.findings.c.condition == finding
        yield exists().where(t.findings.c.run_id == _runs.id, found).correlate(t.runs) if whole else found
    elif labels and not whole:
        yield _is_label(t.labels, *labels.pop(0))
    for key, value in labels:
        other = t.labels.alias()
        yield exists().where(other.c.run_id == _runs.id, _is_label(other, key, value)).correlate(t.runs)
    for word in (filters.get("search") or "").split():
        yield _mentions(word)


def _is_label(labels: FromClause, key: str, value: str) -> ColumnElement[bool]:
    return and_(labels.c.key == key, labels.c.value == value)


def _mentions(word: str) -> ColumnElement[bool]:
    label = t.labels.alias()
    named = (label.c[name].icontains(word, autoescape=True) for name in ("key", "value"))
    labelled = exists().where(label.c.run_id == _runs.id, or_(*named)).correlate(t.runs)
    own = (_runs[name].icontains(word, autoescape=True) for name in ("name", "arm", "id", "model"))
    return or_(*own, labelled)


@dataclass(frozen=True)
class _Cursor:
    """The last run of a page that is sorted by a value."""

    sort: RunSort
    value: float | str | None
    run_id: str

    @property
    def text(self) -> str:
        return urlsafe_b64encode(_ENCODED.dump_json((self.sort, self.value, self.run_id))).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, sort: RunSort) -> "_Cursor":
        try:
            known, value, run_id = _ENCODED.validate_json(urlsafe_b64decode(text + "=" * (-len(text) % 4)), strict=True)
        except (ValidationError, ValueError):
            raise _unknown_page(text) from None
        of_sort = value is None or isinstance(value, str) == isinstance(SORTED[sort.removeprefix("-")].type, String)
        if known != sort or not of_sort:
            raise _unknown_page(text)
        return cls(sort, value, run_id)


_ENCODED: TypeAdapter[tuple[str, float | str | None, str]] = TypeAdapter(
    tuple[
        str,
        float | Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] | None,
        Annotated[str, StringConstraints(pattern=RUN_ID)],
    ],
    config={"ser_json_inf_nan": "constants"},
)


def _unknown_page(text: str) -> InvalidRequest:
    allowed = "the `next` of a page that has the same `sort`; by time of creation an id, run_..."
    return InvalidRequest.at("/after", "does not continue a list in this order", value=text[:300], allowed=allowed)
