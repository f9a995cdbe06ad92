"""What one run may cost its worker, and what a message may cost a run; with real processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradclinic.queue import Queue
from gradclinic.settings import Settings
from gradclinic.store import NewRun, Run, Store
from gradclinic.supervisor import Embedded, environment_of

from ..waiting import eventually

SMALL: dict[str, Any] = {
    "model": {"kind": "mlp", "depth": 2, "width": 8, "activation": "tanh"},
    "data": {"kind": "moons"},
    "optimizer": {"kind": "adam", "learning_rate": 0.01},
    "training": {"steps": 20, "batch_size": 16},
}
HUGE = SMALL | {"model": SMALL["model"] | {"width": 5000}, "training": {"steps": 10_000, "batch_size": 16}}
"""Three quarters of a gigabyte of weights, gradients and Adam's averages."""
LONG = SMALL | {"training": {"steps": 3000, "batch_size": 16}}
VISIBILITY_S = 1
IMPATIENT = f"""
from gradclinic_workers import app
app.app.conf.broker_transport_options["visibility_timeout"] = {VISIBILITY_S}
app.main()
"""


class Running:
    """A store and a queue to submit by, without the API."""

    def __init__(self, settings: Settings) -> None:
        self.store, self.queue = Store(settings.database_url), Queue(settings)

    def submit(self, experiment: dict[str, Any]) -> str:
        new = NewRun(
            experiment=experiment,
            resolved_experiment=experiment,
            digest="d",
            seed=0,
            steps=experiment["training"]["steps"],
        )
        created = self.store.runs.create(new)
        self.queue.announce(self.store, created.messages)
        return created.item.id

    def ended(self, run_id: str) -> Run:
        eventually(lambda: self.store.runs.get(run_id).ended, within_s=240)
        return self.store.runs.get(run_id)

    def close(self) -> None:
        self.queue.close()
        self.store.close()


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    made = Running(settings)
    try:
        yield made
    finally:
        made.close()


def test_a_run_that_outgrows_its_memory_is_failed_and_the_next_one_succeeds(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, max_memory_bytes=700 * 2**20, cancel_poll_s=0.05)
    with Embedded(settings, workers=1, api=False) as service, running(service.settings) as here:
        huge, small = here.submit(HUGE), here.submit(SMALL)
        failed = here.ended(huge)
        assert (failed.status, failed.reason.code, failed.attempt) == ("failed", "memory_limit", 1)
        assert here.ended(small).status == "succeeded"


def test_a_job_far_longer_than_the_visibility_timeout_runs_once(
    sqlite_url: str, valkey_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=valkey_url)
    environment = {**os.environ, **environment_of(settings)}
    worker = subprocess.Popen([sys.executable, "-c", IMPATIENT], env=environment)
    try:
        with running(settings) as here:
            run = here.ended(here.submit(LONG))
            assert run.started_at is not None
            assert run.ended_at is not None
            assert (run.ended_at - run.started_at).total_seconds() > VISIBILITY_S
            assert (run.status, run.attempt) == ("succeeded", 1)
            assert here.queue.depths()["cpu"] == 0
    finally:
        worker.terminate()
        worker.wait()
