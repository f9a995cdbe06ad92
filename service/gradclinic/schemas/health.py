"""Responses about the health of the service."""

from typing import Literal

from .base import Answer


class HealthAnswer(Answer):
    """Liveness of this process."""

    status: Literal["ok"]


class ReadyAnswer(Answer):
    """Readiness of each component."""

    status: Literal["ok", "unavailable"]
    database: Literal["ok", "outdated", "full", "unavailable"]
    """`full`: its disk has less than 64 MiB left, so that nothing can be stored reliably. Known of SQLite only."""
    queue: Literal["ok", "unavailable"]
    workers: int
    """Number of workers seen recently."""
