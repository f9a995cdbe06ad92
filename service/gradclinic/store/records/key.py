"""API keys, and sessions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ...kernel.access import Grant, Scope


@dataclass(frozen=True, kw_only=True)
class Key:
    """An API key, without its secret, which is not stored; or a person who logs in by OpenID Connect and has none."""

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
    is_person: bool


@dataclass(frozen=True)
class IssuedKey:
    """A new key with its full text, which is only available at this moment."""

    key: Key
    text: str = field(repr=False)


@dataclass(frozen=True)
class Session:
    """A login on the pages."""

    key: Key
    """Whose it is, with the project that was chosen last, and the scope there."""
    grants: Sequence[Grant]
    """What may be done in each project."""
