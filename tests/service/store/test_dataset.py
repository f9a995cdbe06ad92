from concurrent.futures import ThreadPoolExecutor

import pytest

from gradclinic.kernel.errors import Conflict, NotFound
from gradclinic.store import NewPrescription, NewSchedule, Store

from .pins import pin
from .records import new_run, new_study, queued

DATA = "data_" + "0" * 24
ON_IT = {"model": {}, "data": {"kind": "uploaded", "id": DATA}}


def upload(store: Store, dataset_id: str = DATA) -> None:
    facts = {"task": "regression", "rows": 8, "shape": [2], "outputs": 1, "classes": None, "features": ["x", "y"]}
    store.datasets.create(b"arrays", id=dataset_id, digest="d" * 64, **facts)


def test_the_size_is_that_of_what_is_stored(store: Store) -> None:
    upload(store)
    assert store.datasets.get(DATA).bytes == len(b"arrays")


def test_what_is_deleted_leaves_what_its_runs_are_understood_by_until_it_is_sent_again(store: Store) -> None:
    upload(store)
    assert store.datasets.find_deleted(DATA) is None
    store.datasets.delete(DATA)
    kept = store.datasets.find_deleted(DATA)
    assert kept is not None
    assert (kept.task, kept.rows, kept.shape, kept.outputs) == ("regression", 8, (2,), 1)
    with pytest.raises(NotFound):
        store.datasets.content(DATA)
    with pytest.raises(NotFound):
        store.datasets.delete(DATA)
    upload(store)
    assert store.datasets.find_deleted(DATA) is None
    assert store.datasets.content(DATA) == b"arrays"


def test_only_runs_that_name_it_count(store: Store) -> None:
    upload(store)
    other = "data_" + "1" * 24
    store.runs.create(new_run(resolved_experiment=ON_IT))
    store.runs.create(new_run(resolved_experiment={"data": {"kind": "digits"}}))
    assert store.datasets.runs_by_dataset([DATA, other]) == {DATA: 1, other: 0}


def test_nothing_is_stored_on_a_data_set_that_was_deleted_since_it_was_looked_at(store: Store) -> None:
    with pytest.raises(Conflict, match="was deleted"):
        store.runs.create(new_run(resolved_experiment=ON_IT))
    with pytest.raises(Conflict, match="was deleted"):
        store.studies.create(new_study(), [new_run(), new_run(resolved_experiment=ON_IT)])
    with pytest.raises(Conflict, match="was deleted"):
        store.prescriptions.create(NewPrescription(experiment=ON_IT, budget={}, seed=0))
    assert store.runs.page().items == store.studies.page().items == store.prescriptions.page().items == []


def test_of_a_run_and_the_deletion_of_its_data_at_once_one_is_refused(store: Store) -> None:
    def tried(what) -> bool:
        try:
            what()
        except (Conflict, NotFound):
            return False
        return True

    names = [f"data_{number:024}" for number in range(12)]
    with ThreadPoolExecutor(8) as pool:
        for name in names:
            upload(store, name)
            on_it = {"data": {"kind": "uploaded", "id": name}}
            run = pool.submit(tried, lambda on_it=on_it: store.runs.create(new_run(resolved_experiment=on_it)))
            deletion = pool.submit(tried, lambda name=name: store.datasets.delete(name))
            assert run.result() != deletion.result()
            assert (store.datasets.find(name) is not None) == run.result()


@pytest.mark.parametrize(
    ("own", "pinned", "needed"),
    [
        (ON_IT, {"data": {"kind": "digits"}}, True),
        (None, ON_IT, True),
        ({"data": {"kind": "digits"}}, ON_IT, False),
        (None, {"data": {"kind": "digits"}}, False),
    ],
)
def test_a_schedule_needs_the_data_of_its_experiment_or_else_of_its_baselines(
    store: Store, own: dict | None, pinned: dict, needed: bool
) -> None:
    upload(store)
    store.baselines.pin("main", pin(queued(store).id, experiment=pinned))
    asks = {"baseline": "main", "experiment": own}
    store.schedules.create(NewSchedule(name="nightly", cron="0 3 * * *", zone="UTC", baseline="main", asks=asks))
    if needed:
        with pytest.raises(Conflict, match="the schedule 'nightly' uses it"):
            store.datasets.delete(DATA)
        store.schedules.delete("nightly")
    store.datasets.delete(DATA)
