"""What creating something returns, and the key that makes a repeated request safe."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from .run import Message

Item = TypeVar("Item")


@dataclass(frozen=True)
class Idempotency:
    """A client's key for one request, and a digest of what it asked for."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class Created(Generic[Item]):
    """What a request created; `replayed` when an earlier request with the same key had done so."""

    item: Item
    replayed: bool
    messages: tuple[Message, ...] = ()
    """The runs to announce to the workers, now that they are stored."""
