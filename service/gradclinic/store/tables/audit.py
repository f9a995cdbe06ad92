"""Who changed what."""

from sqlalchemy import Column, Double, Index, String, Table, Text

from .schema import Id, Word, metadata

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Double, nullable=False),
    Column("key_id", Id),
    Column("request_id", Word),
    Column("action", Text, nullable=False),
    Column("created", String(200)),
    Index(None, "at"),
    Index(None, "key_id"),
)
