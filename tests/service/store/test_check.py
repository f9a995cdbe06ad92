from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from gradclinic.kernel.errors import Conflict, NotFound
from gradclinic.regression import Report
from gradclinic.store import Check, Due, Idempotency, NewSchedule, Store

from .pins import new_check, pin, pinned
from .records import new_run, queued

FAILED, PASSED = Report(summary="Worse.", verdict="fail"), Report(summary="No worse.", verdict="pass")


def made(store: Store, *, runs: int = 2, **changes: object) -> Check:
    baseline = store.baselines.get("main") if store.baselines.page().items else pinned(store)
    created = store.checks.create(new_check(baseline, **changes), [new_run(seed=seed) for seed in range(runs)])
    assert created is not None
    return created.item


def test_a_check_is_stored_with_its_runs_which_carry_its_label(store: Store) -> None:
    check = made(store, name="nightly", labels={"team": "vision"})
    assert (check.status, check.verdict, check.report) == ("running", None, None)
    assert check.progress.by_status == {"queued": 2}
    runs = store.checks.runs(check.id)
    assert [run.seed for run in runs] == [0, 1]
    assert {run.labels["check"] for run in runs} == {check.id}
    assert store.checks.of_runs([runs[0].id, "run_other"]) == {runs[0].id: check.id}
    assert store.runs.page(labels={"check": check.id}).items == runs[::-1]
    assert store.checks.get(check.id) == check


def test_a_key_makes_a_repeated_check_create_nothing_new(store: Store) -> None:
    new, key = new_check(pinned(store)), Idempotency("k", "b")
    first, second = (store.checks.create(new, [new_run()], idempotency=key) for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.replayed, second.replayed, second.messages) == (False, True, ())
    assert first.item == second.item
    assert len(store.checks.page().items) == 1
    with pytest.raises(Conflict):
        store.checks.create(new, [new_run()], idempotency=Idempotency("k", "another body"))
    with pytest.raises(Conflict):
        store.runs.create(new_run(), idempotency=key)


def test_however_often_a_check_is_sent_at_once_it_is_made_once(store: Store) -> None:
    new, key = new_check(pinned(store)), Idempotency("k", "b")
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda _: store.checks.create(new, [new_run()], idempotency=key), range(12)))
    assert len({each.item.id for each in created if each is not None}) == 1
    assert len(store.checks.page().items) == 1
    assert len(store.runs.page().items) == 3


def test_a_check_is_not_made_against_what_the_name_no_longer_points_at(store: Store) -> None:
    new = new_check(pinned(store))
    store.baselines.pin("main", pin(queued(store).id))
    with pytest.raises(Conflict, match="moved in the meantime"):
        store.checks.create(new, [new_run()])
    store.baselines.delete("main")
    with pytest.raises(NotFound, match="no baseline 'main'"):
        store.checks.create(new, [new_run()])
    assert store.checks.page().items == []


def test_the_first_verdict_counts(store: Store) -> None:
    check = made(store)
    finish = store.checks.finish
    assert finish(check.id, status="succeeded", report=FAILED)
    assert not finish(check.id, status="succeeded", report=PASSED)
    found = store.checks.get(check.id)
    assert (found.status, found.verdict, found.report, found.summary) == ("succeeded", "fail", FAILED, "Worse.")
    assert found.ended_at is not None
    assert store.checks.running() == []
    with pytest.raises(Conflict, match="already succeeded"):
        store.checks.request_cancel(check.id)


def test_checks_are_found_by_baseline_and_verdict_newest_first(store: Store) -> None:
    first, second = made(store), made(store)
    store.checks.finish(first.id, status="succeeded", report=FAILED)
    assert [each.id for each in store.checks.page(baseline="main").items] == [second.id, first.id]
    assert [each.id for each in store.checks.page(verdict="fail").items] == [first.id]
    assert store.checks.page(baseline="other").items == []
    page = store.checks.page(limit=1)
    assert page.next == second.id
    assert [each.id for each in store.checks.page(after=page.next).items] == [first.id]
    assert store.checks.counts() == {("running", ""): 1, ("succeeded", "fail"): 1}


def test_a_cancelled_check_ends_with_its_queued_runs(store: Store) -> None:
    check = store.checks.request_cancel(made(store).id)
    assert (check.status, check.verdict) == ("canceled", None)
    assert check.progress.by_status == {"canceled": 2}
    assert not store.checks.finish(check.id, status="succeeded", report=PASSED)


def test_a_run_of_a_check_goes_with_the_check_only(store: Store) -> None:
    check = made(store)
    run = store.checks.runs(check.id)[0]
    with pytest.raises(Conflict, match=f"belongs to the check {check.id}"):
        store.runs.delete(run.id)
    store.checks.delete(check.id)
    for look, identifier in ((store.runs.get, run.id), (store.checks.get, check.id)):
        with pytest.raises(NotFound):
            look(identifier)
    with pytest.raises(NotFound):
        store.checks.delete(check.id)


def test_a_check_whose_runs_became_the_baseline_is_not_deleted(store: Store) -> None:
    check = made(store)
    store.baselines.pin("main", pin(*(run.id for run in store.checks.runs(check.id)), check_id=check.id))
    with pytest.raises(Conflict, match="pinned by the baseline 'main'"):
        store.checks.delete(check.id)
    assert store.checks.get(check.id) == check


def test_a_due_time_starts_one_check_however_many_see_it(store: Store) -> None:
    baseline = pinned(store)
    store.schedules.create(NewSchedule(name="nightly", cron="* * * * *", zone="UTC", baseline="main", asks={}))
    due = Due("nightly", datetime(2026, 11, 26, 3, tzinfo=UTC))
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda _: store.checks.create(new_check(baseline), [new_run()], due=due), range(12)))
    (one,) = [each for each in created if each is not None]
    assert one.item.schedule == "nightly"
    assert len(store.checks.page(schedule="nightly").items) == 1
    assert len(store.runs.page().items) == 3
    (fired,) = store.schedules.get("nightly").firings
    assert (fired.due_at, fired.check_id, fired.status) == (due.at, one.item.id, "running")
