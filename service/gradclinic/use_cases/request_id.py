"""The id of the current request, so that what it creates can be traced back to it."""

import structlog


def request_id() -> str | None:
    """The id of the current request; None outside of requests."""
    found = structlog.contextvars.get_contextvars().get("request_id")
    return None if found is None else str(found)
