"""Who changed what."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """A change that was committed."""

    id: str
    at: datetime
    key_id: str | None
    """None for an operator's command."""
    key_name: str | None
    request_id: str | None
    action: str
    created: str | None
