"""Identifiers that sort by creation time: `run_01K...`."""

import threading
from datetime import datetime

from ulid import ULID

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
