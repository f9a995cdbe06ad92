"""Who makes the current change, so that every transaction can record it.

with acting(Act(action="POST /v1/runs", key_id="key_01K0A", request_id="r1")):
store.runs.create(...)          # its transaction also writes one entry of the audit
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from .identifiers import new_id


@dataclass
class Act:
    """A request or command that may change stored data. It creates at most one audit entry."""

    action: str
    """Method and path, or the command."""
    key_id: str | None
    """The key of the request; None for a command of an operator."""
    request_id: str | None = None
    created: str | None = None
    """The path or id of what it created."""
    id: str = field(default_factory=lambda: new_id("act"))


_present: ContextVar[Act | None] = ContextVar("act", default=None)


@contextmanager
def acting(act: Act) -> Iterator[None]:
    """Everything that is stored in this block belongs to the act."""
    token = _present.set(act)
    try:
        yield
    finally:
        _present.reset(token)


def present_act() -> Act | None:
    """The current act; None in workers and the reconciler."""
    return _present.get()


def note_created(what: str) -> None:
    """Record what the current act created, unless something is recorded already: a study comes before its runs."""
    act = _present.get()
    if act is not None and act.created is None:
        act.created = what
