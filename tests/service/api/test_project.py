"""Every operation and page with a key of another project: it answers as if the resource were not there.

The operations are those of the API's description and the pages those that are mounted, so one that is added is tested
from its first day.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gradclinic.measurements.recording import example
from gradclinic.pages.mounting import ROOMS
from gradclinic.pages.rendering import PageRoute
from gradclinic.settings import Settings

from ..store.projects import Seeded, seeded
from ..store.test_dataset import DATA, upload
from .examples import EXPERIMENT
from .http.test_problems import refused
from .keyed import Keyed, keyed
from .serving import NOBODY, serving
from .test_access import OPERATIONS, WITH_KEY, scope_of

ABSENT = Seeded(
    run_id="run_0", study_id="study_0", prescription_id="prescription_0", check_id="check_0", recording_id="run_1",
    delivery_id="delivery_0", pin_id="pin_0", run_ids=("run_2", "run_3"),
)  # fmt: skip
"""Ids of nothing."""
FIXED = {"claim_id": "xavier_helps", "metric": "final_validation_loss"}
"""Values of those parameters in a path that name no stored resource."""
ROUTES = [route for room in ROOMS for route in room.router.routes if isinstance(route, PageRoute)]
_ALL_PAGES = [route.path for route in ROUTES if "GET" in route.methods]
PAGES = [path for path in _ALL_PAGES if "{" in path]
LISTS = [*(path for path in _ALL_PAGES if "{" not in path), "/runs?search=mine"]
Names = dict[str, str]


@dataclass(frozen=True)
class Sides:
    """A service with a project that has one resource of each kind, and a key of another one, which is empty."""

    clinic: Keyed
    ours: Seeded
    theirs: dict[str, str]
    """The header of the other project's key."""


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Sides]:
    folder = tmp_path_factory.mktemp("projects")
    shutil.copy(sqlite_template, folder / "gradclinic.db")
    with keyed(Settings(data_dir=folder, broker_url=NOBODY)) as clinic:
        upload(clinic.store)
        yield Sides(clinic, seeded(clinic.store), clinic.header_of("other"))


def names_of(found: Seeded, *, exist: bool) -> Names:
    """The parameters of a path for what is there, or for nothing."""
    stored = "main" if exist else "absent"
    return {
        "run_id": found.run_id,
        "study_id": found.study_id,
        "prescription_id": found.prescription_id,
        "check_id": found.check_id,
        "dataset_id": DATA if exist else "data_" + "1" * 24,
        "recording_id": found.recording_id,
        "delivery_id": found.delivery_id,
        "name": stored,
        "run": found.run_ids[0],
        "second": found.run_ids[1],
        **FIXED,
    }


def without(text: str, names: Names) -> str:
    """An answer without the names that were asked for, and without the id of its request."""
    for key, name in sorted(names.items(), key=lambda item: -len(item[1])):
        text = text.replace(name, f"<{key}>") if key not in FIXED else text
    return re.sub(r'"(request_id|instance)":"[^"]*"', "", text)


def body_of(path: str, names: Names) -> Any:
    """The body of a request, which refers to stored resources where it can."""
    on_data = {"experiment": {**EXPERIMENT, "data": {"kind": "uploaded", "id": names["dataset_id"]}}}
    return {
        "/v1/comparisons": {"runs": [names["run"], names["second"]], "baseline": names["run"]},
        "/v1/baselines/{name}": {"run_ids": [names["run"], names["second"]]},
        "/v1/checks": {"baseline": names["name"]},
        "/v1/schedules": {"name": "x", "cron": "0 3 * * *", "check": {"baseline": names["name"]}},
        "/v1/webhooks": {"name": names["name"], "url": "http://example.org/"},
        "/v1/runs": on_data,
        "/v1/studies": {**on_data, "seeds": [0]},
        "/v1/prescriptions": on_data,
        "/v1/experiments:resolve": on_data,
        "/v1/recordings": {**example(), "study": names["study_id"], "arm": "baseline"},
        "/v1/recordings/{run_id}/statistics": {"window": 0, "step": 1, "series": []},
    }.get(path, {})


def query_of(operation: tuple[str, str], names: Names) -> dict[str, Any]:
    """Those parameters that name stored resources."""
    asked = {each["name"] for each in OPERATIONS[operation].get("parameters", ()) if each["in"] == "query"}
    values: dict[str, Any] = {
        "study": names["study_id"],
        "baseline": names["run"] if "runs" in asked else names["name"],
        "schedule": names["name"],
        "runs": [names["run"], names["second"]],
        "after": names["run_id"] if operation[1] == "/v1/runs" else None,
    }
    return {name: value for name, value in values.items() if name in asked and value is not None}


