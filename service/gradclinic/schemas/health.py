"""Whether the service lives, as it is returned."""

from typing import Literal

from .base import Answer


class HealthAnswer(Answer):
    """Whether this process lives."""

    status: Literal["ok"]


class ReadyAnswer(Answer):
    """Whether this service can accept work, part by part."""

    status: Literal["ok", "unavailable"]
    database: Literal["ok", "outdated", "unavailable"]
    queue: Literal["ok", "unavailable"]
    workers: int
    """Workers seen lately."""
