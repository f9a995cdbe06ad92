"""Webhooks, the alerts that are delivered to them, and the states whose changes are alerts."""

from sqlalchemy import (
    Boolean,
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
    UniqueConstraint,
    text,
)

from ..column_types import Json
from .schema import Id, Word, metadata, project

_PENDING = text("status = 'pending'")

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("url", Text, nullable=False),
    Column("format", String(16), nullable=False),
    Column("secret", String(200)),
    Column("old_secret", String(200)),
    Column("old_secret_until", Double),
    Column("alerts", Json, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("problem", Text),
    Column("created_at", Double, nullable=False),
    Column("request_id", Word),
    Column("deliveries", Integer, nullable=False),  # the number of the last one
    Column("held_until", Double),
    Column("held_by", Word),
    project(),
    UniqueConstraint("project", "name"),
    CheckConstraint("format IN ('standard','slack')", name="format_is_known"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", Id, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("message_id", Id, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Double),
    Column("ended_at", Double),
    Column("response_status", Integer),
    Column("problem", Text),
    UniqueConstraint("webhook_id", "number"),
    CheckConstraint("status IN ('pending','delivered','lost')", name="status_is_known"),
    Index("ix_deliveries_pending", "webhook_id", "number", postgresql_where=_PENDING, sqlite_where=_PENDING),
    Index(None, "status", "ended_at"),
)

alert_states = Table(
    "alert_states",
    metadata,
    Column("subject", String(300), nullable=False),
    Column("is_bad", Boolean, nullable=False),
    Column("since", Double, nullable=False),
    project(),
    PrimaryKeyConstraint("project", "subject"),
)
