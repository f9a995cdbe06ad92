"""The API over real HTTP, on an empty database; and one with trained runs, to read from."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gradclinic.settings import Settings

from . import examples
from .serving import NOBODY, serving, train


@pytest.fixture
def settings(sqlite_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)


@pytest.fixture
def api(settings: Settings) -> Iterator[httpx.Client]:
    """The API on an empty SQLite database."""
    with serving(settings) as client:
        yield client


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
