"""Finds a duplicate name in one pass."""

from collections.abc import Iterable


def first_duplicate(names: Iterable[str]) -> str | None:
    """The first name that is equal to an earlier one; None if all differ. One look-up per name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
