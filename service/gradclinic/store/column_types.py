"""Column types that carry NaN and infinity on both databases, where they are ordinary values."""

import json
import math
from typing import Any

from sqlalchemy import Double, Text, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine


class Number(TypeDecorator[float]):
    """A double that preserves NaN.

    PostgreSQL stores NaN directly. SQLite would store NULL, which means "absent" here, so NaN is stored as
    the text 'NaN', which sorts after all numbers, like NaN in PostgreSQL.
    """

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> Any:
        if value is not None and dialect.name == "sqlite" and math.isnan(value):
            return "NaN"
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:  # SQLAlchemy's signature
        return None if value is None else float(value)

    def bind_processor(self, dialect: Dialect) -> Any:
        """Skips Double's own processor, which accepts only numbers."""
        return lambda value: self.process_bind_param(value, dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # SQLAlchemy's signature
        return lambda value: self.process_result_value(value, dialect)


class Json(TypeDecorator[Any]):
    """A JSON document that keeps its key order; NaN and infinity become strings."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSON())
        return dialect.type_descriptor(Text())

    def bind_processor(self, dialect: Dialect) -> Any:  # SQLAlchemy's signature
        return lambda value: None if value is None else _dumps(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # SQLAlchemy's signature
        return lambda value: _loads(value) if isinstance(value, str | bytes) else value


DAMAGED = object()
"""What is read of a stored document that is not JSON. Decoding it fails, because it is none of the known types."""


def _loads(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return DAMAGED


def _dumps(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:  # a number in it is not finite, which is rare, so only then is the value copied
        return json.dumps(plain(value), allow_nan=False)


def plain(value: Any) -> Any:
    """The same JSON value with NaN and infinity as "NaN", "Infinity", "-Infinity"."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
