"""A page of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A slice of a list, newest first; `next` is the key to continue from, None at the end."""

    items: Sequence[Item]
    next: str | None
