"""Responses about the audit log."""

from datetime import datetime

from .base import Answer


class AuditEntryAnswer(Answer):
    """A change by a key or an operator."""

    id: str
    at: datetime
    key_id: str | None
    """The key of the request; null for a command of an operator."""
    key_name: str | None
    request_id: str | None
    """The `X-Request-ID` of the request; runs, studies and checks that it created also have it."""
    action: str
    """Method and path of the request, or the command."""
    created: str | None
    """The path of what was created, or the id of a key."""


class AuditPage(Answer):
    """A page of entries, newest first; the header `Link` has the address of the next page."""

    items: list[AuditEntryAnswer]
    next: str | None
    """Value of `after` for the next page; null on the last page."""
