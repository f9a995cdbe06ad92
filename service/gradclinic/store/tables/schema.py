"""Shared by all tables: naming of constraints, lengths of ids and words, and columns that several have."""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)
from sqlalchemy.schema import SchemaItem

from ...kernel.project import DEFAULT

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(40)
Word = String(64)


def project() -> "Column[Any]":
    """The project that a row belongs to. Its default is for an earlier version, which knows no projects."""
    return Column("project", Word, nullable=False, server_default=DEFAULT)


def requested() -> tuple[SchemaItem, ...]:
    """Columns of submitted work that can be cancelled: runs, studies, checks and prescriptions."""
    return (
        Column("id", Id, primary_key=True),
        Column("name", String(200)),
        Column("cancel_requested", Boolean, nullable=False),
        Column("created_at", Double, nullable=False),
        Column("request_id", Word),
        project(),
    )


def edited() -> tuple[SchemaItem, ...]:
    """Columns of what people can rename and write notes about."""
    return (Column("notes", Text), Column("edits", Integer, nullable=False, server_default="0"))


def keys_of(noun: str, table: str) -> Table:
    """The idempotency keys under which rows of a table were created."""
    return Table(
        f"{noun}_keys",
        metadata,
        Column("key", String(255), nullable=False),
        Column("fingerprint", Word, nullable=False),
        Column(f"{noun}_id", Id, ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False),
        Column("created_at", Double, nullable=False),
        project(),
        PrimaryKeyConstraint("project", "key"),
        Index(None, f"{noun}_id"),
    )
