"""A study on a warm service: runs per minute, and how the workers' time was spent."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import psutil

from gradclinic.embedded import Embedded
from gradclinic.settings import Settings
from gradclinic.store import Run, Store

from .workload import database, experiment, runs_of

WAIT_S = 600.0


@dataclass(frozen=True)
class Block:
    """The measurements of one study on one service."""

    workers: int
    steps: int
    runs: int
    runs_a_minute: float
    bare_runs_a_minute: float
    """The same trainings in as many bare processes, measured right before."""
    cpu_seconds_a_run: float
    """CPU time of all of the service's processes."""
    trained: float
    """Fraction of the workers' time spent on training steps."""
    recorded: float
    """Fraction spent on recording them."""
    other: float
    """The rest of the fraction between claim and end: building, evaluating, storing, diagnosing."""
    between: float
    """Fraction between the end of a run and the claim of the next one."""
    others_cores: float
    """Number of cores kept busy by other programs during the measurement."""


@contextmanager
def service(kind: str, workers: int) -> Iterator[Embedded]:
    """A service whose workers have all started and trained something."""
    with tempfile.TemporaryDirectory(prefix="gradclinic-jobs-") as folder, database(kind) as url:
        address = {} if url is None else {"database_url": url}
        with Embedded(Settings(data_dir=Path(folder), port=0, log_level="warning", **address), workers=workers) as made:
            store = Store(made.settings.database_url)
            try:
                _wait(lambda: len(store.reconciliation.workers(seen_within_s=60)) == workers)
                study(made, store, steps=20, runs=4 * workers)
                yield made
            finally:
                store.close()


def study(made: Embedded, store: Store, *, steps: int, runs: int) -> list[Run]:
    """Submit a study, and return its runs once all have succeeded."""
    with httpx.Client(base_url=made.url, timeout=60, trust_env=False) as api:
        answer = api.post("/v1/studies", json={"experiment": experiment(steps), "seeds": list(range(runs))})
        answer.raise_for_status()
        study_id = answer.json()["id"]
    _wait(lambda: store.studies.get(study_id).ended_at is not None)
    ended = store.runs.of_study(study_id)
    if any(run.status != "succeeded" for run in ended):
        raise RuntimeError(f"not every run succeeded: {[run.reason for run in ended if run.status != 'succeeded']}")
    return ended


def measure(made: Embedded, *, workers: int, steps: int, bare_runs_a_minute: float) -> Block:
    """One study on a warm service."""
    store = Store(made.settings.database_url)
    try:
        runs = runs_of(steps, workers)
        began, busy, own = time.monotonic(), _machine_cpu_s(), _service_cpu_s()
        ended = study(made, store, steps=steps, runs=runs)
        seconds, busy, own = time.monotonic() - began, _machine_cpu_s() - busy, _service_cpu_s() - own
        owners = {run.id: store.runs.transitions(run.id)[-1].owner for run in ended}
    finally:
        store.close()
    shares = shares_of(ended, owners)
    return Block(
        workers=workers,
        steps=steps,
        runs=runs,
        runs_a_minute=rate([run.ended_at for run in ended if run.ended_at is not None], workers),
        bare_runs_a_minute=bare_runs_a_minute,
        cpu_seconds_a_run=own / runs,
        others_cores=max(0.0, (busy - own) / seconds),
        **shares,
    )


def rate(ends: Iterable[datetime], workers: int) -> float:
    """Runs per minute, from their end times."""
    moments = sorted(end.timestamp() for end in ends)
    counted = moments[: len(moments) - (workers - 1)]
    return 60 * (len(counted) - 1) / (counted[-1] - counted[0])


def shares_of(ended: list[Run], owners: dict[str, str | None]) -> dict[str, float]:
    """Of the time from each worker's first claim to its last end."""
    by_owner: dict[str | None, list[Run]] = defaultdict(list)
    for run in ended:
        by_owner[owners[run.id]].append(run)
    whole = trained = recorded = held = 0.0
    for mine in by_owner.values():
        spans = sorted((run.started_at.timestamp(), run.ended_at.timestamp()) for run in mine)  # type: ignore[union-attr]
        whole += spans[-1][1] - spans[0][0]
        held += sum(end - start for start, end in spans)
        outcomes = [run.outcome for run in mine if run.outcome is not None]
        trained += sum(outcome.train_seconds for outcome in outcomes)
        recorded += sum(outcome.recording_seconds for outcome in outcomes)
    return {
        "trained": trained / whole,
        "recorded": recorded / whole,
        "other": (held - trained - recorded) / whole,
        "between": (whole - held) / whole,
    }


def _machine_cpu_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def _service_cpu_s() -> float:
    """CPU seconds of this process and all its descendants."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the service did not stop within {WAIT_S:g} s")
        time.sleep(0.2)
