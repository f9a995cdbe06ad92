import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gradclinic.regression import Report
from gradclinic.settings import Settings
from gradclinic.store import Store

from ..store.pins import new_check, pinned
from ..store.records import new_run
from . import examples
from .serving import NOBODY, serving

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(api: httpx.Client) -> Samples:
    answer = api.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((f"gradclinic_{name}", frozenset(labels.items())))


def names(found: Samples) -> set[str]:
    return {name for name, _ in found}


def test_an_accepted_run_is_counted_in_store_and_queue(database_url: str, valkey_url: str) -> None:
    with serving(Settings(database_url=database_url, broker_url=valkey_url)) as api:
        assert api.post("/v1/runs", json={"experiment": examples.EXPERIMENT}).status_code == 202
        found = scrape(api)
    assert value(found, "up", part="database") == value(found, "up", part="queue") == 1
    assert value(found, "queue_messages", queue="cpu") == 1
    assert value(found, "queue_messages", queue="gpu") == 0
    assert value(found, "runs", status="queued", reason="submitted") == 1
    assert (value(found, "oldest_queued_seconds", queue="cpu") or 0) >= 0
    assert value(found, "leases_lost") == value(found, "steps") == value(found, "workers_busy") == 0


@pytest.mark.parametrize(("max_attempts", "status"), [(3, "queued"), (1, "failed")])
def test_a_lost_lease_is_counted_whatever_becomes_of_the_run(
    api: httpx.Client, settings: Settings, max_attempts: int, status: str
) -> None:
    run = api.post("/v1/runs", json={"experiment": examples.EXPERIMENT}).json()["id"]
    store = Store(settings.database_url)
    assert store.leases.claim(run, owner="host/1/1", ttl_s=60) is not None
    store.reconciliation.saw_worker("host/1/1", queue="cpu", device="cpu", run_id=run)
    assert value(scrape(api), "workers", device="cpu") == value(scrape(api), "workers_busy") == 1
    store.reconciliation.abandon(["host/1/1"], max_attempts=max_attempts)
    store.close()
    assert api.get(f"/v1/runs/{run}").json()["status"] == status
    assert value(scrape(api), "leases_lost") == 1


def test_a_missing_reconciler_shows_in_leases_that_ran_out_and_stay(api: httpx.Client, settings: Settings) -> None:
    run = api.post("/v1/runs", json={"experiment": examples.EXPERIMENT}).json()["id"]
    store = Store(settings.database_url)
    assert value(scrape(api), "leases_overdue") == 0
    store.leases.claim(run, owner="host/1/1", ttl_s=-1)
    assert value(scrape(api), "leases_overdue") == 1
    store.reconciliation.expire_leases(max_attempts=3)
    store.close()
    assert value(scrape(api), "leases_overdue") == 0


def test_requests_are_timed_by_template_and_never_by_path(settings: Settings) -> None:
    with serving(settings) as api:  # which has answered nothing else
        api.get("/v1/runs/run_1")
        api.get("/v1/runs/run_2")
        api.get("/nowhere/secret")
        api.request("BREW", "/livez")
        found, text = scrape(api), api.get("/metrics").text
    count = "http_request_seconds_count"
    assert value(found, count, route="/v1/runs/{run_id}", method="GET", status="404") == 2
    assert value(found, count, route="none", method="GET", status="404") == 1
    assert value(found, count, route="/livez", method="other", status="405") == 1
    assert "secret" not in text


def test_what_is_away_is_left_out_and_said_to_be_down() -> None:
    with serving(Settings(database_url="postgresql://127.0.0.1:1/none", broker_url=NOBODY)) as api:
        found = scrape(api)
    assert value(found, "up", part="database") == value(found, "up", part="queue") == 0
    assert not names(found) & {"gradclinic_runs", "gradclinic_queue_messages", "gradclinic_leases_lost"}


def test_a_database_of_an_older_schema_is_down(bare_database_url: str) -> None:
    with serving(Settings(database_url=bare_database_url, broker_url=NOBODY)) as api:
        assert value(scrape(api), "up", part="database") == 0


def test_metrics_are_no_part_of_the_described_api(api: httpx.Client) -> None:
    assert "/metrics" not in api.get("/openapi.json").json()["paths"]


def test_checks_are_counted_by_verdict(api: httpx.Client, settings: Settings) -> None:
    store = Store(settings.database_url)
    baseline = pinned(store)
    made = [store.checks.create(new_check(baseline), [new_run()]) for _ in range(3)]
    for check, verdict in zip(made, ("fail", "pass", None), strict=True):
        assert check is not None
        if verdict is not None:
            store.checks.finish(check.item.id, status="succeeded", report=Report(summary="", verdict=verdict))
    store.close()
    found = scrape(api)
    assert value(found, "checks", status="succeeded", verdict="fail") == 1
    assert value(found, "checks", status="succeeded", verdict="pass") == 1
    assert value(found, "checks", status="running", verdict="") == 1
