"""Webhooks over real HTTP: what they are told, by whom they are kept, and what answers never show."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from gradclinic import Clinic
from gradclinic.diagnosis import Diagnosis, Finding
from gradclinic.kernel.errors import InvalidSpec
from gradclinic.regression import Report
from gradclinic.settings import Settings
from gradclinic.store import Due, NewSchedule, Reason, Store
from gradclinic.store.tables import runs

from ..store.pins import new_check, pinned
from ..store.projects import THREE
from ..store.records import DIAGNOSIS, new_run, new_study, outcome, record
from .http.test_problems import refused
from .keyed import keyed
from .serving import NOBODY

SECRET_URL = "https://hooks.example.org/services/T0/B0/secret-token"
SLACK = {"name": "slack", "url": SECRET_URL, "format": "slack", "alerts": ["check.failed"]}


def test_a_secret_is_shown_once_and_an_url_never(api: httpx.Client) -> None:
    made = api.post("/v1/webhooks", json={"name": "team", "url": SECRET_URL}).json()
    assert made["secret"].startswith("whsec_")
    assert made["host"] == "hooks.example.org"
    assert len(made["alerts"]) == 12
    assert api.post("/v1/webhooks", json=SLACK).json()["secret"] is None
    api.post("/v1/webhooks/team/test").raise_for_status()
    rotated = api.post("/v1/webhooks/team/rotate", json={"keep_hours": 2}).json()
    assert rotated["secret"] not in (made["secret"], None)
    assert rotated["two_signatures_until"] is not None
    for path in ("", "/team", "/slack", "/team/deliveries"):
        answer = api.get(f"/v1/webhooks{path}")
        assert answer.status_code == 200
        assert "secret" not in answer.text
        assert "services" not in answer.text


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"url": "http://example.org/"}, "/url"),
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "https://example.org/ x"}, "/url"),
        ({"url": "nonsense"}, "/url"),
        ({"alerts": []}, "/alerts"),
        ({"alerts": ["check.exploded"]}, "/alerts/0"),
        ({"format": "carrier pigeon"}, "/format"),
        ({"name": "a/b"}, "/name"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused_with_the_place(
    api: httpx.Client, changes: dict[str, Any], pointer: str
) -> None:
    found = refused(api.post("/v1/webhooks", json={**SLACK, **changes}))
    assert [each["pointer"] for each in found["errors"]] == [pointer]
    assert found["errors"][0]["allowed"] or "pattern" in found["errors"][0]["detail"]


def test_it_is_paused_resumed_and_deleted(api: httpx.Client) -> None:
    api.post("/v1/webhooks", json=SLACK)
    assert refused(api.post("/v1/webhooks", json=SLACK), 409)
    assert api.post("/v1/webhooks/slack/pause").json()["paused"]
    assert "paused" in refused(api.post("/v1/webhooks/slack/test"), 409)["detail"]
    assert not api.post("/v1/webhooks/slack/resume").json()["paused"]
    delivery = api.post("/v1/webhooks/slack/test").json()
    assert (delivery["status"], delivery["kind"]) == ("pending", "webhook.test")
    again = api.post(f"/v1/webhooks/slack/deliveries/{delivery['id']}/redeliver")
    assert "tried again by itself" in refused(again, 409)["detail"]
    assert api.delete("/v1/webhooks/slack").status_code == 204
    assert api.get("/v1/webhooks/slack").status_code == 404


def test_the_scope_manage_changes_webhooks_and_the_audit_has_it(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)
    with keyed(settings) as service:
        for scope, status in (("read", 403), ("run", 403), ("manage", 201)):
            answer = service.api.post("/v1/webhooks", json=SLACK, headers=service.header(scope))
            assert answer.status_code == status
        assert service.api.get("/v1/webhooks/slack", headers=service.header("read")).status_code == 200
        other = service.header_of("other")
        assert service.api.get("/v1/webhooks/slack", headers=other).status_code == 404
        assert service.api.get("/v1/webhooks", headers=other).json()["items"] == []
        (entry,) = service.api.get("/v1/audit", headers=service.header("admin")).json()["items"]
        assert (entry["action"], entry["created"]) == ("POST /v1/webhooks", "/v1/webhooks/slack")


def test_the_client_has_all_of_it(api: httpx.Client) -> None:
    with Clinic(str(api.base_url)) as clinic:
        made = clinic.create_webhook("team", SECRET_URL, alerts=["check.failed"])
        assert str(made.secret).startswith("whsec_")
        assert clinic.get_webhook("team").alerts == ["check.failed"]
        assert clinic.rotate_webhook("team").secret not in (made.secret, None)
        assert clinic.pause_webhook("team").paused
        assert not clinic.pause_webhook("team", paused=False).paused
        sent = clinic.test_webhook("team")
        assert [each.id for each in clinic.deliveries("team")] == [sent.id]
        assert [each.name for each in clinic.webhooks()] == ["team"]
        clinic.delete_webhook("team")
        with pytest.raises(InvalidSpec, match="only sent by https"):
            clinic.create_webhook("team", "http://example.org/")


@pytest.fixture
def told(store: Store) -> Any:
    """What a webhook that gets everything was told since the last call: kinds, texts and facts."""
    from gradclinic.store import NewWebhook
    from gradclinic.use_cases.webhook import ALERT_KINDS

    store.webhooks.create(NewWebhook(name="all", url=SECRET_URL, format="slack", secret=None, alerts=ALERT_KINDS))
    seen = 0

    def read() -> list[tuple[str, str]]:
        nonlocal seen
        found = list(store.webhooks.deliveries("all").items)[::-1][seen:]
        seen += len(found)
        return [(each.alert.kind, each.alert.text) for each in found]

    return read


def concluded(store: Store, verdict: Any, summary: str = "The loss is 20 % higher.") -> None:
    new = new_check(store.baselines.get("main"))
    created = store.checks.create(new, [new_run()])
    assert created is not None
    status = "failed" if verdict is None else "succeeded"
    assert store.checks.finish(created.item.id, status=status, report=Report(summary=summary, verdict=verdict))


def test_a_check_that_fails_and_recovers_is_told_once_each(store: Store, told: Any) -> None:
    pinned(store)
    for verdict in ("pass", "fail", "inconclusive", "fail", None, "pass", "pass"):
        concluded(store, verdict)
    assert told() == [
        ("check.failed", "The check against the baseline 'main' failed. The loss is 20 % higher."),
        ("check.recovered", "The check against the baseline 'main' passes again. The loss is 20 % higher."),
    ]


def test_a_schedule_that_misses_and_starts_again_is_told(store: Store, told: Any) -> None:
    pinned(store)
    store.schedules.create(NewSchedule(name="nightly", cron="0 3 * * *", zone="UTC", baseline="main", asks={}))
    for day in (1, 2):
        store.schedules.skip(Due("nightly", THREE.replace(day=day)), problem="the previous check had not ended")
    new = new_check(store.baselines.get("main"))
    for day in (3, 4):
        assert store.checks.create(new, [new_run()], due=Due("nightly", THREE.replace(day=day)))
    assert told() == [
        (
            "schedule.missed",
            "The schedule 'nightly' started no check at 2026-11-01 03:00 UTC: the previous check had not ended.",
        ),
        ("schedule.recovered", "The schedule 'nightly' started its check again at 2026-11-03 03:00 UTC."),
    ]


def recorded(store: Store, diagnosis: Diagnosis, *, by: Store | None = None, study_id: str | None = None) -> None:
    run = store.recordings.create(
        new_run(origin="external", name="mine"), layout=record().layout, environment={}, declared={}, silence_s=60
    ).item
    if study_id is not None:
        with store._database.write() as connection:
            connection.execute(update(runs).where(runs.c.id == run.id).values(study_id=study_id))
    ended = record(outcome=outcome())
    (by or store).recordings.finish(
        run.id, windows=0, status="succeeded", reason=Reason("x", "y"), record=ended, diagnosis=diagnosis
    )


def test_findings_of_a_recorded_run_are_told_to_its_project_only(store: Store, told: Any) -> None:
    finding: Finding = replace(DIAGNOSIS.findings[0], harm=True, summary="Gradients shrink.")
    sick = replace(DIAGNOSIS, primary=finding.condition, findings=(finding,))
    recorded(store, replace(sick, findings=(replace(finding, harm=False),)))
    recorded(store.within("other"), sick)
    recorded(store, sick, study_id=store.studies.create(new_study(), [new_run()]).item.id)
    assert told() == []
    recorded(store, sick, by=store.everywhere())  # as the reconciler ends silent ones
    assert told() == [("recording.sick", "The recorded run mine did not learn as it should. Gradients shrink.")]
