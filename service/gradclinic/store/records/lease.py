"""A worker's lease on a run, and the orders it gets."""

from dataclasses import dataclass
from enum import Enum

from .run import Run


@dataclass(frozen=True)
class Lease:
    """A worker's lease on a run, valid until it expires or a later attempt starts."""

    run_id: str
    attempt: int
    owner: str
    run: Run


class Order(Enum):
    """What a worker learns from a heartbeat about its run."""

    CONTINUE = "continue"
    CANCEL = "cancel"
    LOST = "lost"
