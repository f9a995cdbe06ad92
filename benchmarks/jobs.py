"""Runs through the whole service: how many a minute with 1, 2 and 4 workers, and what of their time trains nothing.

A real service (API, Valkey, database, reconciler, workers) trains one study after another. Each number of workers gets
a service of its own in turn, `--repeats` times; figures are medians, the noise is half their range. A rate counts runs
from one end to a later one, without the last ones, at which some workers have nothing left to do. Beside it stands what
as many bare processes train, without a service: more than these the machine does not give.

Usage: ./run benchmark jobs [--json] [--database sqlite|postgresql] [--workers 1 2 4] [--steps 50 200 2000]
[--repeats 3] [--phases]
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

import httpx
import psutil
from tests.servers import Postgres, Valkey

from gradclinic.embedded import Embedded
from gradclinic.experiments.experiment import Experiment
from gradclinic.settings import Settings
from gradclinic.store import NewRun, Run, Store, migrate

EXPERIMENT: dict[str, Any] = {
    "model": {"kind": "mlp", "depth": 8, "width": 64, "activation": "tanh"},
    "data": {"kind": "digits"},
    "optimizer": {"kind": "adam", "learning_rate": 0.001},
}
SECONDS_A_STUDY, STEPS_A_SECOND, SECONDS_A_RUN = 16.0, 600, 0.15
"""A rough guess of a worker's speed, from which follows how many runs a study has."""
WAIT_S = 600.0
Pair = tuple[float, float]
"""Seconds of the clock, and of the processor."""


def experiment(steps: int) -> dict[str, Any]:
    """What every run of that many steps trains."""
    return EXPERIMENT | {"training": {"steps": steps, "batch_size": 64}}


def runs_of(steps: int, workers: int) -> int:
    """Runs of a study: enough for a rate, and for every worker several."""
    return max(6 * workers, round(SECONDS_A_STUDY / (SECONDS_A_RUN + steps / STEPS_A_SECOND)))


@dataclass(frozen=True)
class Block:
    """What one study on one service showed."""

    workers: int
    steps: int
    runs: int
    runs_a_minute: float
    bare_runs_a_minute: float
    """The same trainings in as many processes, without a service, right before."""
    cpu_seconds_a_run: float
    """CPU time of all of the service's processes."""
    trained: float
    """Share of the workers' time that went into training steps."""
    recorded: float
    """Share that went into recording them."""
    other: float
    """Share between claim and end that is neither: building, evaluating, storing, judging."""
    between: float
    """Share between the end of a run and the claim of the next one."""
    others_cores: float
    """Cores that other programs of this machine kept busy meanwhile."""


# --- the service ---


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


@contextmanager
def service(kind: str, workers: int) -> Iterator[Embedded]:
    """A service whose workers are all up and have trained something."""
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
    """The runs of a study that was submitted like anybody's, once all have ended well."""
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
    """Runs a minute, from when they ended."""
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
    """CPU seconds of this process and of all that it started."""
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
            raise RuntimeError(f"the service did not come to an end within {WAIT_S:g} s")
        time.sleep(0.2)


# --- the same without a service ---


@contextmanager
def bare_processes(workers: int) -> Iterator[Pool]:
    """Processes that train, as warm as a worker's child."""
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
    """Train once; when it ended."""
    from gradclinic_workers.train import fit

    fit.train(Experiment.model_validate(experiment(steps)))
    return datetime.now(UTC)


# --- one run, phase by phase ---


class Stopwatch:
    """Seconds by phase, of the clock and of this thread's processor; a phase inside another counts for itself alone."""

    def __init__(self, now: Callable[[], Pair] = lambda: (time.perf_counter(), time.thread_time())) -> None:
        self._now = now
        self.seconds: dict[str, Pair] = defaultdict(lambda: (0.0, 0.0))
        self._inner: list[Pair] = [(0.0, 0.0)]

    def around(self, owner: Any, name: str, phase: str) -> None:
        """Count the time of a function, wherever it is called, for a phase."""
        original = getattr(owner, name)

        def timed(*positional: Any, **named: Any) -> Any:
            began = self._now()
            self._inner.append((0.0, 0.0))
            try:
                return original(*positional, **named)
            finally:
                whole, inner = _minus(self._now(), began), self._inner.pop()
                self.seconds[phase] = _plus(self.seconds[phase], _minus(whole, inner))
                self._inner[-1] = _plus(self._inner[-1], whole)

        setattr(owner, name, timed)


def _plus(one: Pair, other: Pair) -> Pair:
    return one[0] + other[0], one[1] + other[1]


def _minus(one: Pair, other: Pair) -> Pair:
    return one[0] - other[0], one[1] - other[1]


def phases(kind: str, *, steps: int, runs: int) -> dict[str, Pair]:
    """Seconds of one run in a worker's child, by phase: the mean over `runs` after a first one."""
    from gradclinic_workers.process import tasks
    from gradclinic_workers.process.tasks import Trainer
    from gradclinic_workers.train import fit

    valkey = Valkey()
    valkey.start()
    try:
        with tempfile.TemporaryDirectory(prefix="gradclinic-jobs-") as folder, database(kind) as url:
            address = {} if url is None else {"database_url": url}
            settings = Settings(data_dir=Path(folder), broker_url=valkey.url, log_level="warning", **address)
            migrate.upgrade(settings.database_url)
            trainer = Trainer(settings, owner="benchmark/1/1")
            trainer.train(_stored(trainer.store, steps))
            watch, leases = Stopwatch(), trainer.store.leases
            watch.around(leases, "claim", "claim")
            watch.around(leases, "save_layout", "store the layout")
            watch.around(leases, "save_window", "store statistics")
            watch.around(leases, "finish", "store the end")
            watch.around(trainer.store.statistics, "record", "read statistics")
            watch.around(tasks, "diagnose", "diagnose")
            watch.around(trainer.checkpoints, "save", "checkpoint")
            watch.around(trainer.checkpoints, "drop", "checkpoint")
            with _restored(fit.train, fit._Fit._one_step, fit._Fit._flush, tasks.diagnose):
                watch.around(fit._Fit, "_one_step", "training steps, recorded")
                watch.around(fit._Fit, "_flush", "collect statistics")
                watch.around(fit, "train", "build and evaluate")
                watch.around(trainer, "train", "else")
                for _ in range(runs):
                    trainer.train(_stored(trainer.store, steps))
            trainer.close()
    finally:
        valkey.close()
    return {phase: (clock / runs, cpu / runs) for phase, (clock, cpu) in watch.seconds.items()}


