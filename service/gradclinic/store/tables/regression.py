"""Baselines, the checks compared with them, and the schedules that start checks."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from ..column_types import Json
from .schema import Id, Word, metadata

baselines = Table(
    "baselines",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("pin_id", Id, ForeignKey("pins.id"), nullable=False),
    Column("created_at", Double, nullable=False),
    Index(None, "pin_id"),
)

# Current and earlier pins of a baseline's name; kept as history until the baseline is deleted.
pins = Table(
    "pins",
    metadata,
    Column("id", Id, primary_key=True),
    Column("baseline", String(100), nullable=False),
    Column("study_id", Id),
    Column("check_id", Id),
    Column("arm", String(200)),
    Column("experiment", Json, nullable=False),
    Column("remedies", Json, nullable=False),
    Column("seeds", Json, nullable=False),
    Column("run_ids", Json, nullable=False),
    Column("pinned_at", Double, nullable=False),
    Column("request_id", Word),
    Index(None, "baseline"),
)

# No cascade from runs: the database refuses to delete runs that a baseline or a check uses.
pinned_runs = Table(
    "pinned_runs",
    metadata,
    Column("pin_id", Id, ForeignKey("pins.id", ondelete="CASCADE"), nullable=False),
    Column("run_id", Id, ForeignKey("runs.id"), nullable=False),
    PrimaryKeyConstraint("pin_id", "run_id"),
    Index(None, "run_id"),
)

checks = Table(
    "checks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200)),
    Column("labels", Json, nullable=False),
    Column("baseline", String(100), nullable=False),
    Column("pin_id", Id, ForeignKey("pins.id"), nullable=False),
    Column("schedule", String(100)),
    Column("status", String(16), nullable=False),
    Column("verdict", String(16)),
    Column("experiment", Json, nullable=False),
    Column("remedies", Json, nullable=False),
    Column("seeds", Json, nullable=False),
    Column("margins", Json, nullable=False),
    Column("report", Json),
    Column("cancel_requested", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("request_id", Word),
    CheckConstraint("status IN ('running','succeeded','failed','canceled')", name="status_is_known"),
    CheckConstraint("verdict IN ('pass','fail','inconclusive')", name="verdict_is_known"),
    Index(None, "status"),
    Index(None, "baseline"),
    Index(None, "pin_id"),
    Index(None, "schedule"),
)

check_runs = Table(
    "check_runs",
    metadata,
    Column("check_id", Id, ForeignKey("checks.id", ondelete="CASCADE"), nullable=False),
    Column("run_id", Id, ForeignKey("runs.id"), nullable=False),
    PrimaryKeyConstraint("check_id", "run_id"),
    Index(None, "run_id"),
)

check_keys = Table(
    "check_keys",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("fingerprint", Word, nullable=False),
    Column("check_id", Id, ForeignKey("checks.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Double, nullable=False),
    Index(None, "check_id"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("cron", String(100), nullable=False),
    Column("zone", Word, nullable=False),
    Column("baseline", String(100), nullable=False),
    Column("asks", Json, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("since", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("request_id", Word),
    Index(None, "baseline"),
)

# The key is what makes a schedule fire once for each due time, however many reconcilers see it.
firings = Table(
    "firings",
    metadata,
    Column("schedule", String(100), ForeignKey("schedules.name", ondelete="CASCADE"), nullable=False),
    Column("due_at", Double, nullable=False),
    Column("fired_at", Double, nullable=False),
    Column("check_id", Id, ForeignKey("checks.id", ondelete="SET NULL")),
    Column("problem", Text),
    PrimaryKeyConstraint("schedule", "due_at"),
    Index(None, "check_id"),
)
