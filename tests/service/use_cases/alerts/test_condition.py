from dataclasses import replace
from pathlib import Path

import pytest

from gradclinic.queue.messages import Queue
from gradclinic.settings import Settings
from gradclinic.store import Reason, Signs, Store
from gradclinic.use_cases.alerts.condition import conditions, watch
from gradclinic.use_cases.service import Service

from ...store.projects import WEBHOOK
from ...store.records import claimed, queued
from .test_sender import NOBODY

ALL = ["runs.failing", "runs.recovered", "queue.waiting", "queue.recovered", "workers.gone", "workers.recovered"]


def bad(**changes: object) -> set[str]:
    """The subjects that are bad with these signs."""
    signs = Signs(**{"last_failed": 0, "waiting_s": {}, "served": frozenset(), **changes})  # type: ignore[arg-type]
    settings = Settings(alert_queue_s=60, alert_failed_runs=3, lease_ttl_s=10)
    return {each.subject for each in conditions(signs, settings) if each.is_bad}


def test_a_condition_is_bad_beyond_its_limit_only() -> None:
    assert bad() == bad(last_failed=2) == bad(waiting_s={"cpu": 60.0}, served=frozenset({"cpu"})) == set()
    assert bad(last_failed=3) == {"runs"}
    assert bad(waiting_s={"cpu": 61.0}, served=frozenset({"cpu"})) == {"queue cpu"}
    assert bad(waiting_s={"gpu": 21.0}, served=frozenset({"cpu"})) == {"workers gpu"}
    assert bad(waiting_s={"gpu": 19.0}) == set()  # a worker may be starting


@pytest.fixture
def service(store: Store, tmp_path: Path) -> Service:
    settings = Settings(data_dir=tmp_path, broker_url=NOBODY, alert_queue_s=3600, alert_failed_runs=2, lease_ttl_s=300)
    return Service(settings, store, Queue(settings))


def told(store: Store) -> list[str]:
    return [each.alert.kind for each in store.webhooks.deliveries("team").items][::-1]


def test_each_change_is_told_once(service: Service, store: Store) -> None:
    store.webhooks.create(replace(WEBHOOK, alerts=ALL))
    assert watch(service) == 0
    queued(store)
    assert watch(service) == 0
    with store.everywhere()._database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET queued_at = queued_at - 900")
    assert (watch(service), watch(service)) == (1, 0)
    store.reconciliation.saw_worker("a", queue="gpu,cpu", device="cpu", run_id=None)
    assert (watch(service), watch(service)) == (1, 0)
    for _ in range(2):
        lease = claimed(store)
        store.leases.finish(lease, status="failed", reason=Reason("x", "y"), record=None, diagnosis=None)
    assert (watch(service), watch(service)) == (1, 0)
    lease = claimed(store)
    store.leases.finish(lease, status="succeeded", reason=Reason("x", "y"), record=None, diagnosis=None)
    assert (watch(service), watch(service)) == (1, 0)
    assert told(store) == ["workers.gone", "workers.recovered", "runs.failing", "runs.recovered"]


def test_runs_of_another_project_are_not_watched(service: Service, store: Store) -> None:
    store.webhooks.create(replace(WEBHOOK, alerts=ALL))
    queued(store.within("other"))
    with store.everywhere()._database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET queued_at = queued_at - 900")
    assert watch(service) == 0
