"""The error of an upload that cannot be trained on."""

from typing import Any

from ...kernel.errors import InvalidDataset


def refused(message: str, *, value: Any = None, allowed: str | None = None) -> InvalidDataset:
    """The error with the problem of an upload, and what is allowed."""
    return InvalidDataset.at("", message, value=value, allowed=allowed)
