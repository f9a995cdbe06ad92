"""Prescriptions and their runs."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from ..column_types import Json, Number
from .schema import Id, Word, keys_of, metadata, requested

prescriptions = Table(
    "prescriptions",
    metadata,
    *requested(),
    Column("labels", Json, nullable=False, server_default="{}"),
    Column("status", String(16), nullable=False),
    Column("experiment", Json, nullable=False),
    Column("budget", Json, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("report", Json),
    Column("ended_at", Double),
    Column("traceparent", Word),
    CheckConstraint("status IN ('running','succeeded','failed','canceled')", name="status_is_known"),
    Index(None, "status"),
)

trials = Table(
    "trials",
    metadata,
    Column("prescription_id", Id, ForeignKey("prescriptions.id", ondelete="CASCADE"), nullable=False),
    Column("digest", Word, nullable=False),
    Column("key", Text, nullable=False),
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("prescription_id", "digest"),
    Index(None, "run_id"),
)

# Separate tables instead of columns of the two above, so that an older version keeps working.
prescription_keys = keys_of("prescription", "prescriptions")

deleted_trials = Table(
    "deleted_trials",
    metadata,
    Column("prescription_id", Id, ForeignKey("prescriptions.id", ondelete="CASCADE"), nullable=False),
    Column("digest", Word, nullable=False),
    Column("key", Text, nullable=False),
    Column("seconds", Number),
    PrimaryKeyConstraint("prescription_id", "digest"),
)
