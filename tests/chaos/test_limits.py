"""What one run may cost its worker, and what a message may cost a run or a worker; with real processes."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from gradclinic.embedded import Embedded, environment_of
from gradclinic.queue.messages import TRAIN
from gradclinic.settings import Settings
from gradclinic.store import Message, NewRun, Run
from gradclinic.use_cases.service import Service

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
from gradclinic_workers.process import app
app.app.conf.broker_transport_options["visibility_timeout"] = {VISIBILITY_S}
app.main()
"""


NO_TORCH_AT_FIRST = """
import os, sys
from pathlib import Path

class OnlyOnce:
    def find_spec(self, name, path=None, target=None):
        told = Path(os.environ["TOLD"])
        if name == "torch" and not told.exists():
            told.touch()
            raise ImportError("not now")

sys.meta_path.insert(0, OnlyOnce())
"""


class Running:
    """A store and a queue to submit by, without the API."""

    def __init__(self, settings: Settings) -> None:
        self.service = Service.of(settings)
        self.store, self.queue = self.service.store, self.service.queue

    def submit(self, experiment: dict[str, Any]) -> str:
        new = NewRun(
            experiment=experiment,
            resolved_experiment=experiment,
            digest="d",
            seed=0,
            steps=experiment["training"]["steps"],
        )
        created = self.store.runs.create(new)
        self.service.announce(created.messages)
        return created.item.id

    def ended(self, run_id: str) -> Run:
        eventually(lambda: self.store.runs.get(run_id).ended, within_s=240)
        return self.store.runs.get(run_id)

    def close(self) -> None:
        self.service.close()


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    made = Running(settings)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.slow
def test_a_run_that_outgrows_its_memory_is_failed_and_the_next_one_succeeds(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, max_memory_bytes=700 * 2**20, cancel_poll_s=0.05)
    with Embedded(settings, workers=1, api=False) as service, running(service.settings) as here:
        huge, small = here.submit(HUGE), here.submit(SMALL)
        failed = here.ended(huge)
        assert (failed.status, failed.reason.code, failed.attempt) == ("failed", "memory_limit", 1)
        assert here.ended(small).status == "succeeded"


@pytest.mark.slow
def test_a_child_that_cannot_train_ends_and_takes_no_message(sqlite_url: str, valkey_url: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_TORCH_AT_FIRST)
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=valkey_url)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, **environment_of(settings), "TOLD": str(tmp_path / "told"), "PYTHONPATH": path}
    worker = subprocess.Popen([sys.executable, "-m", "gradclinic_workers"], env=environment)
    try:
        with running(settings) as here:
            assert here.ended(here.submit(SMALL)).status == "succeeded"
        assert (tmp_path / "told").exists()
    finally:
        worker.terminate()
        worker.wait()


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
            eventually(lambda: here.queue.depths()["cpu"] == 0)
    finally:
        worker.terminate()
        worker.wait()


def message(task: str, args: list[Any], **changes: Any) -> dict[str, Any]:
    """A message as Celery writes it, but for the changes."""
    body = base64.b64encode(json.dumps([args, {}, {}]).encode()).decode()
    properties = {"correlation_id": "x", "delivery_tag": "x", "body_encoding": "base64"}
    properties["delivery_info"] = {"exchange": "", "routing_key": "cpu"}  # type: ignore[assignment]
    headers = {"task": task, "id": "x", "root_id": "x", "lang": "py", "parent_id": None, "group": None}
    made = {"body": body, "content-type": "application/json", "content-encoding": "utf-8"}
    return made | {"headers": headers, "properties": properties} | changes


FOREIGN_HEADERS: list[dict[str, object]] = [
    {"task": TRAIN, "id": "x", **foreign}
    for foreign in (
        {"timelimit": ["soon", "sooner"]},
        {"timelimit": [0.001, 0.001]},
        {"timelimit": 5},
        {"eta": "2099-01-01T00:00:00Z"},
        {"expires": "9" * 400},
        {"shadow": {}},
    )
]
"""Headers that Celery acts on and that this service never sends."""
CALLBACK = {"task": "another.task", "args": [], "kwargs": {}, "options": {}}
EMBEDDED = {"callbacks": [CALLBACK], "errbacks": [CALLBACK], "chain": [CALLBACK], "chord": CALLBACK}
CALLING_BACK = base64.b64encode(json.dumps([["run_that_never_was"], {}, EMBEDDED]).encode()).decode()
"""A body with which Celery would send further messages when the task ends."""
NONSENSE = [
    b"no JSON {",
    b"\xff\xfe",
    b"5",
    b"{}",
    json.dumps(message(TRAIN, [], body="!!!")).encode(),
    json.dumps(message(TRAIN, [], headers=None)).encode(),
    json.dumps(message(TRAIN, [], **{"content-type": "application/x-python-serialize"})).encode(),
    json.dumps(message(TRAIN, [])).encode(),
    json.dumps(message(TRAIN, [{"id": 1}])).encode(),
    json.dumps(message(TRAIN, ["run_that_never_was"])).encode(),
    json.dumps(message("another.task", ["run_1"])).encode(),
    json.dumps(message(TRAIN, [], body=CALLING_BACK)).encode(),
    *(json.dumps(message(TRAIN, ["run_that_never_was"], headers=headers)).encode() for headers in FOREIGN_HEADERS),
]


def test_no_message_ends_a_worker_and_a_broker_that_takes_none_neither(
    sqlite_url: str, valkey_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=valkey_url)
    broker = redis.Redis.from_url(valkey_url)
    worker = subprocess.Popen(
        [sys.executable, "-m", "gradclinic_workers"], env={**os.environ, **environment_of(settings)}
    )
    try:
        with running(settings) as here:
            broker.lpush("cpu", *NONSENSE)
            assert here.ended(here.submit(SMALL)).status == "succeeded"
            eventually(lambda: here.queue.depths()["cpu"] == broker.hlen("unacked") == 0)  # it waits for the next one
            worker.send_signal(signal.SIGSTOP)
            waits = here.submit(SMALL)
            broker.config_set("maxmemory", "1mb")  # the worker cannot even note that it took the message
            worker.send_signal(signal.SIGCONT)
            eventually(lambda: here.queue.depths()["cpu"] == 0)
            broker.config_set("maxmemory", "0")
            here.queue.send([Message(waits, "cpu")])  # as the reconciler does
            assert here.ended(waits).status == "succeeded"
        assert worker.poll() is None
    finally:
        broker.config_set("maxmemory", "0")
        broker.close()
        worker.terminate()
        worker.wait()
