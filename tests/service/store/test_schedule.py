from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from gradclinic.kernel.errors import Conflict, NotFound
from gradclinic.store import Due, NewSchedule, Schedule, Store

from .pins import new_check, pinned
from .records import new_run

THREE = datetime(2026, 11, 26, 3, tzinfo=UTC)


def made(store: Store, name: str = "nightly") -> Schedule:
    if not store.baselines.page().items:
        pinned(store)
    return store.schedules.create(
        NewSchedule(name=name, cron="0 3 * * *", zone="UTC", baseline="main", asks={"baseline": "main"})
    )


def fired(store: Store, at: datetime) -> bool:
    new = new_check(store.baselines.get("main"))
    return store.checks.create(new, [new_run()], due=Due("nightly", at)) is not None


def test_a_name_is_taken_once_and_needs_its_baseline(store: Store) -> None:
    schedule = made(store)
    assert store.schedules.get("nightly") == schedule
    assert (schedule.paused, schedule.firings) == (False, [])
    with pytest.raises(Conflict, match="'nightly' already exists"):
        made(store)
    with pytest.raises(NotFound, match="no baseline 'other'"):
        store.schedules.create(NewSchedule(name="x", cron="0 3 * * *", zone="UTC", baseline="other", asks={}))


def test_those_of_a_baseline_are_found_however_many_others_there_are(store: Store) -> None:
    made(store, "first")
    pinned(store, "other")
    store.schedules.create(NewSchedule(name="last", cron="0 3 * * *", zone="UTC", baseline="other", asks={}))
    assert [each.name for each in store.schedules.page(baseline="other", limit=1).items] == ["last"]
    assert [each.name for each in store.schedules.page().items] == ["first", "last"]


def test_what_is_active_is_known_with_its_last_due_time(store: Store) -> None:
    schedule = made(store)
    made(store, "another")
    store.schedules.set_paused("another", paused=True)
    now, active = store.schedules.active()
    assert [(each.name, since) for each, since in active] == [("nightly", schedule.since)]
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=5)
    later = schedule.created_at.replace(microsecond=0) + timedelta(hours=1)
    assert fired(store, later)
    assert store.schedules.active()[1][0][1] == later


def test_a_due_time_before_the_last_that_was_dealt_with_is_past(store: Store) -> None:
    made(store)
    assert fired(store, THREE)
    assert not fired(store, THREE - timedelta(days=1))
    assert store.schedules.skip(Due("nightly", THREE + timedelta(days=1)), problem="no")
    assert not store.schedules.skip(Due("nightly", THREE + timedelta(days=1)), problem="no")
    assert not fired(store, THREE + timedelta(days=1))
    skipped, first = store.schedules.get("nightly").firings
    assert (skipped.check_id, skipped.problem) == (None, "no")
    assert first.status == "running"
    assert len(store.checks.page().items) == 1


def test_a_schedule_that_was_paused_or_deleted_meanwhile_starts_nothing(store: Store) -> None:
    made(store)
    store.schedules.set_paused("nightly", paused=True)
    assert not fired(store, THREE)
    resumed = store.schedules.set_paused("nightly", paused=False)
    assert resumed.since >= resumed.created_at
    assert store.schedules.set_paused("nightly", paused=False).since == resumed.since
    store.schedules.delete("nightly")
    assert not fired(store, THREE)
    assert store.checks.page().items == []
    with pytest.raises(NotFound):
        store.schedules.set_paused("nightly", paused=True)


def test_reconcilers_that_see_other_due_times_start_no_check_for_one_that_is_past(store: Store) -> None:
    made(store)
    times = [THREE + timedelta(days=day) for day in range(6)]
    with ThreadPoolExecutor(6) as pool:
        outcomes = dict(zip(times, pool.map(lambda at: fired(store, at), times), strict=True))
    assert outcomes[times[-1]]
    started = [firing.due_at for firing in store.schedules.get("nightly").firings]
    assert started == sorted(started, reverse=True)
    assert set(started) == {at for at, started_one in outcomes.items() if started_one}


def test_a_deleted_check_leaves_its_due_time_dealt_with(store: Store) -> None:
    made(store)
    assert fired(store, THREE)
    store.checks.delete(store.checks.page().items[0].id)
    (firing,) = store.schedules.get("nightly").firings
    assert (firing.check_id, firing.status, firing.problem) == (None, None, None)
    assert not fired(store, THREE)
