"""Every operation with no key, a wrong key, and a key of too small a scope. The operations are those of the API's
description, so one that is added is tested from its first day."""

import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from gradclinic.kernel.access import SCOPES, Scope, covers
from gradclinic.settings import Settings
from gradclinic.web import create_app

from ...waiting import eventually
from . import described
from .examples import EXPERIMENT
from .http.test_problems import refused
from .keyed import Keyed, keyed
from .serving import NOBODY, serving

DOCUMENT: dict[str, Any] = create_app(
    Settings(database_url="postgresql://127.0.0.1:1/none", broker_url=NOBODY, access="required")
).openapi()
OPERATIONS: dict[tuple[str, str], dict[str, Any]] = {
    (method.upper(), path): operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
OPEN = {("GET", "/livez"), ("GET", "/readyz")}
WITH_KEY = [each for each in OPERATIONS if each not in OPEN]
OTHERS = [
    ("GET", path)
    for path in ("/", "/runs/run_1", "/studies/study_1", "/datasets", "/checks", "/docs", "/openapi.json", "/metrics")
] + [("GET", "/v1/nothing"), ("POST", "/v1/nothing"), ("DELETE", "/"), ("OPTIONS", "/v1/runs"), ("HEAD", "/v1/runs")]
"""What the description does not have: pages, operation, and what is not there at all."""


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Keyed]:
    folder = tmp_path_factory.mktemp("keyed")
    shutil.copy(sqlite_template, folder / "gradclinic.db")
    with keyed(Settings(data_dir=folder, broker_url=NOBODY)) as made:
        yield made


def asked(clinic: Keyed, operation: tuple[str, str], **headers: str) -> httpx.Response:
    method, path = operation
    return clinic.api.request(method, re.sub(r"\{\w+\}", "run_1", path), headers=headers)


def scope_of(operation: tuple[str, str]) -> Scope:
    described, of_session = OPERATIONS[operation]["security"]
    assert list(described.values()) == list(of_session.values())
    (scope,) = described["api_key"]
    assert scope in SCOPES
    return scope  # type: ignore[no-any-return]


@pytest.mark.parametrize("operation", WITH_KEY, ids=" ".join)
def test_no_operation_answers_without_a_key(clinic: Keyed, operation: tuple[str, str]) -> None:
    answer = asked(clinic, operation)
    assert refused(answer, 401)["code"] == "key_required"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="gradclinic"'
    assert {"401", "403"} <= OPERATIONS[operation]["responses"].keys()


@pytest.mark.parametrize("operation", WITH_KEY, ids=" ".join)
def test_no_operation_answers_a_key_of_too_small_a_scope(clinic: Keyed, operation: tuple[str, str]) -> None:
    needed = scope_of(operation)
    for scope in SCOPES:
        answer = asked(clinic, operation, **clinic.header(scope))
        if covers(scope, needed):
            assert answer.status_code not in (401, 403), scope
        else:
            assert refused(answer, 403)["code"] == "scope_too_small"
            assert f'error="insufficient_scope", scope="{needed}"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("operation", OTHERS, ids=" ".join)
def test_nothing_else_answers_without_a_key_either(clinic: Keyed, operation: tuple[str, str]) -> None:
    assert asked(clinic, operation).status_code == 401


@pytest.mark.parametrize(
    "path", ["//v1/runs", "/v1//runs", "/static/../v1/runs", "/livez/../v1/runs", "/v1/runs/", "/LIVEZ"]
)
def test_no_spelling_of_a_path_leads_around_the_key(clinic: Keyed, path: str) -> None:
    url = httpx.URL(str(clinic.api.base_url)).copy_with(raw_path=path.encode())
    answer = clinic.api.send(clinic.api.build_request("GET", url))
    assert answer.status_code in (401, 404)
    assert "items" not in answer.text


def test_health_is_open_and_says_so(clinic: Keyed) -> None:
    for method, path in OPEN:
        assert clinic.api.request(method, path).status_code == 200
        assert OPERATIONS[method, path]["security"] == []


