"""The result of creating a resource, and the idempotency key of a request."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from .run import Message

Item = TypeVar("Item")


@dataclass(frozen=True)
class Idempotency:
    """A client's key for one request, and a digest of the request."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class Created(Generic[Item]):
    """The created resource; `replayed` if an earlier request with the same key created it."""

    item: Item
    replayed: bool
    messages: tuple[Message, ...] = ()
    """The stored runs to announce to the workers."""
