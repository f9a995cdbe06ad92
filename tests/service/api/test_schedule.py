"""Schedules over real HTTP, fired by reconcilers, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gradclinic.queue.messages import Queue
from gradclinic.reconciler import Reconciler
from gradclinic.settings import Settings
from gradclinic.store import Schedule, Store
from gradclinic.use_cases import schedule as use_case
from gradclinic.use_cases.service import Service

from .examples import HEALTHY
from .serving import NOBODY, serving, train

MINUTELY = {"name": "minutely", "cron": "* * * * *", "check": {"baseline": "main"}}
LATER = timedelta(minutes=90)


class Clinic:
    def __init__(self, api: httpx.Client, settings: Settings) -> None:
        self.api, self.settings = api, settings
        self.now: datetime | None = None

    def schedule(self, **changes: Any) -> dict[str, Any]:
        made = self.api.post("/v1/schedules", json={**MINUTELY, **changes})
        assert made.status_code == 201, made.text
        found: dict[str, Any] = self.api.get(made.headers["Location"]).json()
        assert {**found, "next_due_at": None} == {**made.json(), "next_due_at": None}  # a minute may have passed
        return found

    @contextmanager
    def service(self) -> Iterator[Service]:
        service = Service.of(self.settings)
        try:
            yield service
        finally:
            service.close()

    def fire(self, *, later: timedelta = LATER) -> int:
        """What a reconciler does that looks so much later than when the test first did."""
        with self.service() as service:
            now, active = service.store.schedules.active()
            self.now = self.now or now
            return sum(use_case.fire(service, each, since=since, now=self.now + later) for each, since in active)

    def checks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get("/v1/checks", params={"schedule": "minutely"}).json()["items"]
        return found


@pytest.fixture
def clinic(database_url: str, tmp_path: Path) -> Iterator[Clinic]:
    """An API with the baseline `main`, of one run; once on SQLite, once on PostgreSQL."""
    settings = Settings(data_dir=tmp_path, database_url=database_url, broker_url=NOBODY)
    with serving(settings) as api:
        run = api.post("/v1/runs", json={"experiment": HEALTHY}).json()["id"]
        train(settings, run)
        assert api.put("/v1/baselines/main", json={"run_ids": [run]}).status_code == 201
        yield Clinic(api, settings)


def test_a_schedule_starts_a_check_when_it_is_due_and_lists_its_verdict(clinic: Clinic) -> None:
    made = clinic.schedule()
    assert (made["zone"], made["paused"], made["last"]) == ("UTC", False, [])
    assert made["next_due_at"] > datetime.now(UTC).isoformat()[:19]
    assert clinic.fire(later=timedelta(seconds=-120)) == 0
    assert clinic.fire() == 1
    (check,) = clinic.checks()
    assert (check["name"], check["schedule"], check["seeds"]) == ("minutely", "minutely", [0])
    train(clinic.settings, *(run["id"] for run in clinic.api.get(check["urls"]["runs"]).json()["items"]))
    store, queue = Store(clinic.settings.database_url), Queue(clinic.settings)
    Reconciler(Service(clinic.settings, store, queue)).check()
    queue.close()
    store.close()
    (last,) = clinic.api.get("/v1/schedules/minutely").json()["last"]
    assert (last["check_id"], last["status"], last["verdict"]) == (check["id"], "succeeded", "inconclusive")


def test_times_that_were_missed_are_made_up_for_by_one_check(clinic: Clinic) -> None:
    clinic.schedule()
    assert [clinic.fire(later=timedelta(days=3)), clinic.fire(later=timedelta(days=3))] == [1, 0]
    assert len(clinic.checks()) == 1


def test_a_check_that_has_not_ended_is_not_joined_by_a_second_one(clinic: Clinic) -> None:
    clinic.schedule()
    assert [clinic.fire(), clinic.fire(later=2 * LATER)] == [1, 0]
    second, first = clinic.api.get("/v1/schedules/minutely").json()["last"]
    assert (first["status"], second["check_id"]) == ("running", None)
    assert second["problem"] == "the previous check had not ended"
    clinic.api.post(f"/v1/checks/{first['check_id']}/cancel")
    assert clinic.fire(later=3 * LATER) == 1


def test_however_many_reconcilers_look_each_due_time_starts_one_check(clinic: Clinic) -> None:
    clinic.schedule()
    with ThreadPoolExecutor(6) as pool:
        moved = list(pool.map(lambda _: clinic.fire(), range(12)))
    assert sum(moved) == 1
    assert len(clinic.checks()) == 1


def test_a_reconciler_that_dies_between_looking_and_storing_leaves_the_due_time_to_the_next(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.schedule()

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gradclinic.store.check.insert_runs", dies)
    with pytest.raises(KeyboardInterrupt):
        clinic.fire()
    monkeypatch.undo()
    assert clinic.checks() == []
    assert clinic.fire() == 1


def test_nothing_is_started_while_it_is_paused_nor_made_up_for_later(clinic: Clinic) -> None:
    clinic.schedule()
    paused = clinic.api.post("/v1/schedules/minutely/pause").json()
    assert (paused["paused"], paused["next_due_at"]) == (True, None)
    assert clinic.fire() == 0
    resumed = clinic.api.post("/v1/schedules/minutely/resume").json()
    assert resumed["paused"] is False
    assert clinic.fire(later=timedelta(seconds=-120)) == 0
    assert clinic.fire() == 1


def test_a_check_that_cannot_be_made_any_more_is_written_down_and_stops_nothing(clinic: Clinic) -> None:
    clinic.schedule()
    strict = clinic.settings.model_copy(update={"max_steps": 5})
    clinic.settings = strict
    assert [clinic.fire(), clinic.fire()] == [0, 0]
    (last,) = clinic.api.get("/v1/schedules/minutely").json()["last"]
    assert last["check_id"] is None
    assert "steps" in last["problem"]


def test_a_real_round_of_the_reconciler_fires(clinic: Clinic, valkey_url: str) -> None:
    clinic.schedule()
    settings = clinic.settings.model_copy(update={"broker_url": valkey_url})
    store, queue = Store(settings.database_url), Queue(settings)
    now, active = store.schedules.active()

    def long_ago() -> tuple[datetime, list[tuple[Schedule, datetime]]]:
        return now, [(each, since - LATER) for each, since in active]

    try:
        reconciler = Reconciler(Service(settings, store, queue))
        reconciler.service.store.schedules.active = long_ago  # type: ignore[method-assign]
        reconciler.round()
        assert len(clinic.checks()) == 1
        assert queue.depths()["cpu"] == 1
    finally:
        queue.close()
        store.close()


def test_schedules_are_listed_and_deleted_and_their_checks_stay(clinic: Clinic) -> None:
    clinic.schedule()
    clinic.schedule(name="a", cron="0 3 * * 1-5", zone="Europe/Berlin")
    page = clinic.api.get("/v1/schedules", params={"limit": 1})
    assert [each["name"] for each in page.json()["items"]] == ["a"]
    rest = clinic.api.get(page.links["next"]["url"]).json()
    assert [each["name"] for each in rest["items"]] == ["minutely"]
    clinic.fire()
    assert clinic.api.delete("/v1/baselines/main").status_code == 409
    assert clinic.api.delete("/v1/schedules/minutely").status_code == 204
    assert clinic.api.delete("/v1/schedules/minutely").status_code == 404
    assert clinic.api.get("/v1/schedules/minutely").status_code == 404
    assert len(clinic.checks()) == 1


def test_a_schedule_that_could_never_work_is_refused_with_its_place(clinic: Clinic) -> None:
    clinic.schedule()
    assert clinic.api.post("/v1/schedules", json=MINUTELY).status_code == 409
    for changes, pointer in (
        ({"cron": "0 0 31 2 *"}, "/cron"),
        ({"cron": "nightly"}, "/cron"),
        ({"zone": "Mars/Olympus"}, "/zone"),
        ({"check": {"baseline": "main", "seeds": [5]}}, "/check/seeds/0"),
        ({"name": "a b"}, "/name"),
    ):
        refused = clinic.api.post("/v1/schedules", json={**MINUTELY, "name": "other", **changes})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    missing = {**MINUTELY, "name": "other", "check": {"baseline": "nothing"}}
    assert clinic.api.post("/v1/schedules", json=missing).status_code == 404
