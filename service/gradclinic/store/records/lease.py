"""A worker's right to a run, and what it is told to do."""

from dataclasses import dataclass
from enum import Enum

from .run import Run


@dataclass(frozen=True)
class Lease:
    """A worker's right to a run: it holds as long as the lease does and no later attempt began."""

    run_id: str
    attempt: int
    owner: str
    run: Run


class Order(Enum):
    """What a worker learns about the run it holds."""

    CONTINUE = "continue"
    CANCEL = "cancel"
    LOST = "lost"
