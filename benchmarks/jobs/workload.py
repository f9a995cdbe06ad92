"""What is trained, how often, and the database that it is stored in."""

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
"""A rough guess of a worker's speed, from which follows how many runs a study has."""


def experiment(steps: int) -> dict[str, Any]:
    """What every run of that many steps trains."""
    return EXPERIMENT | {"training": {"steps": steps, "batch_size": 64}}


def runs_of(steps: int, workers: int) -> int:
    """Runs of a study: enough for a rate, and for every worker several."""
    return max(6 * workers, round(SECONDS_A_STUDY / (SECONDS_A_RUN + steps / STEPS_A_SECOND)))


@contextmanager
def database(kind: str) -> Iterator[str | None]:
    """The URL of a fresh database of that kind; None is the embedded service's own."""
    if kind == "sqlite":
        yield None
        return
    server = Postgres()
    try:
        server.start()
        yield server.url()
    finally:
        server.close()
