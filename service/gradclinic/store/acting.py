"""Who makes the present change, so that every transaction can write it down.

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
    """Something that is asked of the service and may change what is stored. It makes one entry at most."""

    action: str
    """A method and a path, or a command."""
    key_id: str | None
    """The key that asked; None for an operator's command."""
    request_id: str | None = None
    created: str | None = None
    """The address or id of what it created."""
    id: str = field(default_factory=lambda: new_id("act"))


_present: ContextVar[Act | None] = ContextVar("act", default=None)


@contextmanager
def acting(act: Act) -> Iterator[None]:
    """Everything that is written in this block belongs to the act."""
    token = _present.set(act)
    try:
        yield
    finally:
        _present.reset(token)


def present_act() -> Act | None:
    """What is being done; None for workers and the reconciler, which nobody asked."""
    return _present.get()


def note_created(what: str) -> None:
    """Name what the present act created, if it is not named yet: a study before its runs."""
    act = _present.get()
    if act is not None and act.created is None:
        act.created = what