def asked(sides: Sides, operation: tuple[str, str], names: Names) -> httpx.Response:
    method, path = operation
    if path.startswith("/v1/recordings/"):
        names = {**names, "run_id": names["recording_id"]}
    body = {} if "requestBody" not in OPERATIONS[operation] else {"json": body_of(path, names)}
    return sides.clinic.api.request(
        method, path.format(**names), headers=sides.theirs, params=query_of(operation, names), **body
    )


@pytest.mark.parametrize("operation", [each for each in WITH_KEY if scope_of(each) != "admin"], ids=" ".join)
def test_no_operation_tells_another_project_what_is_there(sides: Sides, operation: tuple[str, str]) -> None:
    there, absent = names_of(sides.ours, exist=True), names_of(ABSENT, exist=False)
    found, expected = asked(sides, operation, there), asked(sides, operation, absent)
    assert found.status_code == expected.status_code
    assert without(found.text, there) == without(expected.text, absent)
    if re.search(r"_id}|\{name}", operation[1]) and "claim_id" not in operation[1]:
        assert found.status_code in (404, 422), found.text  # 422: of the body, which is read first


@pytest.mark.parametrize("page", PAGES)
def test_no_page_tells_another_project_what_is_there(sides: Sides, page: str) -> None:
    names = names_of(sides.ours, exist=True)
    headers = {"Accept": "text/html"}
    path = page.format(**names)
    if "prescription" not in page:  # its trials are of no search
        assert sides.clinic.api.get(path, headers={**headers, **sides.clinic.header("read")}).status_code == 200
    assert sides.clinic.api.get(path, headers={**headers, **sides.theirs}).status_code == 404


@pytest.mark.parametrize("path", LISTS)
def test_no_list_of_the_pages_shows_what_another_project_has(sides: Sides, path: str) -> None:
    answer = sides.clinic.api.get(path, headers={"Accept": "text/html", **sides.theirs})
    ids = (sides.ours.run_id, sides.ours.study_id, sides.ours.prescription_id, sides.ours.check_id, *sides.ours.run_ids)
    assert not [each for each in (*ids, DATA) if each in answer.text]
    assert "Project other" in answer.text


def test_nothing_of_the_project_has_changed_by_then(sides: Sides) -> None:
    store = sides.clinic.store
    assert store.runs.get(sides.ours.run_id).status == "succeeded"
    assert store.checks.get(sides.ours.check_id).status == "running"
    assert store.datasets.find(DATA)
    assert not store.schedules.get("nightly").paused


def test_a_repeated_request_of_another_project_creates_its_own(sides: Sides) -> None:
    headers = {"Idempotency-Key": "same"}
    answers = [
        sides.clinic.api.post("/v1/runs", json={"experiment": EXPERIMENT}, headers={**headers, **key})
        for key in (sides.clinic.header("run"), sides.theirs, sides.theirs)
    ]
    ids = [answer.json()["id"] for answer in answers]
    assert ids[0] != ids[1] == ids[2]


def test_the_same_data_has_an_id_of_its_own_in_each_project(sides: Sides) -> None:
    table = b"x,y\n" + b"".join(b"%d,%d\n" % (n, n % 2) for n in range(40))
    headers = {"Content-Type": "text/csv"}
    keys = (sides.clinic.header("run"), sides.theirs)
    ours, theirs = (
        sides.clinic.api.post("/v1/datasets?target=y", content=table, headers={**headers, **key}) for key in keys
    )
    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert ours.json()["id"] != theirs.json()["id"]


def test_an_admin_names_another_project_and_nobody_else_does(sides: Sides) -> None:
    path = f"/v1/runs/{sides.ours.run_id}"
    named = {"X-Project": "default"}
    admin = sides.clinic.header_of("other", "admin")
    assert sides.clinic.api.get(path, headers=admin).status_code == 404
    assert sides.clinic.api.get(path, headers={**admin, **named}).status_code == 200
    assert refused(sides.clinic.api.get(path, headers={**sides.theirs, **named}), 403)["code"] == "other_project"
    own = {**sides.theirs, "X-Project": "other"}
    assert sides.clinic.api.get("/v1/runs", headers=own).status_code == 200
    assert refused(sides.clinic.api.get("/v1/runs", headers={**admin, "X-Project": "a b"}))


def test_metrics_are_those_of_all_projects(sides: Sides) -> None:
    text = sides.clinic.api.get("/metrics", headers=sides.clinic.header_of("third", "admin")).text
    assert re.search(r'gradclinic_runs{[^}]*status="succeeded"[^}]*} 1.0', text), text


def test_without_keys_a_project_cannot_be_named(settings: Settings) -> None:
    with serving(settings) as api:
        assert api.get("/v1/runs").status_code == 200
        refused(api.get("/v1/runs", headers={"X-Project": "other"}))
