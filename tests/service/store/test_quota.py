from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from gradclinic.kernel.errors import QuotaExceeded
from gradclinic.store import Idempotency, Quota, Reason, Store, merging

from .costs import analyzed, rows_read
from .pins import new_check, pinned
from .records import claimed, new_run, new_study, queued, record, window
from .test_dataset import upload
from .test_prescription import NEW, REPORT


def within(store: Store, **quota: int) -> Store:
    """The same store where each project has a quota."""
    store._database.quota = Quota(**quota)
    return store.within("a")


def recorded(store: Store) -> None:
    store.recordings.create(
        new_run(origin="external"), layout=record().layout, environment={}, declared={}, silence_s=60
    )


def test_by_default_there_is_no_quota(store: Store) -> None:
    for _ in range(20):
        queued(store)
    assert store.usage().runs == 20


def test_a_project_has_as_many_unfinished_runs_as_its_quota_allows(store: Store) -> None:
    project = within(store, runs=3)
    lease = claimed(project)
    recorded(project)
    queued(project)
    for submit in (
        lambda: queued(project),
        lambda: recorded(project),
        lambda: project.studies.create(new_study(), [new_run()] * 2),
        lambda: project.prescriptions.create(NEW),
    ):
        with pytest.raises(QuotaExceeded, match=r"at most 3 \(GRADCLINIC_QUOTA_RUNS\)") as refused:
            submit()
        assert "the project 'a' would have" in str(refused.value)
    assert len(project.runs.page().items) == 3
    assert project.studies.page().items == project.prescriptions.page().items == []
    queued(store.within("b"))
    project.leases.finish(lease, status="failed", reason=Reason("x", "y"))
    queued(project)


def test_a_check_is_refused_as_a_whole(store: Store) -> None:
    project = store.within("a")
    baseline = pinned(project)
    within(store, runs=1)
    with pytest.raises(QuotaExceeded):
        store.within("a").checks.create(new_check(baseline), [new_run()] * 2)
    assert project.checks.page().items == []


def test_operations_of_all_unfinished_runs_count_together(store: Store) -> None:
    project = within(store, flops=10**12)
    queued(project, flops=6e11)
    queued(project)  # of an earlier version
    with pytest.raises(QuotaExceeded, match=r"1\.2e\+12 floating-point operations .*at most 1\.0e\+12"):
        queued(project, flops=6e11)
    queued(project, flops=4e11)


def test_a_repeated_request_is_answered_although_the_quota_is_used_up(store: Store) -> None:
    project = within(store, runs=2)
    run = project.runs.create(new_run(), idempotency=Idempotency("r", "f"))
    study = project.studies.create(new_study(), [new_run()], idempotency=Idempotency("s", "f"))
    assert project.runs.create(new_run(), idempotency=Idempotency("r", "f")).item.id == run.item.id
    assert project.studies.create(new_study(), [new_run()], idempotency=Idempotency("s", "f")).item.id == study.item.id
    with pytest.raises(QuotaExceeded):
        project.runs.create(new_run(), idempotency=Idempotency("new", "f"))


def test_a_search_that_was_accepted_goes_on(store: Store) -> None:
    project = within(store, runs=2)
    search = project.prescriptions.create(replace(NEW)).item
    assert len(project.prescriptions.ask(search.id, {key: new_run() for key in "abc"}, report=REPORT)) == 3
    with pytest.raises(QuotaExceeded):
        queued(project)


def test_data_sets_are_limited_by_number_and_by_size(store: Store) -> None:
    project = within(store, datasets=2)
    upload(project, "data_1")
    upload(project, "data_2")
    upload(project, "data_2")
    with pytest.raises(QuotaExceeded, match=r"at most 2 .*DATASETS.*; delete some"):
        upload(project, "data_3")
    size = project.usage().dataset_bytes
    project = within(store, dataset_bytes=size)
    project.datasets.delete("data_1")
    upload(project, "data_3")
    with pytest.raises(QuotaExceeded, match="DATASET_BYTES"):
        upload(project, "data_4")
    assert project.datasets.find("data_4") is None


def test_requests_at_once_do_not_exceed_a_quota_together(store: Store) -> None:
    project = within(store, runs=5)

    def submit(_: int) -> bool:
        try:
            queued(project)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(submit, range(16))) == 5
    assert project.usage().runs == 5


def test_what_a_count_reads_does_not_grow_with_the_runs_that_have_ended(store: Store) -> None:
    project = store.within("a")
    costs = []
    for runs in (2, 600):
        study = project.studies.create(new_study(), [new_run()] * runs).item
        project.studies.request_cancel(study.id)
        queued(store.within("b"))
        analyzed(store)
        with rows_read(store) as read:
            assert project.usage().runs == 0
        costs.append(sum(read))
    assert costs[1] <= 1.5 * costs[0] + 20


def ended(store: Store, steps: int) -> str:
    """A run that has ended, with the statistics of so many steps."""
    lease = claimed(store)
    store.leases.save_layout(lease, record().layout, environment={})
    store.leases.save_window(lease, step=steps, series=window(0, steps))
    store.leases.finish(lease, status="succeeded", reason=Reason("x", "y"), record=record(series=window(0, steps)))
    return lease.run_id


def test_the_statistics_of_ended_runs_are_bounded_until_some_are_deleted(store: Store) -> None:
    project = store.within("a")
    small = ended(project, 5)
    taken = project.usage().statistics_bytes
    assert taken > 0
    large = ended(project, 200)
    assert project.usage().statistics_bytes > taken
    limited = within(store, statistics_bytes=taken)
    for submit in (
        lambda: queued(limited),
        lambda: recorded(limited),
        lambda: limited.studies.create(new_study(), [new_run()]),
    ):
        with pytest.raises(QuotaExceeded, match="GRADCLINIC_QUOTA_STATISTICS_BYTES"):
            submit()
    queued(store.within("b"))
    limited.runs.delete(large)
    queued(limited)
    assert limited.usage().statistics_bytes == taken
    assert limited.runs.get(small).status == "succeeded"


def test_a_recording_stops_at_the_quota_while_it_goes_on(store: Store) -> None:
    limited = within(store, statistics_bytes=100)
    run = limited.recordings.create(
        new_run(origin="external"), layout=record().layout, environment={}, declared={}, silence_s=60
    ).item

    def append(number: int, size: int) -> bool:
        return limited.recordings.append(
            run.id, window=number, step=number + 1, series=window(number, number + 1), fingerprint=str(number),
            stored_bytes=size, silence_s=60.0,
        )  # fmt: skip

    assert append(0, 60)
    assert limited.usage().statistics_bytes == 60
    with pytest.raises(QuotaExceeded, match="the statistics of the runs of the project 'a' take"):
        append(1, 60)
    assert limited.recordings.get(run.id).windows == 1


def test_the_reconciler_measures_what_its_end_did_not(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "GRACE_S", 0.0)
    run_id = ended(store.within("a"), 5)
    taken = store.within("a").usage().statistics_bytes
    with store.everywhere()._database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET stored_bytes = NULL")
    assert store.within("a").usage().statistics_bytes == 0
    queued(store)
    store.everywhere().reconciliation.pack_ended()
    assert store.within("a").usage().statistics_bytes == taken
    assert store.within("a").runs.get(run_id).status == "succeeded"