@contextmanager
def _restored(train: Any, one_step: Any, flush: Any, diagnose: Any) -> Iterator[None]:
    from gradclinic_workers.process import tasks
    from gradclinic_workers.train import fit

    try:
        yield
    finally:
        fit.train, fit._Fit._one_step, fit._Fit._flush, tasks.diagnose = train, one_step, flush, diagnose  # type: ignore[method-assign]


def _stored(store: Store, steps: int) -> str:
    posted = experiment(steps)
    new = NewRun(experiment=posted, resolved_experiment=posted, digest="benchmark", seed=0, steps=steps)
    return store.runs.create(new).item.id


# --- what is printed ---


def measurements(blocks: list[Block], kind: str) -> list[dict[str, Any]]:
    """The medians over the repeats, and the ratios between numbers of workers, each within its repeat."""
    rows = []
    for steps in sorted({block.steps for block in blocks}):
        rates: dict[int, list[float]] = {}
        bare: dict[int, list[float]] = {}
        for workers in sorted({block.workers for block in blocks}):
            mine = [block for block in blocks if (block.steps, block.workers) == (steps, workers)]
            rates[workers] = [block.runs_a_minute for block in mine]
            bare[workers] = [block.bare_runs_a_minute for block in mine]
            share = [
                with_service / without for with_service, without in zip(rates[workers], bare[workers], strict=True)
            ]
            where = f"{kind}, {steps} steps, {workers} worker{'s' * (workers > 1)}"
            columns = {
                "runs": (rates[workers], "runs a minute"),
                "bare processes": (bare[workers], "runs a minute"),
                "service / bare": (share, "ratio"),
                "CPU time": ([block.cpu_seconds_a_run for block in mine], "CPU seconds a run"),
                "training steps": ([block.trained for block in mine], "share of the workers' time"),
                "recording": ([block.recorded for block in mine], "share of the workers' time"),
                "build, evaluate, store, judge": ([block.other for block in mine], "share of the workers' time"),
                "between two runs": ([block.between for block in mine], "share of the workers' time"),
                "other programs": ([block.others_cores for block in mine], "busy cores"),
            }
            rows += [_row(subject, where, values, unit) for subject, (values, unit) in columns.items()]
        counts = sorted(rates)
        for fewer, more in pairwise(counts):
            where = f"{kind}, {steps} steps, {more} workers against {fewer}"
            for subject, found in (("throughput", rates), ("throughput of bare processes", bare)):
                ratios = [many / few for few, many in zip(found[fewer], found[more], strict=True)]
                rows.append(_row(subject, where, ratios, "ratio"))
    return rows


def _row(subject: str, configuration: str, values: list[float], unit: str) -> dict[str, Any]:
    return {
        "benchmark": "jobs",
        "subject": subject,
        "configuration": configuration,
        "value": round(statistics.median(values), 4),
        "unit": unit,
        "noise": round((max(values) - min(values)) / 2, 4),
    }


def phase_rows(kind: str, steps: list[int], *, runs: int) -> list[dict[str, Any]]:
    """One run's phases, for each number of steps."""
    rows = []
    for number in steps:
        found = phases(kind, steps=number, runs=runs)
        for phase, (clock, cpu) in sorted(found.items(), key=lambda item: -item[1][1]):
            where = f"{kind}, {number} steps, one process"
            rows.append(_row(phase, where, [1000 * clock], "ms a run"))
            rows.append(_row(phase, where, [1000 * cpu], "CPU ms a run"))
    return rows


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="benchmark jobs", description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--steps", type=int, nargs="+", default=[50, 200, 2000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--phases", action="store_true", help="only one run's phases, without a service")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = phase_rows(options.database, options.steps, runs=10)
    blocks: list[Block] = []
    for repeat in range(0 if options.phases else options.repeats):
        for workers in options.workers[:: 1 if repeat % 2 == 0 else -1]:  # so that a drift of the machine cancels out
            with bare_processes(workers) as pool:
                bare = {steps: bare_rate(pool, workers=workers, steps=steps) for steps in options.steps}
            with service(options.database, workers) as made:
                blocks += [
                    measure(made, workers=workers, steps=steps, bare_runs_a_minute=bare[steps])
                    for steps in options.steps
                ]
    rows += measurements(blocks, options.database)
    if options.json:
        print(json.dumps(rows))
        return
    print(f"{len(os.sched_getaffinity(0))} cores, load average {os.getloadavg()[0]:.1f}")
    for row in rows:
        noise = f"(+- {row['noise']:.3g})" if row["noise"] else ""
        print(f"{row['configuration']:44} {row['subject']:30} {row['value']:9.4g} {row['unit']:28} {noise}")


if __name__ == "__main__":
    main()
