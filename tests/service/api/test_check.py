"""Baselines and checks over real HTTP: from a study to the verdict, on both databases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from gradclinic.queue.messages import Queue
from gradclinic.reconciler import Reconciler
from gradclinic.settings import Settings
from gradclinic.store import Store
from gradclinic.use_cases.service import Service

from .examples import HEALTHY, experiment, explosive, study
from .serving import NOBODY, serving, train

SEEDS = [0, 1, 2, 3]


class Clinic:
    """An API whose queued runs are trained, and judged, when the test says so."""

    def __init__(self, api: httpx.Client, settings: Settings) -> None:
        self.api, self.settings = api, settings

    def work(self) -> None:
        """Train what is queued, then one look of the reconciler."""
        queued = self.api.get("/v1/runs", params={"status": "queued", "limit": 200}).json()["items"]
        train(self.settings, *(run["id"] for run in queued))
        store, queue = Store(self.settings.database_url), Queue(self.settings)
        try:
            Reconciler(Service(self.settings, store, queue)).check()
        finally:
            queue.close()
            store.close()

    def study(self, **changes: Any) -> str:
        made = self.api.post("/v1/studies", json=study(experiment=HEALTHY, arms=[], seeds=SEEDS, **changes)).json()
        self.work()
        return str(made["id"])

    def pin(self, name: str = "main", **body: Any) -> httpx.Response:
        return self.api.put(f"/v1/baselines/{name}", json=body)

    def check(self, **body: Any) -> dict[str, Any]:
        accepted = self.api.post("/v1/checks", json={"baseline": "main", **body})
        assert accepted.status_code == 202, accepted.text
        assert accepted.json()["verdict"] is None
        self.work()
        found: dict[str, Any] = self.api.get(accepted.headers["Location"]).json()
        return found


@pytest.fixture
def clinic(database_url: str, tmp_path: Path) -> Iterator[Clinic]:
    """Once on SQLite, once on PostgreSQL."""
    settings = Settings(data_dir=tmp_path, database_url=database_url, broker_url=NOBODY)
    with serving(settings) as api:
        yield Clinic(api, settings)


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Clinic]:
    """An API with a trained study, one that waits and the baseline `main`; only to read from, and to be refused by."""
    folder = tmp_path_factory.mktemp("pinned")
    (folder / "gradclinic.db").write_bytes(sqlite_template.read_bytes())
    settings = Settings(data_dir=folder, broker_url=NOBODY, max_runs_per_study=10)
    with serving(settings) as api:
        made = Clinic(api, settings)
        assert made.pin(study_id=made.study()).status_code == 201
        yield made


def refusal(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 422, answer.text
    found: dict[str, Any] = answer.json()["errors"][0]
    return found


def test_a_check_goes_from_a_pinned_study_to_its_verdict(clinic: Clinic) -> None:
    pinned = clinic.pin(study_id=clinic.study())
    assert (pinned.status_code, pinned.json()["pin"]["seeds"]) == (201, SEEDS)
    same = clinic.check()
    assert (same["status"], same["verdict"], same["compared_seeds"]) == ("succeeded", "pass", SEEDS)
    assert same["margins"] == {"final_validation_loss": 0.1, "final_validation_accuracy": 0.02}
    assert {metric["effect"]["difference"] for metric in same["metrics"]} == {0}  # trained again to the bit
    assert same["false_fails_at_most"] == 0.05

    broken = clinic.check(experiment=explosive(), name="broken", labels={"team": "vision"})
    assert broken["verdict"] == "fail"
    assert broken["metrics"][0]["values"][0]["new"] == "NaN"
    assert "fail" in {each["verdict"] for each in broken["conditions"]}, broken["conditions"]
    assert broken["summary"].startswith("Worse than the baseline.")
    runs = clinic.api.get(broken["urls"]["runs"]).json()["items"]
    assert {run["id"] for run in runs} == set(broken["run_ids"])
    assert runs[0]["labels"]["team"] == "vision"
    junit = clinic.api.get(broken["urls"]["self"], headers={"Accept": "application/junit+xml"})
    assert junit.headers["content-type"] == "application/junit+xml"
    assert ET.fromstring(junit.content).attrib["failures"] != "0"
    failed = clinic.api.get("/v1/checks", params={"verdict": "fail", "baseline": "main"}).json()["items"]
    assert [each["id"] for each in failed] == [broken["id"]]

    moved = clinic.pin(check_id=broken["id"])
    assert (moved.status_code, len(moved.json()["history"])) == (200, 2)
    assert clinic.check()["verdict"] == "pass"  # the new baseline diverges, too
    assert clinic.api.get(broken["urls"]["self"]).json()["pin_run_ids"] == pinned.json()["pin"]["run_ids"]


def test_what_a_baseline_or_a_check_rests_on_cannot_be_deleted(clinic: Clinic) -> None:
    study_id = clinic.study()
    run = clinic.pin(study_id=study_id).json()["pin"]["run_ids"][0]
    check = clinic.api.post("/v1/checks", json={"baseline": "main"}).json()
    for address in (f"/v1/runs/{run}", f"/v1/studies/{study_id}"):
        refused = clinic.api.delete(address)
        assert (refused.status_code, "'main'" in refused.json()["detail"]) == (409, True)
    refused = clinic.api.delete(f"/v1/runs/{check['run_ids'][0]}")
    assert (refused.status_code, check["id"] in refused.json()["detail"]) == (409, True)
    assert clinic.api.delete("/v1/baselines/main").status_code == 204
    refused = clinic.api.delete(f"/v1/studies/{study_id}")
    assert (refused.status_code, check["id"] in refused.json()["detail"]) == (409, True)
    assert clinic.api.delete(check["urls"]["self"]).status_code == 204
    assert clinic.api.delete(f"/v1/studies/{study_id}").status_code == 204
    assert clinic.api.get("/v1/runs").json()["items"] == []


def test_a_check_sent_again_with_its_key_is_one_check(clinic: Clinic) -> None:
    clinic.pin(study_id=clinic.study())
    key = {"Idempotency-Key": "tonight"}
    first, again = (clinic.api.post("/v1/checks", json={"baseline": "main"}, headers=key) for _ in range(2))
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    other = clinic.api.post("/v1/checks", json={"baseline": "main", "seeds": [0]}, headers=key)
    assert other.status_code == 409
    assert len(clinic.api.get("/v1/runs", params={"status": "queued"}).json()["items"]) == 4


def test_a_cancelled_check_has_no_verdict_and_is_an_error_to_junit(clinic: Clinic) -> None:
    clinic.pin(study_id=clinic.study())
    check = clinic.api.post("/v1/checks", json={"baseline": "main"}).json()
    early = clinic.api.get(check["urls"]["self"], params={"format": "junit"})
    assert (early.status_code, early.json()["code"]) == (409, "insufficient_data")
    canceled = clinic.api.post(check["urls"]["cancel"])
    assert (canceled.status_code, canceled.json()["status"]) == (202, "canceled")
    assert clinic.api.post(check["urls"]["cancel"]).status_code == 200
    clinic.work()
    junit = clinic.api.get(check["urls"]["self"], params={"format": "junit"})
    assert ET.fromstring(junit.content).attrib["errors"] == "1"


def test_a_check_none_of_whose_runs_could_be_trained_has_failed_without_a_verdict(clinic: Clinic) -> None:
    clinic.pin(study_id=clinic.study())
    check = clinic.api.post("/v1/checks", json={"baseline": "main"}).json()
    for run in check["run_ids"]:
        clinic.api.post(f"/v1/runs/{run}/cancel")
    clinic.work()
    found = clinic.api.get(check["urls"]["self"]).json()
    assert (found["status"], found["verdict"]) == ("failed", None)
    assert "None of the 4 new runs" in found["summary"]


def test_a_lost_run_leaves_the_verdict_open(clinic: Clinic) -> None:
    clinic.pin(study_id=clinic.study())
    check = clinic.api.post("/v1/checks", json={"baseline": "main"}).json()
    clinic.api.post(f"/v1/runs/{check['run_ids'][3]}/cancel")
    clinic.work()
    found = clinic.api.get(check["urls"]["self"]).json()
    assert (found["verdict"], found["seeds_needed"], found["lost"][0]["status"]) == ("inconclusive", 4, "canceled")


def test_only_ended_runs_of_one_experiment_with_metrics_can_be_pinned(pinned: Clinic) -> None:
    study_id = pinned.api.get("/v1/baselines/main").json()["pin"]["study_id"]
    runs = [run["id"] for run in pinned.api.get("/v1/runs", params={"study": study_id}).json()["items"]]
    waiting = pinned.api.post("/v1/runs", json={"experiment": HEALTHY}).json()["id"]
    other = pinned.api.post("/v1/runs", json={"experiment": experiment()}).json()["id"]
    train(pinned.settings, other)
    found = refusal(pinned.pin("next", run_ids=[*runs, waiting]))
    assert (found["pointer"], found["value"]) == ("/run_ids/4", waiting)
    assert "is queued" in found["detail"]
    assert refusal(pinned.pin("next", run_ids=[runs[0], other]))["allowed"] == "runs that differ only in their seeds"
    assert "the seed 3" in refusal(pinned.pin("next", run_ids=[runs[0], runs[0]]))["detail"]
    assert pinned.pin("next", run_ids=[runs[0], "run_1"]).status_code == 404
    pinned.api.post(f"/v1/runs/{waiting}/cancel")
    assert "has no metrics" in refusal(pinned.pin("next", run_ids=[waiting]))["detail"]
    assert pinned.api.get("/v1/baselines/next").status_code == 404


def test_an_arm_that_is_not_there_and_a_swept_study_are_refused(pinned: Clinic) -> None:
    study_id = pinned.api.get("/v1/baselines/main").json()["pin"]["study_id"]
    found = refusal(pinned.pin("next", study_id=study_id, arm="relu"))
    assert (found["pointer"], found["allowed"]) == ("/arm", "baseline")
    sweep = [{"field": "/optimizer/learning_rate", "values": [0.1, 0.2]}]
    swept = pinned.api.post("/v1/studies", json={"experiment": HEALTHY, "seeds": [0], "sweep": sweep}).json()["id"]
    assert refusal(pinned.pin("next", study_id=swept))["allowed"] == "run_ids of a single sweep point"


def test_the_arm_of_a_study_with_several_has_to_be_named(pinned: Clinic) -> None:
    study_id = pinned.api.post("/v1/studies", json=study(seeds=[0])).json()["id"]
    found = refusal(pinned.pin("next", study_id=study_id))
    assert (found["pointer"], found["value"], found["allowed"]) == ("/arm", None, "baseline, batch norm")
    assert "2 arms" in found["detail"]
    train(pinned.settings, *(run["id"] for run in pinned.api.get(f"/v1/runs?study={study_id}").json()["items"]))
    assert pinned.pin("next", study_id=study_id, arm="batch norm").json()["pin"]["arm"] == "batch norm"
    assert pinned.api.delete("/v1/baselines/next").status_code == 204


@pytest.mark.parametrize("body", [{}, {"study_id": "study_1", "run_ids": ["run_1"]}, {"run_ids": ["r"], "arm": "x"}])
def test_a_baseline_points_at_one_thing(pinned: Clinic, body: dict[str, Any]) -> None:
    assert refusal(pinned.pin("next", **body))["pointer"] == ""


@pytest.mark.parametrize("name", ["-x", "a b", "ä", "x" * 101])
def test_a_name_stands_in_addresses(pinned: Clinic, name: str) -> None:
    assert refusal(pinned.pin(name, study_id="study_1"))["parameter"] == "name"


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({"seeds": [0, 7]}, "/seeds/1", "no run with seed 7"),
        ({"seeds": [0, 0]}, "/seeds/1", "duplicate seed 0"),
        ({"margins": {}}, "/margins", "at least one"),
        ({"margins": {"final_validation_loss": -1}}, "/margins/final_validation_loss", "greater than or equal"),
        ({"margins": {"depth_slope": 1}}, "/margins/depth_slope", "unknown key"),
        ({"labels": {"check": "x"}}, "/labels/check", "sets this label itself"),
        ({"experiment": experiment(model={"depth": 0})}, "/experiment/model/depth", "greater than or equal"),
        ({"remedies": [{"kind": "remove_clipping"}]}, "/remedies/0", "is not clipped"),
    ],
)
def test_a_check_that_cannot_be_made_is_refused_with_its_place(
    pinned: Clinic, body: dict[str, Any], pointer: str, said: str
) -> None:
    found = refusal(pinned.api.post("/v1/checks", json={"baseline": "main", **body}))
    assert found["pointer"] == pointer
    assert said in found["detail"]
    assert pinned.api.get("/v1/checks").json()["items"] == []


def test_a_metric_that_the_baseline_lacks_is_refused(pinned: Clinic) -> None:
    regression = experiment(data={"kind": "teacher"})
    made = pinned.api.post("/v1/studies", json={"experiment": regression, "seeds": [0]}).json()["id"]
    train(pinned.settings, *(run["id"] for run in pinned.api.get(f"/v1/runs?study={made}").json()["items"]))
    assert pinned.pin("losses", study_id=made).status_code == 201
    margins = {"final_validation_accuracy": 0.1}
    found = refusal(pinned.api.post("/v1/checks", json={"baseline": "losses", "margins": margins}))
    assert found["pointer"] == "/margins/final_validation_accuracy"


def test_what_is_not_there_is_not_found(pinned: Clinic) -> None:
    assert pinned.api.post("/v1/checks", json={"baseline": "nothing"}).status_code == 404
    assert pinned.api.get("/v1/checks/check_1").status_code == 404
    assert pinned.api.delete("/v1/baselines/nothing").status_code == 404
    assert pinned.pin("next", study_id="study_1").status_code == 404
    assert pinned.pin("next", check_id="check_1").status_code == 404


def test_baselines_are_listed_and_pinning_the_same_again_adds_no_history(pinned: Clinic) -> None:
    first = pinned.api.get("/v1/baselines/main").json()
    again = pinned.pin(study_id=first["pin"]["study_id"])
    assert (again.status_code, again.json()) == (200, first)
    assert "main" in [each["name"] for each in pinned.api.get("/v1/baselines").json()["items"]]
