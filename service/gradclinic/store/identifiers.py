"""Identifiers that sort by creation time: `run_01K...`."""

import threading
from datetime import datetime

from ulid import ULID

from ..kernel.errors import NotFound

_KINDS = ("run", "study", "check", "prescription")
"""What has an identifier that its users pass on; each begins with the word."""
_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """A new identifier, greater than all earlier ones of this process."""
    global _last  # noqa: PLW0603  # one sequence a process
    with _lock:
        _last = max(int(ULID()), _last + 1)
        return f"{prefix}_{ULID.from_int(_last)}"


def first_id(prefix: str, moment: datetime) -> str:
    """The lowest identifier of what is created from this moment on."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return f"{prefix}_{ULID.from_int(milliseconds << 80)}"


def not_found(what: str, identifier: str) -> NotFound:
    """The error for an identifier that is unknown; where it is that of something else, the message says of what."""
    other = identifier.partition("_")[0]
    hint = f"; this is the identifier of a {other}" if other in _KINDS and other != what else ""
    return NotFound(f"there is no {what} {identifier!r}{hint}")
