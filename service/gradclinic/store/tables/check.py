"""Checks of an experiment, which are compared with a baseline."""

from sqlalchemy import CheckConstraint, Column, Double, ForeignKey, Index, PrimaryKeyConstraint, String, Table

from ..column_types import Json
from .schema import Id, keys_of, metadata, requested

checks = Table(
    "checks",
    metadata,
    *requested(),
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
    Column("ended_at", Double),
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

check_keys = keys_of("check", "checks")
