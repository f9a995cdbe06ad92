"""A worker's child that dies at any point of a run, from the message it took to the end it wrote."""

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gradclinic.checkpoints import Checkpoints
from gradclinic.kernel.project import DEFAULT
from gradclinic.reconciler import Reconciler
from gradclinic.settings import Settings
from gradclinic.store import Message, Store
from gradclinic.store.database import Database
from gradclinic.use_cases.service import Service
from gradclinic_workers.process import attempt
from gradclinic_workers.process.tasks import Trainer
from gradclinic_workers.train import fit

from ...servers import Valkey
from .test_tasks import EXPERIMENT, assert_same, submitted, undisturbed

SHORT = {"training": EXPERIMENT["training"] | {"steps": 12}}
ENDS = {"queued": {"running"}, "running": {"queued", "succeeded"}}


class Killed(BaseException):
    """Nothing in a worker catches it, as nothing catches SIGKILL."""


class Deaths:
    """Counts the points at which a process can die, and dies at one of them."""

    def __init__(self, at: int) -> None:
        self._at, self._passed, self.where = at, 0, ""

    def point(self, where: str) -> None:
        self._passed += 1
        if self._passed - 1 == self._at and threading.current_thread() is threading.main_thread():
            self.where = where
            raise Killed(where)

    def around(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def wrapped(*positional: Any, **named: Any) -> Any:
            self.point(f"before {name}")
            answer = function(*positional, **named)
            self.point(f"after {name}")
            return answer

        return wrapped

    def transactions(self, write: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def wrapped(database: Database) -> Iterator[Any]:
            with write(database) as connection:
                yield connection
                self.point("before a commit")
            self.point("after a commit")

        return wrapped


def killed_at(point: int, trainer: Trainer, run_id: str, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Train until the process dies at a point; where that was, or None where it came to its end before."""
    deaths = Deaths(point)
    with monkeypatch.context() as fatal:
        fatal.setattr(Database, "write", deaths.transactions(Database.write))
        for name in ("save", "keep_only", "drop"):
            fatal.setattr(Checkpoints, name, deaths.around(getattr(Checkpoints, name), f"checkpoints.{name}"))
        fatal.setattr(attempt, "diagnose", deaths.around(attempt.diagnose, "the diagnosis"))
        try:
            deaths.point("with the message, before the claim")
            trainer.train(run_id)
            deaths.point("before the message was acknowledged")
        except Killed:
            return deaths.where
    return None


@pytest.mark.parametrize(
    "supervised",
    [
        pytest.param(True, id="its parent sees it"),
        pytest.param(False, id="only its lease tells", marks=pytest.mark.slow),
    ],
)
def test_a_run_survives_the_death_of_its_worker_at_every_point_and_ends_once(
    sqlite_template: Path, valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, supervised: bool
) -> None:
    monkeypatch.setattr(fit, "WINDOW_RECORDS", 5)
    monkeypatch.setattr("gradclinic.store.reconciliation.GRACE_S", 0.0)
    expected = undisturbed(EXPERIMENT | SHORT)
    places = []
    for point in itertools.count():
        folder = tmp_path / str(point)
        folder.mkdir()
        shutil.copy(sqlite_template, folder / "gradclinic.db")
        settings = Settings(data_dir=folder, broker_url=valkey.url, checkpoint_every_s=1e-9, resend_after_s=1e-9)
        first, second = (Trainer(settings, owner=f"vm/{number}/1") for number in (1, 2))
        store = first.store
        run = submitted(store.within(DEFAULT), **SHORT)
        first.service.announce([Message(run.id, run.queue)])
        valkey.flush()  # the worker has taken the message
        place = killed_at(point, first, run.id, monkeypatch)
        if place is not None:
            places.append(place)
            recover(store, second, run.id, supervised=supervised)
            assert second.queue.depths()["cpu"] == (not store.runs.get(run.id).ended)
            second.train(run.id)
        second.train(run.id)  # the message may come once more
        assert_ended_once(store, run.id)
        assert_same(store, run.id, expected)
        Reconciler(Service(settings, store, second.queue)).round()
        assert not any((folder / "checkpoints").glob("*/*")), place
        first.close()
        second.close()
        if place is None:
            break
    assert places[0] == "with the message, before the claim"
    assert places[-1] == "before the message was acknowledged"
    assert len(places) > 20


def recover(store: Store, survivor: Trainer, run_id: str, *, supervised: bool) -> None:
    """What a parent or, without one, a lease that ran out brings about; then the reconciler's round."""
    if supervised:
        store.reconciliation.abandon(["vm/1/1"], max_attempts=3)
        store.reconciliation.was_not_taken(run_id)
    else:
        _let_the_lease_run_out(survivor.settings.database_url)
    Reconciler(Service(survivor.settings, store, survivor.queue)).round()


def _let_the_lease_run_out(url: str) -> None:
    database = Database(url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET lease_until = 1 WHERE status = 'running'")
    database.close()


def assert_ended_once(store: Store, run_id: str) -> None:
    run, transitions = store.runs.get(run_id), store.runs.transitions(run_id)
    assert run.status == "succeeded"
    assert run.attempt in {1, 2}
    assert [change.number for change in transitions] == list(range(1, len(transitions) + 1))
    for before, after in itertools.pairwise(transitions):
        assert after.status in ENDS[before.status]
