"""Every operation of the API's description is called, and what it answers is what is described, with no key more."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import jsonschema_rs
import pytest

from gradclinic.measurements.recording import example
from gradclinic.settings import Settings
from gradclinic.store import Alert, Attempt, Store

from ..previous_version import database_in
from . import examples
from .described import DOCUMENT, OPERATIONS
from .serving import NOBODY, serving, train

JSON = "application/json"
TABLE = "x,y,kind\n" + "".join(f"{i % 7},{i * 0.5},{'ab'[i % 2]}\n" for i in range(40))


@dataclass(frozen=True)
class Clinic:
    """An API with something of everything."""

    api: httpx.Client
    delivery: str
    """An alert that was delivered to the webhook `on-call`."""
    study: str
    run: str
    broken: str
    swept: str
    prescription: str
    searched: str
    """A prescription that has ended."""
    check: str
    checked: str
    """A check that has ended."""
    recording: str
    dataset: str


def delivered(settings: Settings) -> str:
    """What a sender does with an alert."""
    store = Store(settings.database_url)
    alert = Alert(kind="webhook.test", text="x", path="/", facts={})
    delivery_id = store.webhooks.tell("on-call", alert).id
    outgoing = store.webhooks.hold(store.webhooks.due(limit=1)[0], for_s=60.0)
    assert outgoing is not None
    store.webhooks.settle(outgoing, Attempt(status="delivered", response_status=204, problem=None))
    store.close()
    return delivery_id


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """On the database of the previous version, for what takes a worker long to make."""
    folder = tmp_path_factory.mktemp("contract")
    database_in(folder)
    settings = Settings(data_dir=folder, broker_url=NOBODY)
    with serving(settings) as api:
        before = {noun: api.get(f"/v1/{noun}").json()["items"] for noun in ("studies", "prescriptions", "checks")}

        def made(method: str, path: str, **body: Any) -> str:
            answer = api.request(method, path, **body)
            assert answer.is_success, answer.text
            return str(answer.json().get("id"))

        study = made("POST", "/v1/studies", json=examples.study(experiment=examples.HEALTHY))
        broken = made("POST", "/v1/runs", json={"experiment": examples.explosive()})
        runs = [run["id"] for run in api.get("/v1/runs", params={"study": study}).json()["items"]]
        train(settings, *runs, broken)
        made("PUT", "/v1/baselines/main", json={"study_id": study, "arm": "baseline"})
        made("PUT", "/v1/baselines/spare", json={"study_id": study, "arm": "baseline"})
        for name in ("nightly", "spare"):
            made("POST", "/v1/schedules", json={"name": name, "cron": "0 3 * * *", "check": {"baseline": "main"}})
        for name in ("on-call", "quiet", "spare"):
            made("POST", "/v1/webhooks", json={"name": name, "url": "https://example.org/"})
        yield Clinic(
            api=api,
            delivery=delivered(settings),
            study=study,
            run=runs[0],
            broken=broken,
            swept=next(study["id"] for study in before["studies"] if study["sweep"]),
            prescription=made("POST", "/v1/prescriptions", json={"experiment": examples.EXPERIMENT}),
            searched=next(each["id"] for each in before["prescriptions"] if each["status"] == "succeeded"),
            check=made("POST", "/v1/checks", json={"baseline": "main"}),
            checked=next(each["id"] for each in before["checks"] if each["verdict"]),
            recording=made("POST", "/v1/recordings", json=example()),
            dataset=made("POST", "/v1/datasets", content=TABLE, headers={"content-type": "text/csv"}),
        )


Sample = Callable[[Clinic], httpx.Response]


def get(path: str, **params: str) -> Sample:
    return lambda clinic: clinic.api.get(
        path.format_map(vars(clinic)), params={name: value.format_map(vars(clinic)) for name, value in params.items()}
    )


def send(method: str, path: str, body: Callable[[Clinic], object] = lambda _clinic: {}) -> Sample:
    return lambda clinic: clinic.api.request(method, path.format_map(vars(clinic)), json=body(clinic))


def on_a_new(path: str, body: Mapping[str, Any], method: str, then: str = "") -> Sample:
    """Ask of something that is made for this."""

    def ask(clinic: Clinic) -> httpx.Response:
        made = clinic.api.post(path, json=body).json()
        return clinic.api.request(method, f"{made['urls']['self']}{then}")

    return ask


def uploaded(clinic: Clinic, table: str = TABLE) -> httpx.Response:
    return clinic.api.post("/v1/datasets", content=table, headers={"content-type": "text/csv"})


def delete_dataset(clinic: Clinic) -> httpx.Response:
    made = uploaded(clinic, TABLE.replace("0.5", "0.25") + "3,4,a\n").json()
    return clinic.api.delete(f"/v1/datasets/{made['id']}")


RUN = {"experiment": examples.EXPERIMENT, "remedies": [{"kind": "add_batch_norm"}], "labels": {"team": "vision"}}
STUDY = examples.study()
PRESCRIPTION = {"experiment": examples.EXPERIMENT}
CHECK = {"baseline": "main"}

SAMPLES: Mapping[str, list[Sample]] = {
    "resolveExperiment": [
        send("POST", "/v1/experiments:resolve", lambda _: {key: RUN[key] for key in ("experiment", "remedies")})
    ],
    "createRun": [send("POST", "/v1/runs", lambda _: RUN)],
    "listRuns": [get("/v1/runs"), get("/v1/runs", view="summary", sort="-name", total="true")],
    "getRun": [get("/v1/runs/{run}"), get("/v1/runs/{broken}"), get("/v1/runs/{recording}")],
    "cancelRun": [on_a_new("/v1/runs", RUN, "POST", "/cancel")],
    "editRun": [send("PATCH", "/v1/runs/{run}", lambda _: {"labels": {"team": "text"}, "notes": "again"})],
    "deleteRun": [on_a_new("/v1/runs", RUN, "DELETE")],
    "getRunStatistics": [
        get("/v1/runs/{run}/statistics"),
        get("/v1/runs/{broken}/statistics", aggregate="minmax", max_points="2"),
    ],
    "getRunProfile": [get("/v1/runs/{run}/profile"), get("/v1/runs/{broken}/profile", step="last")],
    "getRunCurves": [get("/v1/runs/{run}/curves"), get("/v1/runs/{broken}/curves")],
    "getRunDiagnosis": [get("/v1/runs/{run}/diagnosis"), get("/v1/runs/{broken}/diagnosis")],
    "judgeRunAgain": [send("POST", "/v1/runs/{run}/diagnoses", lambda _: {"thresholds": {"depth_slope": 2.0}})],
    "getRunReport": [get("/v1/runs/{run}/report")],
    "listRunEvents": [get("/v1/runs/{run}/events"), get("/v1/runs/{broken}/events")],
    "createStudy": [send("POST", "/v1/studies", lambda _: STUDY)],
    "listStudies": [get("/v1/studies")],
    "getStudy": [get("/v1/studies/{study}"), get("/v1/studies/{swept}")],
    "cancelStudy": [on_a_new("/v1/studies", STUDY, "POST", "/cancel")],
    "editStudy": [send("PATCH", "/v1/studies/{study}", lambda _: {"name": "again", "notes": None})],
    "deleteStudy": [on_a_new("/v1/studies", STUDY, "DELETE")],
    "getStudyComparison": [get("/v1/studies/{study}/comparison"), get("/v1/studies/{swept}/comparison")],
    "getStudyReport": [get("/v1/studies/{study}/report")],
    "listStudyEvents": [get("/v1/studies/{study}/events")],
    "listCheckEvents": [get("/v1/checks/{checked}/events")],
    "listPrescriptionEvents": [get("/v1/prescriptions/{searched}/events")],
    "createPrescription": [send("POST", "/v1/prescriptions", lambda _: PRESCRIPTION)],
    "listPrescriptions": [get("/v1/prescriptions")],
    "getPrescription": [get("/v1/prescriptions/{prescription}"), get("/v1/prescriptions/{searched}")],
    "cancelPrescription": [on_a_new("/v1/prescriptions", PRESCRIPTION, "POST", "/cancel")],
    "deletePrescription": [on_a_new("/v1/prescriptions", PRESCRIPTION, "DELETE")],
    "getPrescriptionReport": [get("/v1/prescriptions/{searched}/report")],
    "pinBaseline": [send("PUT", "/v1/baselines/other", lambda clinic: {"study_id": clinic.study, "arm": "baseline"})],
    "listBaselines": [get("/v1/baselines")],
    "getBaseline": [get("/v1/baselines/main")],
    "deleteBaseline": [send("DELETE", "/v1/baselines/spare")],
    "createCheck": [send("POST", "/v1/checks", lambda _: CHECK)],
    "listChecks": [get("/v1/checks")],
    "getCheck": [get("/v1/checks/{check}"), get("/v1/checks/{checked}")],
    "cancelCheck": [on_a_new("/v1/checks", CHECK, "POST", "/cancel")],
    "deleteCheck": [on_a_new("/v1/checks", CHECK, "DELETE")],
    "createSchedule": [
        send("POST", "/v1/schedules", lambda _: {"name": "weekly", "cron": "0 3 * * 1", "check": CHECK})
    ],
    "listChanges": [get("/v1/audit")],
    "listSchedules": [get("/v1/schedules")],
    "getSchedule": [get("/v1/schedules/nightly")],
    "pauseSchedule": [send("POST", "/v1/schedules/nightly/pause")],
    "resumeSchedule": [send("POST", "/v1/schedules/nightly/resume")],
    "deleteSchedule": [send("DELETE", "/v1/schedules/spare")],
    "createWebhook": [
        send("POST", "/v1/webhooks", lambda _: {"name": "standard", "url": "https://example.org/"}),
        send("POST", "/v1/webhooks", lambda _: {"name": "slack", "url": "https://example.org/", "format": "slack"}),
    ],
    "listWebhooks": [get("/v1/webhooks")],
    "getWebhook": [get("/v1/webhooks/on-call")],
    "testWebhook": [send("POST", "/v1/webhooks/on-call/test")],
    "listDeliveries": [get("/v1/webhooks/on-call/deliveries")],
    "redeliverAlert": [send("POST", "/v1/webhooks/on-call/deliveries/{delivery}/redeliver")],
    "pauseWebhook": [send("POST", "/v1/webhooks/quiet/pause")],
    "rotateWebhook": [send("POST", "/v1/webhooks/on-call/rotate")],
    "resumeWebhook": [send("POST", "/v1/webhooks/quiet/resume")],
    "deleteWebhook": [send("DELETE", "/v1/webhooks/spare")],
    "createRecording": [send("POST", "/v1/recordings", lambda _: example())],
    "createRecordedStudy": [send("POST", "/v1/recordings/studies", lambda _: {"seeds": [0, 1]})],
    "getRecording": [get("/v1/recordings/{recording}")],
    "appendStatistics": [send("POST", "/v1/recordings/{recording}/statistics", lambda _: {"window": 0, "step": 0})],
    "finishRecording": [send("POST", "/v1/recordings/{recording}/finish", lambda _: {"windows": 1})],
    "listClaims": [get("/v1/claims"), get("/v1/claims", quick="true")],
    "ruleOnClaim": [get("/v1/claims/xavier_helps/ruling", study="{study}")],
    "compareRuns": [
        lambda clinic: clinic.api.get(
            "/v1/comparisons", params={"runs": f"{clinic.run},{clinic.broken}", "baseline": clinic.run}
        )
    ],
    "compareManyRuns": [
        send("POST", "/v1/comparisons", lambda clinic: {"runs": [clinic.run, clinic.broken], "baseline": clinic.run})
    ],
    "createDataset": [uploaded],
    "listDatasets": [get("/v1/datasets")],
    "getDataset": [get("/v1/datasets/{dataset}")],
    "deleteDataset": [delete_dataset],
    "getCatalogue": [get("/v1/catalogue")],
    "getLiveness": [get("/livez")],
    "getReadiness": [get("/readyz")],
    "drawRunHeatmap": [get("/v1/figures/runs/{run}/heatmap")],
    "drawRunLayers": [get("/v1/figures/runs/{run}/layers")],
    "drawRunProfile": [get("/v1/figures/runs/{run}/profile")],
    "drawRunCurves": [get("/v1/figures/runs/{run}/curves")],
    "drawStudyRanking": [get("/v1/figures/studies/{study}/ranking")],
    "drawStudyCurves": [get("/v1/figures/studies/{study}/curves")],
    "drawStudyProfiles": [get("/v1/figures/studies/{study}/profiles")],
    "drawStudyMap": [get("/v1/figures/studies/{swept}/map")],
    "drawComparisonCurves": [get("/v1/figures/comparisons/curves", runs="{run},{broken}")],
    "drawComparisonProfiles": [get("/v1/figures/comparisons/profiles", runs="{run},{broken}")],
    "drawPrescriptionRace": [get("/v1/figures/prescriptions/{searched}/race")],
    "drawPrescriptionRanking": [get("/v1/figures/prescriptions/{searched}/ranking")],
    "drawBaselineTrend": [get("/v1/figures/baselines/main/final_validation_loss")],
    "drawCheckMargin": [get("/v1/figures/checks/{checked}/final_validation_loss")],
}
BY_ID = {operation["operationId"]: operation for operation in OPERATIONS.values()}


@pytest.mark.parametrize("operation_id", BY_ID)
def test_an_operation_answers_what_is_described_and_nothing_else(operation_id: str, clinic: Clinic) -> None:
    for sample in SAMPLES[operation_id]:
        answer = sample(clinic)
        assert answer.is_success, answer.text
        described = BY_ID[operation_id]["responses"][str(answer.status_code)]
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        if answer.status_code == 204:
            assert not answer.content
            continue
        assert media_type in described["content"]
        if media_type.endswith("json"):
            schema = {**described["content"][media_type].get("schema", {}), "components": DOCUMENT["components"]}
            faults = [
                f"{'/'.join(map(str, fault.instance_path))}: {fault.message[:300]}"
                for fault in jsonschema_rs.validator_for(schema).iter_errors(answer.json())
            ]
            assert faults == []


def test_every_operation_has_a_sample_and_every_sample_an_operation() -> None:
    assert set(SAMPLES) == set(BY_ID)


def test_no_object_with_described_keys_may_have_others() -> None:
    described = {name: schema for name, schema in DOCUMENT["components"]["schemas"].items() if "properties" in schema}
    assert [name for name, schema in described.items() if schema.get("additionalProperties") is not False] == []
