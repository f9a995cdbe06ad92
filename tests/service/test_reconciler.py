import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gradclinic import reconciler as module
from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.queue.messages import Queue
from gradclinic.reconciler import Reconciler
from gradclinic.settings import Settings
from gradclinic.store import Store
from gradclinic.use_cases.service import Service

from ..waiting import eventually
from .store.records import claimed, queued

LATE_S = -1.0


@pytest.fixture
def reconciler(store: Store, database_url: str, valkey_url: str, tmp_path: Path, monkeypatch) -> Iterator[Reconciler]:
    monkeypatch.setattr("gradclinic.store.reconciliation.GRACE_S", 0.0)
    settings = Settings(
        data_dir=tmp_path, database_url=database_url, broker_url=valkey_url, reconcile_every_s=0.01, resend_after_s=1e-9
    )
    queue = Queue(settings)
    yield Reconciler(Service(settings, store, queue))
    queue.close()


def test_a_lost_run_is_queued_and_announced_in_one_round(store: Store, reconciler: Reconciler) -> None:
    lease = claimed(store, ttl_s=LATE_S)
    assert reconciler.round() == 2
    assert store.runs.get(lease.run_id).status == "queued"
    assert reconciler.service.queue.depths()["cpu"] == 1


def test_a_backlog_is_announced_once(store: Store, reconciler: Reconciler) -> None:
    for _ in range(5):
        queued(store)
    assert [reconciler.round() for _ in range(3)] == [5, 0, 0]
    assert reconciler.service.queue.depths()["cpu"] == 5


def test_messages_that_the_broker_forgot_are_sent_again(store: Store, reconciler: Reconciler, valkey) -> None:
    for _ in range(5):
        queued(store)
    reconciler.round()
    valkey.flush()
    assert reconciler.round() == 5
    assert reconciler.service.queue.depths()["cpu"] == 5


def test_files_of_runs_that_have_ended_are_removed(store: Store, reconciler: Reconciler, tmp_path: Path) -> None:
    kept = claimed(store).run_id
    for run_id in (kept, "run_gone"):
        (tmp_path / "checkpoints" / run_id).mkdir(parents=True)
    reconciler.round()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [kept]


def test_the_loop_outlives_a_broker_that_is_away(store: Store, reconciler: Reconciler, monkeypatch) -> None:
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.02)
    rounds = []

    def depths() -> dict[str, int]:
        rounds.append(1)
        if len(rounds) < 4:
            raise ServiceUnavailable("the queue cannot be reached now")
        return {"cpu": 0, "gpu": 0}

    monkeypatch.setattr(reconciler.service.queue, "depths", depths)
    lease, stop = claimed(store, ttl_s=LATE_S), threading.Event()
    loop = threading.Thread(target=reconciler.loop, args=(stop,))
    loop.start()
    try:
        eventually(lambda: len(rounds) > 5)
    finally:
        stop.set()
        loop.join()
    assert store.runs.get(lease.run_id).status == "queued"


def test_a_prescription_that_is_deleted_meanwhile_disturbs_no_round(store, reconciler, monkeypatch) -> None:
    monkeypatch.setattr(store.prescriptions, "running", lambda: ["prescription_gone"])
    queued(store)
    assert reconciler.round() == 1


def test_the_loop_outlives_a_round_that_breaks(store: Store, reconciler: Reconciler, monkeypatch) -> None:
    monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.02)
    broken = iter([True, True])
    whole = reconciler.service.queue.depths

    def depths() -> Mapping[str, int]:
        if next(broken, False):
            raise LookupError("a row that nobody foresaw")
        return whole()

    monkeypatch.setattr(reconciler.service.queue, "depths", depths)
    queued(store)
    stop = threading.Event()
    loop = threading.Thread(target=reconciler.loop, args=(stop,))
    loop.start()
    try:
        assert eventually(lambda: whole()["cpu"]) == 1
        assert next(broken, None) is None, "no round broke"
    finally:
        stop.set()
        loop.join()


def test_it_needs_neither_torch_nor_the_workers() -> None:
    parts = "{'torch', 'gradclinic_torch', 'gradclinic_workers'}"
    code = f"import sys, gradclinic.reconciler; print({parts} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown.strip() == "set()"


def test_old_statistics_are_reduced_only_if_the_settings_say_so(reconciler: Reconciler, monkeypatch) -> None:
    asked: list[tuple[str, float]] = []
    whole = reconciler.service.store.reconciliation

    def reduce_old(*, to: str, older_than_s: float) -> int:
        asked.append((to, older_than_s))
        return 0

    monkeypatch.setattr(whole, "reduce_old", reduce_old)
    reconciler.round()
    assert asked == []
    settings = reconciler.service.settings.model_copy(update={"thin_after_days": 30, "summarize_after_days": 90})
    monkeypatch.setattr(reconciler, "service", replace(reconciler.service, settings=settings))
    reconciler.round()
    assert asked == [("summary", 90 * 86_400.0), ("thinned", 30 * 86_400.0)]
