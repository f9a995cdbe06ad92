"""Two projects in one database: neither sees, counts, changes or blocks what the other one has."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Executable, RowMapping, delete, exists, func, insert, literal, select, text, update

from gradclinic.kernel.errors import Conflict, InvalidRequest, NotFound
from gradclinic.store import Due, Idempotency, NewSchedule, Store, migrate
from gradclinic.store import tables as t
from gradclinic.store.database import Database
from gradclinic.store.packing import unpack
from gradclinic.store.packs import chunks_in
from gradclinic.store.project import OWNERS, PARTS, SHARED

from .pins import new_check, pin, pinned
from .projects import ALERT, Seeded, seeded
from .records import new_run, new_study, queued, window
from .test_prescription import REPORT


def rows(store: Store) -> Mapping[str, list[RowMapping]]:
    """Everything that is stored in tables that belong to projects."""
    with store.everywhere()._database.read() as connection:
        tables = sorted((*OWNERS, *PARTS), key=lambda table: table.name)
        return {
            table.name: list(connection.execute(select(table).order_by(*table.primary_key)).mappings())
            for table in tables
        }


READS: Mapping[str, Callable[[Store, Seeded], object]] = {
    "run": lambda s, a: s.runs.get(a.run_id),
    "runs": lambda s, a: s.runs.get_many([a.run_id]),
    "runs with documents": lambda s, a: list(s.runs.with_documents([a.run_id])),
    "runs of a study": lambda s, a: s.runs.of_study(a.study_id),
    "page of runs": lambda s, _: s.runs.page().items,
    "lines of runs": lambda s, _: s.runs.listed(sort="-duration_s").items,
    "page of a study's runs": lambda s, a: s.runs.page(study_id=a.study_id).items,
    "labelled runs": lambda s, _: s.runs.page(labels={"team": "a"}, finding="vanishing_gradients").items,
    "runs by source": lambda s, _: [s.runs.page(source=x).items for x in ("own", "study", "prescription", "check")],
    "identical run": lambda s, _: s.runs.find_identical("d"),
    "transitions": lambda s, a: s.runs.transitions(a.run_id),
    "total": lambda s, _: s.runs.total(),
    "study": lambda s, a: s.studies.get(a.study_id),
    "page of studies": lambda s, _: s.studies.page().items,
    "studies by condition": lambda s, _: s.studies.page(status="running").items,
    "prescription": lambda s, a: s.prescriptions.get(a.prescription_id),
    "page of prescriptions": lambda s, _: s.prescriptions.page().items,
    "running prescriptions": lambda s, _: s.prescriptions.running(),
    "trials": lambda s, a: s.prescriptions.trials(a.prescription_id),
    "deleted trials": lambda s, a: s.prescriptions.deleted(a.prescription_id),
    "prescriptions of runs": lambda s, a: s.prescriptions.of_runs([a.run_id]),
    "baseline": lambda s, _: s.baselines.get("main"),
    "page of baselines": lambda s, _: s.baselines.page().items,
    "check": lambda s, a: s.checks.get(a.check_id),
    "page of checks": lambda s, _: s.checks.page(baseline="main", schedule="nightly").items,
    "running checks": lambda s, _: s.checks.running(),
    "runs of a check": lambda s, a: s.checks.runs(a.check_id),
    "checks of runs": lambda s, a: s.checks.of_runs([a.run_id]),
    "counts of checks": lambda s, _: s.checks.counts(),
    "schedule": lambda s, _: s.schedules.get("nightly"),
    "page of schedules": lambda s, _: s.schedules.page().items,
    "active schedules": lambda s, _: s.schedules.active()[1],
    "data set": lambda s, _: s.datasets.find("data_default"),
    "deleted data set": lambda s, _: s.datasets.find_deleted("data_old_default"),
    "content of a data set": lambda s, _: s.datasets.content("data_default"),
    "page of data sets": lambda s, _: s.datasets.page().items,
    "series": lambda s, a: s.statistics.series(a.run_id, "site_grad_rms"),
    "extents": lambda s, a: s.statistics.extents(a.run_id),
    "record": lambda s, a: s.statistics.record(a.run_id),
    "recording": lambda s, a: s.recordings.get(a.recording_id),
    "webhook": lambda s, _: s.webhooks.get("main"),
    "page of webhooks": lambda s, _: s.webhooks.page().items,
    "log of a webhook": lambda s, _: s.webhooks.deliveries("main").items,
    "due webhooks": lambda s, _: s.webhooks.due(limit=10),
    "waiting deliveries": lambda s, _: s.webhooks.waiting_and_lost(within_s=60.0)[0],
    "silent recordings": lambda s, _: s.recordings.silent(),
}
"""What the store can be asked, about a resource or for all of them."""

CHANGES: Mapping[str, Callable[[Store, Seeded], object]] = {
    "cancel a run": lambda s, a: s.runs.request_cancel(a.run_ids[0]),
    "delete a run": lambda s, a: s.runs.delete(a.run_id),
    "edit a run": lambda s, a: s.runs.edit(a.run_id, name="x"),
    "edit a study": lambda s, a: s.studies.edit(a.study_id, labels={"x": "y"}),
    "cancel a study": lambda s, a: s.studies.request_cancel(a.study_id),
    "delete a study": lambda s, a: s.studies.delete(a.study_id),
    "cancel a prescription": lambda s, a: s.prescriptions.request_cancel(a.prescription_id),
    "delete a prescription": lambda s, a: s.prescriptions.delete(a.prescription_id),
    "ask for trials": lambda s, a: s.prescriptions.ask(a.prescription_id, {"z": new_run()}, report=REPORT),
    "finish a prescription": lambda s, a: s.prescriptions.finish(a.prescription_id, status="failed", report=None),
    "pin runs": lambda s, a: s.baselines.pin("mine", pin(*a.run_ids)),
    "delete a baseline": lambda s, _: s.baselines.delete("main"),
    "check against a baseline": lambda s, _: s.checks.create(new_check(s.baselines.get("main")), [new_run()]),
    "cancel a check": lambda s, a: s.checks.request_cancel(a.check_id),
    "delete a check": lambda s, a: s.checks.delete(a.check_id),
    "pause a schedule": lambda s, _: s.schedules.set_paused("nightly", paused=True),
    "skip a due time": lambda s, _: s.schedules.skip(Due("nightly", datetime.now(UTC)), problem="x"),
    "delete a schedule": lambda s, _: s.schedules.delete("nightly"),
    "schedule on a baseline": lambda s, _: s.schedules.create(
        NewSchedule(name="x", cron="0 3 * * *", zone="UTC", baseline="main", asks={})
    ),
    "delete a data set": lambda s, _: s.datasets.delete("data_default"),
    "pause a webhook": lambda s, _: s.webhooks.set_paused("main", paused=True),
    "rotate a secret": lambda s, _: s.webhooks.rotate("main", "whsec_bmV3", old_lasts_s=0.0),
    "tell a webhook": lambda s, _: s.webhooks.tell("main", ALERT),
    "raise an alert": lambda s, _: s.webhooks.raise_alert(ALERT),
    "change a state": lambda s, _: s.webhooks.change_state("check main", is_bad=False, alert=ALERT),
    "delete a webhook": lambda s, _: s.webhooks.delete("main"),
    "claim a run": lambda s, a: s.leases.claim(a.run_ids[0], owner="x", ttl_s=1.0),
    "send a window": lambda s, a: s.recordings.append(
        a.recording_id, window=0, step=1, series=window(0, 1), fingerprint="f", stored_bytes=1, silence_s=1.0
    ),
}
"""What can be done to a resource."""
NEWER = {"alert_states", "deliveries", "webhooks"}
"""Tables that came after projects."""
NOTHING: tuple[Any, ...] = (None, [], (), {}, 0, False, [{}, {}, 0, 0], [[], [], [], []])


def test_every_table_is_of_a_project_or_is_known_to_be_shared() -> None:
    assert OWNERS | PARTS.keys() | SHARED == set(t.metadata.tables.values())
    assert not OWNERS & PARTS.keys()
    assert all("project" in table.c for table in OWNERS)
    assert all(key.column.table in OWNERS for column in PARTS.values() for key in column.foreign_keys)


def test_another_project_reads_nothing_and_changes_nothing(store: Store) -> None:
    ours = seeded(store)
    before = rows(store)
    assert all(before.values()), [name for name, found in before.items() if not found]
    other = store.within("other")
    for what, read in READS.items():
        own = read(store, ours)
        assert own not in NOTHING or what in ("silent recordings", "prescriptions of runs", "checks of runs"), what
        try:
            assert read(other, ours) in NOTHING, what
        except NotFound:
            continue
    for what, change in CHANGES.items():
        try:
            assert change(other, ours) in NOTHING, what
        except NotFound:
            continue
    assert rows(store) == before


def test_both_projects_may_have_the_same_names_and_idempotency_keys(store: Store) -> None:
    ours, theirs = seeded(store), seeded(store.within("other"))
    assert ours != theirs
    for own, found in ((store, ours), (store.within("other"), theirs)):
        assert [each.name for each in own.baselines.page().items] == ["main"]
        assert own.baselines.get("main").pin.id == found.pin_id
        assert [each.id for each in own.checks.page(baseline="main").items] == [found.check_id]
        assert [each.check_id for each in own.schedules.get("nightly").firings] == [found.check_id]
        again = own.studies.create(new_study(), [new_run()], idempotency=Idempotency("s", "b"))
        assert (again.replayed, again.item.id) == (True, found.study_id)
        assert len(own.runs.page(limit=200).items) == 8
    store.within("other").schedules.delete("nightly")
    store.within("other").studies.delete(theirs.study_id)
    assert store.schedules.get("nightly").firings
    assert store.studies.get(ours.study_id)
    store.within("third").studies.create(new_study(), [new_run()], idempotency=Idempotency("s", "another body"))


def test_a_schedule_of_one_project_is_not_put_off_by_one_of_the_same_name(store: Store) -> None:
    seeded(store)
    other = store.within("other")
    pinned(other)
    made = other.schedules.create(NewSchedule(name="nightly", cron="0 3 * * *", zone="UTC", baseline="main", asks={}))
    found = {each.project: since for each, since in store.everywhere().schedules.active()[1]}
    assert found["other"] == made.since
    assert found.keys() == {"default", "other"}


def test_workers_and_operators_see_all_projects_but_cannot_store_without_one(store: Store) -> None:
    ours, theirs = seeded(store), seeded(store.within("other"))
    everywhere = store.everywhere()
    assert {project for project, _ in everywhere.prescriptions.running()} == {"default", "other"}
    assert {project for project, _ in everywhere.checks.running()} == {"default", "other"}
    assert len(everywhere.runs.get_many([ours.run_id, theirs.run_id])) == 2
    assert everywhere.leases.claim(theirs.run_ids[0], owner="vm/1/2", ttl_s=60)
    with pytest.raises(ValueError, match="needs a project"):
        queued(everywhere)


@pytest.mark.parametrize("name", ["", "a" * 65, "a b", "'; DROP TABLE runs --", "ä", "-a", "a\n"])
def test_what_is_no_name_reaches_no_statement(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="is no project"):
        store.within(name).runs.page()
    with pytest.raises(InvalidRequest):
        store.keys.create("x", scope="read", project=name)


OTHERS = t.runs.alias("others")
STATEMENTS: list[Executable] = [
    select(t.runs.c.id),
    select(func.count().label("n")).select_from(t.runs).having(func.count() > 0),
    select(OTHERS.c.id),
    select(t.labels.c.key),
    select(literal(1)).where(exists().where(t.runs.c.id != "")),
    select(t.workers.c.owner, t.runs.c.id)
    .outerjoin_from(t.workers, t.runs, t.runs.c.id != "")
    .where(t.runs.c.id != ""),
    select(t.runs.c.id).join_from(t.labels, t.runs, t.labels.c.run_id == t.runs.c.id),
    select(t.studies.c.id).outerjoin_from(t.studies, t.runs, t.runs.c.study_id == t.studies.c.id),
    select(t.runs.c.id).where(t.runs.c.id.in_(select(t.labels.c.run_id))),
    select(select(t.runs.c.id).subquery().c.id),
    select(t.runs.c.id).union(select(OTHERS.c.id)),
    select(select(t.runs.c.id).cte().c.id),
    update(t.runs).values(name="x").returning(t.runs.c.id),
    update(t.workers).values(device="x").where(exists().where(t.runs.c.id != "")).returning(t.workers.c.owner),
    delete(t.labels).returning(t.labels.c.run_id),
    delete(t.studies).returning(t.studies.c.id),
]


@pytest.mark.parametrize("number", range(len(STATEMENTS)))
def test_no_form_of_a_statement_reaches_another_project(store: Store, number: int) -> None:
    seeded(store)
    store.reconciliation.saw_worker("vm", queue="cpu", device="cpu", run_id=None)
    before = rows(store)
    with store.within("other")._database.write() as connection:
        assert connection.execute(STATEMENTS[number]).all() == []
    assert rows(store) == before
    with store._database.write() as connection:
        assert connection.execute(STATEMENTS[number]).all()


def test_statements_that_cannot_be_kept_within_a_project_are_refused(store: Store) -> None:
    full = select(t.runs.c.id).select_from(t.runs.outerjoin(t.labels, t.labels.c.run_id == t.runs.c.id, full=True))
    copied = insert(t.datasets).from_select(["id"], select(t.datasets.c.id))
    for statement in (text("SELECT * FROM runs"), full, copied):
        with pytest.raises(TypeError, match="project"), store._database.read() as connection:
            connection.execute(statement)


def lasting(found: Mapping[str, list[RowMapping]]) -> dict[str, list[dict[str, Any]]]:
    """What an older version leaves as it is: not how chunks are packed, nor sizes, nor where layouts are."""
    kept = {name: [dict(row) for row in own] for name, own in found.items()}
    for row in kept["runs"]:
        row |= {"stored_bytes": None, "layout": None, "layout_digest": None}
    packed = [chunk for row in kept.pop("packs") for chunk in chunks_in(row["run_id"], row["entries"], row["content"])]
    chunks = [*(SimpleNamespace(**row) for row in kept["chunks"]), *packed]
    series = {(chunk.run_id, chunk.statistic, chunk.first_step): unpack([chunk]) for chunk in chunks}
    kept["chunks"] = [
        {"key": key, "steps": found.steps.tolist(), "values": found.values.tolist()}
        for key, found in sorted(series.items())
    ]
    return kept


def test_what_was_stored_before_there_were_projects_is_in_the_default_one(bare_database_url: str) -> None:
    migrate.upgrade(bare_database_url)
    store = Store(bare_database_url)
    ours, before = seeded(store), rows(store)
    store.close()
    migrate.downgrade(bare_database_url, "20261129_12")
    migrate.upgrade(bare_database_url)
    store = Store(bare_database_url)
    assert lasting(rows(store)) == {name: [] if name in NEWER else found for name, found in lasting(before).items()}
    assert store.schedules.get("nightly").firings[0].check_id == ours.check_id
    with pytest.raises(Conflict):
        store.schedules.create(NewSchedule(name="nightly", cron="0 3 * * *", zone="UTC", baseline="main", asks={}))
    store.close()


def test_a_database_object_is_of_the_default_project(database_url: str) -> None:
    database = Database(database_url)
    assert database.project == "default"
    assert database.within("a").within("b").project == "b"
    database.close()
