"""Baselines, and the runs that each of their pins holds."""

from sqlalchemy import Column, Double, ForeignKey, Index, PrimaryKeyConstraint, String, Table

from ..column_types import Json
from .schema import Id, Word, metadata, project

baselines = Table(
    "baselines",
    metadata,
    Column("name", String(100), nullable=False),
    Column("pin_id", Id, ForeignKey("pins.id"), nullable=False),
    Column("created_at", Double, nullable=False),
    project(),
    PrimaryKeyConstraint("project", "name"),
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
    project(),
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
