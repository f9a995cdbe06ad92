import subprocess
import sys

import httpx
import pytest

from gradclinic.remedies import REMEDIES
from gradclinic.settings import Settings
from gradclinic.store import database

from .serving import NOBODY, serving

SIX = [
    "swap_activation",
    "add_batch_norm",
    "lower_learning_rate",
    "add_skip_connections",
    "set_initialization",
    "clip_gradients",
]


def test_the_catalogue_shows_everything_with_schema_help_and_source(api: httpx.Client) -> None:
    found = api.get("/v1/catalogue").json()
    for section, entries in found.items():
        assert entries, section
        for entry in entries:
            assert entry["kind"]
            assert entry["help"], (section, entry["kind"])
            assert entry["source"], (section, entry["kind"])
            assert entry["schema"], (section, entry["kind"])


def test_the_remedies_of_common_advice_come_first_in_its_order(api: httpx.Client) -> None:
    remedies = api.get("/v1/catalogue").json()["remedies"]
    assert [entry["kind"] for entry in remedies[:6]] == SIX
    assert [entry["rank"] for entry in remedies[:6]] == [1, 2, 3, 4, 5, 6]
    assert {entry["kind"] for entry in remedies} == set(REMEDIES)


def test_an_unchanged_catalogue_is_not_sent_again(api: httpx.Client) -> None:
    tag = api.get("/v1/catalogue").headers["etag"]
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}'):
        assert api.get("/v1/catalogue", headers={"If-None-Match": known}).status_code == 304
    assert api.get("/v1/catalogue", headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_service_without_queue_is_ready_and_says_so(api_on_both: httpx.Client) -> None:
    assert api_on_both.get("/livez").json() == {"status": "ok"}
    ready = api_on_both.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ok", "database": "ok", "queue": "unavailable", "workers": 0}


def test_a_service_with_a_queue_says_so(sqlite_url: str, valkey_url: str) -> None:
    with serving(Settings(database_url=sqlite_url, broker_url=valkey_url)) as api:
        assert api.get("/readyz").json()["queue"] == "ok"


def test_a_service_without_its_database_lives_and_is_not_ready(tmp_path) -> None:
    with serving(Settings(database_url="postgresql://127.0.0.1:1/none", broker_url=NOBODY)) as api:
        assert api.get("/livez").status_code == 200
        ready = api.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["database"] == "unavailable"
        answer = api.get("/v1/runs")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.json()["code"] == "service_unavailable"


def test_a_database_whose_disk_is_full_is_not_ready(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert api.get("/readyz").status_code == 200
    monkeypatch.setattr(database, "NEEDED_BYTES", 2**60)
    ready = api.get("/readyz")
    assert (ready.status_code, ready.json()["database"]) == (503, "full")


def test_a_database_of_an_older_schema_is_not_ready(bare_database_url: str) -> None:
    with serving(Settings(database_url=bare_database_url, broker_url=NOBODY)) as api:
        ready = api.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["database"] == "outdated"


IMPORTS = """
import sys
import gradclinic
quick = sorted(name for name in sys.modules if name.split(".")[0] in {"pydantic", "fastapi", "numpy", "httpx"})
assert not quick, quick
from gradclinic import Clinic, Experiment, errors, remedies
from gradclinic.web import create_app
from gradclinic.settings import Settings
app = create_app(Settings(database_url=sys.argv[1], broker_url="redis://127.0.0.1:1/0"))
app.openapi()
import gradclinic.cli.commands
heavy = sorted(name for name in ("torch", "sklearn", "gradclinic_workers", "matplotlib") if name in sys.modules)
assert not heavy, heavy
"""


def test_the_api_process_never_imports_torch(sqlite_url: str) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTS, sqlite_url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
