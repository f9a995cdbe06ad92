"""The experiment, the number of runs, and the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.servers import Postgres

EXPERIMENT: dict[str, Any] = {
    "model": {"kind": "mlp", "depth": 8, "width": 64, "activation": "tanh"},
    "data": {"kind": "digits"},
    "optimizer": {"kind": "adam", "learning_rate": 0.001},
}
SECONDS_A_STUDY, STEPS_A_SECOND, SECONDS_A_RUN = 16.0, 600, 0.15
"""A rough guess of a worker's speed, which determines the number of runs of a study."""


def experiment(steps: int) -> dict[str, Any]:
    """The experiment of every run."""
    return EXPERIMENT | {"training": {"steps": steps, "batch_size": 64}}


def runs_of(steps: int, workers: int) -> int:
    """Number of runs of a study: enough to measure a rate, and several for each worker."""
    return max(6 * workers, round(SECONDS_A_STUDY / (SECONDS_A_RUN + steps / STEPS_A_SECOND)))


@contextmanager
def database(kind: str) -> Iterator[str | None]:
    """The URL of a new database of this kind; None for the default database of the embedded service."""
    if kind == "sqlite":
        yield None
        return
    server = Postgres()
    try:
        server.start()
        yield server.url()
    finally:
        server.close()
