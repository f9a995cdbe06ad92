"""The embedded service as its users start it: real processes, real signals."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from gradclinic.embedded import Embedded
from gradclinic.queue.messages import Queue
from gradclinic.settings import Settings
from gradclinic_workers.process.timeslice import LONGEST_S, request_timeslice, timeslice_s

from ..processes import named, processes_of
from ..waiting import eventually

EXPERIMENT: dict[str, Any] = {
    "model": {"kind": "mlp", "depth": 3, "width": 8, "activation": "tanh"},
    "data": {"kind": "moons"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 50, "batch_size": 16},
}
LONG = EXPERIMENT | {"training": {"steps": 500_000, "batch_size": 16}, "recording": {"every": 1000, "full_every": 1000}}


def settings_for(folder: Path) -> Settings:
    return Settings(
        data_dir=folder,
        port=0,
        lease_ttl_s=20,
        heartbeat_s=1,
        reconcile_every_s=0.2,
        checkpoint_every_s=0.5,
        resend_after_s=2,
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    folder = tmp_path_factory.mktemp("embedded")
    with Embedded(settings_for(folder), workers=1) as started:
        yield started
    assert processes_of(folder) == []


@pytest.fixture
def api(service: Embedded) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30, trust_env=False) as client:
        yield client


def submit(api: httpx.Client, experiment: dict[str, Any] = EXPERIMENT) -> str:
    answer = api.post("/v1/runs", json={"experiment": experiment})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def status(api: httpx.Client, run_id: str) -> str:
    return str(api.get(f"/v1/runs/{run_id}").json()["status"])


def ended(api: httpx.Client, run_id: str) -> dict[str, Any]:
    eventually(lambda: status(api, run_id) not in {"queued", "running"}, within_s=120)
    return dict(api.get(f"/v1/runs/{run_id}").json())


def test_a_run_goes_all_the_way(api: httpx.Client) -> None:
    run = ended(api, submit(api))
    assert run["status"] == "succeeded"
    assert run["progress"] == {"step": 50, "steps": 50}
    assert run["diagnosis"]["primary"]


@pytest.mark.parametrize(
    "part", ["valkey-server", "gradclinic_workers", "gradclinic.reconciler", "uvicorn", "spawn_main"]
)
def test_what_dies_is_started_again_and_no_run_is_lost(service: Embedded, api: httpx.Client, part: str) -> None:
    folder = service.settings.data_dir
    waiting = submit(api)
    before = eventually(lambda: named(folder, part))
    if part == "gradclinic_workers":
        before = [process for process in before if process.cmdline()[-1] == part]
    for process in before:
        process.kill()
    eventually(lambda: {p.pid for p in named(folder, part)} - {p.pid for p in before})
    eventually(lambda: _answers(api))
    assert ended(api, waiting)["status"] == "succeeded"
    assert ended(api, submit(api))["status"] == "succeeded"


def test_a_worker_that_dies_with_a_message_it_took_loses_no_run(service: Embedded, api: httpx.Client) -> None:
    ended(api, submit(api))  # so that its child is up and waits
    child = _the_child(service)
    eventually(lambda: _is_idle(child))  # a run has ended before its child has told the parent so
    eventually(lambda: _suspended(child, service.settings.data_dir / "gradclinic.db"))
    held = submit(api)
    queue = Queue(service.settings)
    eventually(lambda: sum(queue.depths().values()) == 0)
    queue.close()
    assert status(api, held) == "queued"
    child.parent().kill()
    assert ended(api, held)["status"] == "succeeded"


def test_a_worker_takes_the_longest_turns_that_the_kernel_grants(service: Embedded, api: httpx.Client) -> None:
    ended(api, submit(api))  # so that its child is up
    with ThreadPoolExecutor(1) as pool:
        granted = pool.submit(request_timeslice).result()
    assert (timeslice_s(_the_child(service).pid) == LONGEST_S) == granted


def _the_child(service: Embedded) -> psutil.Process:
    """The warm process that trains, in whose place a new one comes only when it has died."""
    (child,) = [
        process
        for process in named(service.settings.data_dir, "spawn_main")
        if process.parent().cmdline()[-1] == "gradclinic_workers"
    ]
    return child


def _is_idle(process: psutil.Process, *, for_s: float = 0.3) -> bool:
    """Whether a process uses no processor time for a while."""
    before = process.cpu_times()
    time.sleep(for_s)
    return process.cpu_times() == before


def _suspended(process: psutil.Process, database: Path) -> bool:
    """Whether a process could be suspended outside of a transaction that writes, as its heartbeat does each second."""
    process.suspend()
    with closing(sqlite3.connect(database, timeout=0.2, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            process.resume()
            return False
    return True


def _answers(api: httpx.Client) -> bool:
    try:
        return api.get("/readyz").is_success
    except httpx.HTTPError:
        return False


def test_a_cancel_stops_a_long_run(api: httpx.Client) -> None:
    run_id = submit(api, LONG)
    eventually(lambda: status(api, run_id) == "running")
    assert api.post(f"/v1/runs/{run_id}/cancel").status_code == 202
    assert ended(api, run_id)["status"] == "canceled"


SERVE = """
import signal, sys
from pathlib import Path
from gradclinic.settings import Settings
from gradclinic.embedded import Embedded, interrupted_by_signals
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
with interrupted_by_signals():
    try:
        print("begins", flush=True)
        with Embedded(Settings(data_dir=Path(sys.argv[1]), port=0), workers=1) as service:
            print(service.url, flush=True)
            service.wait()
    except KeyboardInterrupt:
        print("ended", flush=True)
# As the command line does. Without it CPython exits by SIGINT when the interrupt, although handled, was raised while
# a string of source was executed: inside the making of a dataclass during an import, say.
sys.exit(0)
"""


def serve(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SERVE, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_service_that_is_ended_while_it_trains(tmp_path: Path, number: signal.Signals) -> None:
    process = serve(tmp_path)
    assert line(process) == "begins"
    with httpx.Client(base_url=line(process), timeout=30, trust_env=False) as api:
        run_id = submit(api, LONG)
        eventually(lambda: status(api, run_id) == "running")
    process.send_signal(number)
    process.communicate()
    assert process.returncode == (0 if number != signal.SIGKILL else -number)
    eventually(lambda: processes_of(tmp_path) == [])
    with Embedded(settings_for(tmp_path), workers=1) as again, httpx.Client(base_url=again.url, timeout=30) as api:
        codes = [change["reason"]["code"] for change in api.get(f"/v1/runs/{run_id}").json()["transitions"]]
        assert ("drained" if number != signal.SIGKILL else "worker_died") in codes
        eventually(lambda: status(api, run_id) == "running")
        api.post(f"/v1/runs/{run_id}/cancel")
        assert ended(api, run_id)["status"] == "canceled"
    assert processes_of(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("parts", range(1, 7))
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_service_that_is_ended_while_it_starts(
    tmp_path: Path, number: signal.Signals, parts: int
) -> None:
    process = serve(tmp_path)
    assert line(process) == "begins"
    eventually(lambda: process.poll() is not None or len(processes_of(tmp_path)) >= parts, every_s=0.001)
    process.send_signal(number)
    process.communicate()
    assert process.returncode == (0 if number != signal.SIGKILL else -number)
    eventually(lambda: processes_of(tmp_path) == [])
