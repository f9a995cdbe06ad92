"""An upgrade without a pause: the version that is running goes on while the next version's migrations are made."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, insert, inspect, select

from gradclinic.embedded import Embedded
from gradclinic.queue.messages import Queue
from gradclinic.settings import Settings
from gradclinic.store import NewRun, Store, migrate
from gradclinic.store import tables as t
from gradclinic.store.database import Database

from ..processes import named, processes_of
from ..service.store.test_migrations import REVISIONS
from ..waiting import eventually

EXPERIMENT: dict[str, Any] = {
    "model": {"kind": "mlp", "depth": 3, "width": 8, "activation": "tanh"},
    "data": {"kind": "moons"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 300, "batch_size": 16},
}
NEXT = '''"""what a next version might add"""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "99991231_01", "{newest}", None, None


def upgrade() -> None:
    op.add_column("runs", sa.Column("colour", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("weight", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "colours",
        sa.Column("run_id", sa.String(40), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    )
    op.execute("INSERT INTO colours SELECT id FROM runs")
    if op.get_bind().dialect.name == "postgresql":
        with op.get_context().autocommit_block():
            op.create_index("ix_runs_colour", "runs", ["colour"], postgresql_concurrently=True)
    else:
        op.create_index("ix_runs_colour", "runs", ["colour"])
'''


@pytest.fixture
def next_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The migrations of this version and one more."""
    folder = tmp_path_factory.mktemp("next") / "migrations"
    shutil.copytree(migrate.folder(), folder)
    (folder / "versions" / "99991231_01_next.py").write_text(NEXT.format(newest=REVISIONS[-1]))
    return folder


class Visitor(threading.Thread):
    """Submits runs and looks at what there is, one request after another, until it is told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__(name="visitor", daemon=True)
        self._url, self._stop_asking = url, threading.Event()
        self.accepted: list[str] = []
        self.refused: list[str] = []
        self.rounds = 0

    def run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60, trust_env=False) as api:
            while not self._stop_asking.is_set():
                if len(self.accepted) < 12:
                    made = self._ask(api, "POST", "/v1/runs", json={"experiment": EXPERIMENT})
                    self.accepted += [made.json()["id"]] if made.is_success else []
                for path in ("/readyz", "/v1/runs", f"/v1/runs/{self.accepted[-1]}", "/"):
                    self._ask(api, "GET", path)
                self.rounds += 1

    def _ask(self, api: httpx.Client, method: str, path: str, **request: Any) -> httpx.Response:
        answer = api.request(method, path, **request)
        if not answer.is_success:
            self.refused.append(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def stop(self) -> None:
        self._stop_asking.set()
        self.join()

    def goes_on(self) -> None:
        """Returns once it has gone round twice more."""
        before = self.rounds
        eventually(lambda: self.rounds >= before + 2)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A service whose database is at the migration before the newest, with a run that waits there."""
    databases = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    name = databases.create() if databases is not None else ""
    url = databases.url(name) if databases is not None else f"sqlite:///{tmp_path / 'gradclinic.db'}"
    yield Settings(data_dir=tmp_path, port=0, database_url=url, reconcile_every_s=0.2, checkpoint_every_s=0.2)
    if databases is not None:
        databases.drop(name)


def stored_before(url: str, scratch: Path) -> str:
    """A run that was queued when the database was at the migration before the newest.

    A store at the newest migration writes its rows; of these, the columns that there were before are copied.
    """
    scratch_url = f"sqlite:///{scratch / 'scratch.db'}"
    migrate.upgrade(scratch_url)
    store = Store(scratch_url)
    new = NewRun(experiment=EXPERIMENT, resolved_experiment=EXPERIMENT, digest="d", seed=0, steps=300)
    run = store.runs.create(new).item
    store.close()
    migrate.upgrade(url, REVISIONS[-2])
    newest, before = create_engine(scratch_url), create_engine(url)
    with newest.connect() as source, before.begin() as target:
        for table in (t.runs, t.transitions):
            there = {column["name"] for column in inspect(target).get_columns(table.name)}
            for row in source.execute(select(table)).mappings():
                target.execute(insert(table).values({name: value for name, value in row.items() if name in there}))
    newest.dispose()
    before.dispose()
    return run.id


@pytest.mark.slow
def test_requests_and_runs_go_on_while_the_database_is_upgraded_and_nothing_is_lost(
    settings: Settings, next_version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = stored_before(settings.database_url, tmp_path)
    with Embedded(settings, workers=1) as service:
        store = Store(service.settings.database_url)
        visitor = Visitor(service.url)
        visitor.start()
        eventually(lambda: store.runs.page(status="running").items)
        with monkeypatch.context() as upgraded:
            upgraded.setattr(migrate, "folder", lambda: next_version)
            migrate.upgrade(settings.database_url)
        assert _has_column(settings.database_url, "colour")
        visitor.goes_on()
        visitor.stop()
        assert visitor.refused == []

        for process in named(settings.data_dir, "uvicorn"):  # the running version can be started again, too
            process.kill()
        with httpx.Client(base_url=service.url, timeout=60, trust_env=False) as api:
            eventually(lambda: _ready(api))
            after = api.post("/v1/runs", json={"experiment": EXPERIMENT})
            assert after.status_code == 202, after.text
        submitted = [old, *visitor.accepted, after.json()["id"]]
        eventually(lambda: all(run.ended for run in store.runs.get_many(submitted)), within_s=180)
        ended = store.runs.get_many(submitted)
        assert {(run.status, run.attempt, run.step) for run in ended} == {("succeeded", 1, 300)}
        assert all(len(store.statistics.series(run.id, "train_loss")) == 300 for run in ended)
        queue = Queue(service.settings)
        eventually(lambda: sum(queue.depths().values()) == 0)  # a run announced twice leaves a message behind its end
        queue.close()
        store.close()
    assert processes_of(settings.data_dir) == []


def _ready(api: httpx.Client) -> bool:
    try:
        return api.get("/readyz").is_success
    except httpx.HTTPError:
        return False


def _has_column(url: str, name: str) -> bool:
    database = Database(url)
    columns = [column["name"] for column in inspect(database.engine).get_columns("runs")]
    database.close()
    return name in columns
