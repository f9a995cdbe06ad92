"""Rows that are not what was written, as after a fault of a disk: one of them does not hide the others."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from ..kernel.errors import DamagedData

log = structlog.get_logger(__name__)

Row = TypeVar("Row")
Record = TypeVar("Record")


def whole(kind: str, key: str, make: Callable[[], Record]) -> Record:
    """The record that `make` makes of a row. Raises DamagedData if it cannot, or if a field is not of its type."""
    try:
        record = make()
        _adapter(type(record)).validate_python({each.name: getattr(record, each.name) for each in fields(record)})  # type: ignore[arg-type]  # all records are dataclasses
    except ValidationError as error:
        raise _damaged(kind, key, sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]})) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise _damaged(kind, key, [type(error).__name__]) from None
    return record


def readable(rows: Iterable[Row], read: Callable[[Row], Record]) -> list[Record]:
    """The records of rows, without those that are damaged. The log names each of them."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except DamagedData:
            continue
    return found


def _damaged(kind: str, key: str, what: list[str]) -> DamagedData:
    log.error("damaged_row", kind=kind, key=key, what=what)
    return DamagedData(f"what is stored of the {kind} {key!r} is damaged")


@cache
def _adapter(record: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(record)
