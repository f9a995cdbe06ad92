"""API keys, people who log in by OpenID Connect, and the sessions of both on the pages."""

from sqlalchemy import CheckConstraint, Column, Double, ForeignKey, Index, String, Table

from ..column_types import Json
from .schema import Id, Word, metadata, project

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("digest", Word, nullable=False),
    Column("scope", String(16), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("last_used_at", Double),
    Column("subject", Word),
    project(),
    CheckConstraint("scope IN ('read','run','manage','admin')", name="scope_is_known"),
    Index(None, "subject", unique=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", Word, primary_key=True),
    Column("key_id", Id, ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("grants", Json),
    Column("project", Word),
    Index(None, "key_id"),
    Index(None, "expires_at"),
)
