"""API keys."""

from dataclasses import dataclass, field
from datetime import datetime

from ...kernel.access import Scope


@dataclass(frozen=True, kw_only=True)
class Key:
    """An API key, without its secret, which is not stored."""

    id: str
    """The part before the dot. It is not secret, and appears in logs."""
    name: str
    scope: Scope
    project: str
    """The project whose resources it reads and changes."""
    created_at: datetime
    expires_at: datetime | None
    """None if it does not expire."""
    revoked_at: datetime | None
    last_used_at: datetime | None
    """To the minute."""


@dataclass(frozen=True)
class IssuedKey:
    """A new key with its full text, which is only available at this moment."""

    key: Key
    text: str = field(repr=False)