def test_a_key_that_is_not_one_is_refused_in_one_way(clinic: Keyed) -> None:
    key = clinic.keys["admin"]
    identifier, secret = key.split(".")
    revoked = clinic.store.keys.create("revoked", scope="admin")
    clinic.store.keys.revoke(revoked.key.id)
    expired = clinic.store.keys.create("expired", scope="admin", lasts_s=0.0)
    wrong = [
        "", "Bearer", f"Basic {key}", f"Bearer {identifier}", f"Bearer {identifier}.", f"Bearer .{secret}",
        f"Bearer {key}x", f"Bearer {key[:-1]}", f"Bearer key_0.{secret}", f"Bearer {key} {key}", "Bearer " + "a" * 5000,
        f"Bearer {revoked.text}", f"Bearer {expired.text}",
    ]  # fmt: skip
    answers = [clinic.api.get("/v1/runs", headers={"Authorization": each}) for each in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {
        'Bearer realm="gradclinic", error="invalid_token"'
    }


def test_the_scheme_is_written_in_any_case(clinic: Keyed) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {clinic.keys['read']}"}
        assert clinic.api.get("/v1/runs", headers=headers).status_code == 200


def test_a_wrong_key_is_not_repaired_by_a_session(clinic: Keyed) -> None:
    key = clinic.keys["read"].split(".")[0]
    cookie = {"Cookie": f"gradclinic_session={clinic.store.sessions.start(key, lasts_s=60)}"}
    assert clinic.api.get("/v1/runs", headers=cookie).status_code == 200
    assert clinic.api.get("/v1/runs", headers={**cookie, "Authorization": "Bearer key_1.x"}).status_code == 401


def test_the_log_names_the_key_and_not_its_secret(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    with keyed(settings.model_copy(update={"log_level": "debug", "log_format": "json"})) as clinic:
        clinic.api.get("/v1/runs", headers=clinic.header("read"))
    identifier, secret = clinic.keys["read"].split(".")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    (line,) = [each for each in lines if each.get("path") == "/v1/runs"]
    assert (line["key"], line["status"]) == (identifier, 200)
    assert secret not in str(lines)


def test_a_stream_ends_soon_after_its_key_is_revoked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradclinic.api.http.access.CHECK_EVERY_S", 0.1)
    monkeypatch.setattr("gradclinic.api.event._KEEP_ALIVE_S", 0.2)
    with keyed(settings) as clinic:
        run = clinic.api.post("/v1/runs", json={"experiment": EXPERIMENT}, headers=clinic.header("run")).json()
        headers = {**clinic.header("read"), "Accept": "text/event-stream"}
        with clinic.api.stream("GET", run["urls"]["events"], headers=headers) as stream:
            parts = stream.iter_bytes()
            assert b"event: status" in next(parts)
            next(parts)
            next(parts)
            clinic.store.keys.revoke(clinic.keys["read"].split(".")[0])
            assert len(list(parts)) < 10


def test_a_use_is_noted_beside_the_request_and_is_no_change_that_somebody_asked_for(settings: Settings) -> None:
    with keyed(settings) as clinic:
        with closing(sqlite3.connect(settings.data_dir / "gradclinic.db", isolation_level=None)) as busy:
            busy.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            assert clinic.api.get("/v1/runs", headers=clinic.header("read")).status_code == 200
            assert time.monotonic() - began < 5  # a writer waits for another one for ten seconds
            busy.execute("ROLLBACK")
        eventually(lambda: [key for key in clinic.store.keys.all() if key.last_used_at is not None])
        assert clinic.store.audit.page().items == []


def test_an_answer_to_a_key_stays_out_of_shared_caches(clinic: Keyed) -> None:
    answer = clinic.api.get("/v1/runs", headers=clinic.header("read"))
    assert answer.headers["Cache-Control"] == "private"


def test_a_refused_upload_is_not_read(clinic: Keyed) -> None:
    """Nobody without a key can make the service hold a body: the answer comes before it."""

    def body() -> Iterator[bytes]:
        yield b"a,b\n"
        yield b"1,2\n" * 100_000

    answer = clinic.api.post("/v1/datasets", content=body(), headers={"Content-Type": "text/csv"})
    assert answer.status_code == 401


def test_a_database_that_is_away_is_a_503_and_not_a_401() -> None:
    settings = Settings(database_url="postgresql://127.0.0.1:1/none", broker_url=NOBODY, access="required")
    with serving(settings) as api:
        answer = api.get("/v1/runs", headers={"Authorization": "Bearer key_1.x"})
        refused(answer, 503)
        assert answer.headers["Retry-After"]


def test_without_access_required_the_description_names_no_key() -> None:
    assert "securitySchemes" not in described.DOCUMENT["components"]
    assert not any("security" in operation for operation in described.OPERATIONS.values())
