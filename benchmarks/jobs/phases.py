"""The phases of one run in a worker's process."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers import Valkey

from gradclinic.kernel.project import DEFAULT
from gradclinic.settings import Settings
from gradclinic.store import NewRun, Store, migrate

from .workload import database, experiment

Pair = tuple[float, float]
"""Wall-clock and CPU seconds."""


class Stopwatch:
    """Wall-clock and CPU seconds of this thread by phase; a nested phase is not counted in the outer one."""

    def __init__(self, now: Callable[[], Pair] = lambda: (time.perf_counter(), time.thread_time())) -> None:
        self._now = now
        self.seconds: dict[str, Pair] = defaultdict(lambda: (0.0, 0.0))
        self._inner: list[Pair] = [(0.0, 0.0)]

    def around(self, owner: Any, name: str, phase: str) -> None:
        """Count all calls of a function as part of a phase."""
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
    """Seconds of one run in a worker's child by phase: the mean of `runs` runs after a warm-up run."""
    from gradclinic_workers.process import attempt
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
            watch.around(attempt, "diagnose", "diagnose")
            watch.around(trainer.checkpoints, "save", "checkpoint")
            watch.around(trainer.checkpoints, "drop", "checkpoint")
            with _restored(fit.train, fit.Fit.one_step, fit.Fit.flush, attempt.diagnose):
                watch.around(fit.Fit, "one_step", "training steps, recorded")
                watch.around(fit.Fit, "flush", "collect statistics")
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
    from gradclinic_workers.process import attempt
    from gradclinic_workers.train import fit

    try:
        yield
    finally:
        fit.train, fit.Fit.one_step, fit.Fit.flush, attempt.diagnose = train, one_step, flush, diagnose  # type: ignore[method-assign]


def _stored(store: Store, steps: int) -> str:
    posted = experiment(steps)
    new = NewRun(experiment=posted, resolved_experiment=posted, digest="benchmark", seed=0, steps=steps)
    return store.within(DEFAULT).runs.create(new).item.id
