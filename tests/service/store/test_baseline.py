from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from gradclinic.kernel.errors import Conflict, NotFound
from gradclinic.store import NewSchedule, Store, tables
from gradclinic.store.database import Database

from .pins import new_check, pin, pinned
from .records import new_run, new_study, queued


def test_a_name_is_moved_and_what_it_pointed_at_stays_visible(store: Store) -> None:
    first = pinned(store)
    moved = store.baselines.pin("main", pin(queued(store).id, study_id="study_1", arm="relu"))
    assert not moved.replayed
    assert [each.id for each in moved.item.history] == [moved.item.pin.id, first.pin.id]
    assert moved.item.pin.arm == "relu"
    assert moved.item.history[0].pinned_at >= moved.item.history[1].pinned_at
    assert store.baselines.get("main") == moved.item
    assert store.baselines.pin_of(first.pin.id) == first.pin


def test_pinning_the_same_again_changes_nothing(store: Store) -> None:
    first = pinned(store)
    again = store.baselines.pin("main", pin(*first.pin.run_ids))
    assert again.replayed
    assert again.item == first


def test_baselines_are_listed_by_name(store: Store) -> None:
    for name in ("b", "a", "c"):
        pinned(store, name)
    page = store.baselines.page(limit=2)
    assert ([each.name for each in page.items], page.next) == (["a", "b"], "b")
    assert [each.name for each in store.baselines.page(after=page.next).items] == ["c"]


def test_a_pinned_run_is_not_deleted_by_whatever_way(store: Store) -> None:
    study = store.studies.create(new_study(), [new_run(), new_run()])
    prescribed = queued(store)
    store.baselines.pin("main", pin(*(message.run_id for message in study.messages), prescribed.id))
    for remove, identifier in ((store.runs.delete, prescribed.id), (store.studies.delete, study.item.id)):
        with pytest.raises(Conflict, match="pinned by the baseline 'main'"):
            remove(identifier)
    assert len(store.runs.page().items) == 3
    assert store.studies.get(study.item.id)


def test_the_database_itself_refuses_where_a_version_that_knows_no_baselines_would_delete(
    store: Store, database_url: str
) -> None:
    run_id = pinned(store).pin.run_ids[0]
    database = Database(database_url)
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(delete(tables.runs).where(tables.runs.c.id == run_id))
    database.close()
    assert store.runs.get(run_id)


def test_a_run_can_be_deleted_again_once_nothing_points_at_it(store: Store) -> None:
    first = pinned(store)
    store.baselines.pin("main", pin(queued(store).id))
    store.runs.delete(first.pin.run_ids[0])
    store.baselines.delete("main")
    for run in store.runs.page().items:
        store.runs.delete(run.id)
    assert store.runs.page().items == []


def test_a_run_of_two_baselines_stays_until_both_are_gone(store: Store) -> None:
    first = pinned(store)
    store.baselines.pin("other", pin(*first.pin.run_ids))
    store.baselines.delete("main")
    with pytest.raises(Conflict, match="'other'"):
        store.runs.delete(first.pin.run_ids[0])
    store.baselines.delete("other")
    store.runs.delete(first.pin.run_ids[0])


def test_what_a_check_was_held_against_stays_when_the_name_moves_on_and_goes_with_the_check(store: Store) -> None:
    first = pinned(store)
    check = store.checks.create(new_check(first), [new_run()])
    assert check is not None
    store.baselines.pin("main", pin(queued(store).id))
    with pytest.raises(Conflict, match=f"the check {check.item.id} was compared with it"):
        store.runs.delete(first.pin.run_ids[0])
    store.checks.delete(check.item.id)
    store.runs.delete(first.pin.run_ids[0])


def test_a_deleted_baseline_leaves_what_its_checks_were_held_against(store: Store) -> None:
    first = pinned(store)
    check = store.checks.create(new_check(first), [new_run()])
    assert check is not None
    store.baselines.delete("main")
    with pytest.raises(NotFound):
        store.baselines.get("main")
    with pytest.raises(NotFound):
        store.baselines.delete("main")
    assert store.baselines.pin_of(check.item.pin_id) == first.pin
    with pytest.raises(Conflict):
        store.runs.delete(first.pin.run_ids[0])


def test_what_is_let_go_from_two_sides_at_once_is_let_go(store: Store) -> None:
    for round_ in range(6):
        first = pinned(store, f"b{round_}")
        check = store.checks.create(new_check(first), [new_run()])
        assert check is not None
        others = [queued(store).id]
        with ThreadPoolExecutor(2) as pool:
            moving = pool.submit(store.baselines.pin, first.name, pin(*others))
            deleting = pool.submit(store.checks.delete, check.item.id)
            moving.result()
            deleting.result()
        store.runs.delete(first.pin.run_ids[0])


def test_a_baseline_that_a_schedule_checks_against_is_not_deleted(store: Store) -> None:
    pinned(store)
    store.schedules.create(NewSchedule(name="nightly", cron="0 3 * * *", zone="UTC", baseline="main", asks={}))
    with pytest.raises(Conflict, match="the schedule 'nightly'"):
        store.baselines.delete("main")
    store.schedules.delete("nightly")
    store.baselines.delete("main")


def test_a_run_that_is_gone_cannot_be_pinned(store: Store) -> None:
    run = queued(store)
    store.runs.delete(run.id)
    with pytest.raises(NotFound, match=run.id):
        store.baselines.pin("main", pin(run.id))
    assert store.baselines.page().items == []


def test_a_run_is_never_both_pinned_and_deleted(store: Store) -> None:
    for round_ in range(6):
        run = queued(store).id
        with ThreadPoolExecutor(2) as pool:
            pinning = pool.submit(store.baselines.pin, f"b{round_}", pin(run))
            deleting = pool.submit(store.runs.delete, run)
            errors = [error for error in (pinning.exception(), deleting.exception()) if error is not None]
        assert len(errors) == 1, errors
        assert isinstance(errors[0], Conflict | NotFound)


def test_a_name_that_is_made_by_many_at_once_points_at_one_of_them_and_lets_go_of_the_others(store: Store) -> None:
    runs = [queued(store).id for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda run: store.baselines.pin("main", pin(run)), runs))
    found = store.baselines.get("main")
    assert len(found.history) == 6
    for run in runs:
        if run not in found.pin.run_ids:
            store.runs.delete(run)
    with pytest.raises(Conflict):
        store.runs.delete(found.pin.run_ids[0])


def test_a_baseline_says_in_words_which_runs_are_pinned_and_what_is_wrong_with_them(store: Store) -> None:
    baseline = pinned(store, runs=4)
    worded = replace(
        baseline,
        pin=replace(baseline.pin, arm="relu", seeds=[0, 1, 2, 7]),
        conditions={"vanishing_gradients": 3, "healthy": 1},
    )
    assert worded.summary == "arm `relu`, 4 runs, seeds 0-2, 7: vanishing_gradients in 3 of 4, healthy in 1 of 4"
    one = replace(baseline, pin=replace(baseline.pin, run_ids=["run_1"], seeds=[5]), conditions={"healthy": 1})
    assert one.summary == "1 run, seed 5: healthy in 1 of 1"
