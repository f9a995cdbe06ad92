"""Schedules that start checks, and when each of them did."""

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from ..column_types import Json
from .schema import Id, Word, metadata, project

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(100), nullable=False),
    Column("cron", String(100), nullable=False),
    Column("zone", Word, nullable=False),
    Column("baseline", String(100), nullable=False),
    Column("asks", Json, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("since", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("request_id", Word),
    project(),
    PrimaryKeyConstraint("project", "name"),
    Index(None, "baseline"),
)

# The key is what makes a schedule fire once for each due time, however many reconcilers see it.
firings = Table(
    "firings",
    metadata,
    Column("schedule", String(100), nullable=False),
    Column("due_at", Double, nullable=False),
    Column("fired_at", Double, nullable=False),
    Column("check_id", Id, ForeignKey("checks.id", ondelete="SET NULL")),
    Column("problem", Text),
    project(),
    PrimaryKeyConstraint("project", "schedule", "due_at"),
    ForeignKeyConstraint(["project", "schedule"], ["schedules.project", "schedules.name"], ondelete="CASCADE"),
    Index(None, "check_id"),
)
