"""The same trainings in bare processes without a service: the upper limit of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.pool import Pool

from gradclinic.experiments.experiment import Experiment

from .throughput import rate
from .workload import experiment, runs_of


@contextmanager
def bare_processes(workers: int) -> Iterator[Pool]:
    """Processes that train, warmed up like a worker's child."""
    with get_context("spawn").Pool(workers, _warm_up) as pool:
        pool.map(_train, [20] * 2 * workers, chunksize=1)
        yield pool


def bare_rate(pool: Pool, *, workers: int, steps: int) -> float:
    """Runs a minute of bare processes."""
    return rate(pool.map(_train, [steps] * max(3 * workers, runs_of(steps, workers) // 2), chunksize=1), workers)


def _warm_up() -> None:
    from gradclinic_workers.train import device

    device.make_deterministic()


def _train(steps: int) -> datetime:
    """Train once; returns the time when it ended."""
    from gradclinic_workers.train import fit

    fit.train(Experiment.model_validate(experiment(steps)))
    return datetime.now(UTC)
