"""The API over real HTTP, on an empty database; and one with trained runs, to read from."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gradclinic.settings import Settings
from gradclinic.store.tables import metadata

from . import examples
from .serving import NOBODY, serving, train


@dataclass(frozen=True)
class Shared:
    """A server that many tests use one after the other: to start one takes longer than most tests."""

    api: httpx.Client
    settings: Settings

    def empty(self) -> None:
        """Delete every row and every file, as if the server had just been started on an empty database."""
        with closing(sqlite3.connect(self.settings.data_dir / "gradclinic.db", timeout=30)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            for table in metadata.tables:
                connection.execute(f'DELETE FROM "{table}"')
            connection.commit()
        for path in self.settings.data_dir.iterdir():
            if path.is_dir():
                shutil.rmtree(path)


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp("shared")
    shutil.copy(sqlite_template, folder / "gradclinic.db")
    settings = Settings(data_dir=folder, broker_url=NOBODY)
    with serving(settings) as api:
        yield Shared(api, settings)


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Those of `api` where a test uses it too, otherwise those of an empty database of its own."""
    if "api" in request.fixturenames:
        shared: Shared = request.getfixturevalue("shared")
        shared.empty()
        return shared.settings
    return Settings(data_dir=tmp_path, database_url=request.getfixturevalue("sqlite_url"), broker_url=NOBODY)


@pytest.fixture
def api(shared: Shared, settings: Settings) -> httpx.Client:
    """The API on an empty SQLite database."""
    return shared.api


@pytest.fixture
def api_on_both(database_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    """The API on an empty database; once on SQLite, once on PostgreSQL."""
    with serving(Settings(data_dir=tmp_path, database_url=database_url, broker_url=NOBODY)) as client:
        yield client


@dataclass(frozen=True)
class Trained:
    """An API with a study that has ended, a run that broke, and one that waits."""

    api: httpx.Client
    settings: Settings
    study: str
    sick: str
    broken: str
    waiting: str


@pytest.fixture(scope="package")
def trained(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Trained]:
    """Only to read from: it is shared."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copy(sqlite_template, folder / "gradclinic.db")
    settings = Settings(data_dir=folder, broker_url=NOBODY)
    with serving(settings) as api:
        study = api.post("/v1/studies", json=examples.study(seeds=[0, 1])).json()
        broken = api.post("/v1/runs", json={"experiment": examples.explosive()}).json()
        runs = api.get("/v1/runs", params={"study": study["id"]}).json()["items"]
        train(settings, *(run["id"] for run in [*runs, broken]))
        sick = next(run["id"] for run in runs if run["arm"] == "baseline" and run["seed"] == 0)
        waiting = api.post("/v1/runs", json={"experiment": examples.EXPERIMENT}).json()
        yield Trained(api, settings, study["id"], sick, broken["id"], waiting["id"])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[httpx.Client]:
    """An API that accepts small studies only, for requests by the hundred."""
    folder = tmp_path_factory.mktemp("small")
    shutil.copy(sqlite_template, folder / "gradclinic.db")
    with serving(Settings(data_dir=folder, broker_url=NOBODY, max_runs_per_study=20)) as client:
        yield client
