import pytest
from sqlalchemy import update

from gradclinic.kernel.errors import NotFound
from gradclinic.store import Act, AuditEntry, Idempotency, Store, acting
from gradclinic.store import tables as t

from .records import new_run, new_study, queued


def entries(store: Store) -> list[AuditEntry]:
    """All entries, oldest first."""
    return list(store.audit.page().items)[::-1]


def test_a_change_that_somebody_asked_for_has_one_entry_that_names_what_it_created(store: Store) -> None:
    key = store.keys.create("ana", scope="run").key
    with acting(Act("POST /v1/studies", key_id=key.id, request_id="r1")):
        study = store.studies.create(new_study(), [new_run(), new_run()]).item
        store.reconciliation.mark_sent([])
    (entry,) = entries(store)
    assert (entry.key_id, entry.key_name, entry.request_id) == (key.id, "ana", "r1")
    assert (entry.action, entry.created) == ("POST /v1/studies", f"/v1/studies/{study.id}")


def test_what_nobody_asked_for_has_none(store: Store) -> None:
    queued(store)
    assert entries(store) == []


def test_a_change_that_is_rolled_back_leaves_none(store: Store) -> None:
    with pytest.raises(NotFound), acting(Act("DELETE /v1/runs/run_1", key_id=None)):
        store.runs.delete("run_1")
    assert entries(store) == []


def test_an_entry_and_its_change_are_committed_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_connection: object) -> None:
        raise RuntimeError("the entry cannot be written")

    monkeypatch.setattr(store._database, "before_commit", fail)
    with pytest.raises(RuntimeError):
        store.runs.create(new_run())
    monkeypatch.undo()
    assert list(store.runs.page().items) == []


def test_a_repeated_request_names_nothing_as_created(store: Store) -> None:
    key = Idempotency("k", "f")
    for _ in range(2):
        with acting(Act("POST /v1/runs", key_id="key_1")):
            run = store.runs.create(new_run(), idempotency=key).item
    first, second = entries(store)
    assert (first.created, second.created) == (f"/v1/runs/{run.id}", None)


def test_entries_are_those_of_a_key_in_pages_and_are_forgotten_by_their_age(store: Store) -> None:
    for number in range(3):
        with acting(Act(f"POST {number}", key_id=f"key_{number % 2}")):
            queued(store)
    page = store.audit.page(key_id="key_0", limit=1)
    assert [each.action for each in page.items] == ["POST 2"]
    rest = store.audit.page(key_id="key_0", limit=1, after=page.next)
    assert ([each.action for each in rest.items], rest.next) == (["POST 0"], None)
    column = t.audit_entries.c
    with store._database.write() as connection:
        connection.execute(update(t.audit_entries).where(column.action == "POST 0").values(at=column.at - 100.0))
    store.audit.forget(older_than_s=50.0)
    assert [each.action for each in entries(store)] == ["POST 1", "POST 2"]
