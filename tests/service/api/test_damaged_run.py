"""A run of which a document is damaged: answers and pages show what is left."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gradclinic.settings import Settings
from gradclinic.store import Store

from ..store.projects import seeded
from .serving import NOBODY, serving

READ = ("", "/curves", "/diagnosis", "/profile", "/report", "/statistics")
COLUMNS = ("labels", "point", "environment", "layout", "outcome", "metrics", "diagnosis", "resolved_experiment")


@dataclass(frozen=True)
class Served:
    """A service, its database, and a run that has ended."""

    api: httpx.Client
    database: Path
    run_id: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("damaged")
    database = folder / "gradclinic.db"
    shutil.copy(sqlite_template, database)
    with closing(Store(f"sqlite:///{database}")) as store:
        run_id = seeded(store).run_id
    with serving(Settings(data_dir=folder, broker_url=NOBODY)) as api:
        yield Served(api, database, run_id)


@pytest.mark.parametrize("broken", ["{", '{"a": 1}', "[7]"])
@pytest.mark.parametrize("column", COLUMNS)
def test_it_is_shown_without_what_is_damaged(served: Served, column: str, broken: str) -> None:
    own = f"/v1/runs/{served.run_id}"
    with closing(sqlite3.connect(served.database, isolation_level=None)) as connection:
        select = f'SELECT "{column}" FROM runs WHERE id = ?'
        (before,) = connection.execute(select, (served.run_id,)).fetchone()
        connection.execute(f'UPDATE runs SET "{column}" = ? WHERE id = ?', (broken, served.run_id))
        for address in ("/", "/runs", f"/runs/{served.run_id}", "/v1/runs", *(f"{own}{each}" for each in READ)):
            answer = served.api.get(address, headers={"Accept": "text/html, */*"})
            assert answer.status_code in ({200} if "/v1" not in address else {200, 404, 409}), address
        connection.execute(f'UPDATE runs SET "{column}" = ? WHERE id = ?', (before, served.run_id))
