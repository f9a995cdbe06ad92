import pytest
from sqlalchemy import text

from gradclinic.store import Reason, Store

from .records import claimed, new_run


def damage(store: Store, run_id: str, column: str, document: str) -> None:
    with store._database.within(None).write() as connection:
        connection.execute(
            text(f"UPDATE runs SET {column} = :document WHERE id = :id"), {"document": document, "id": run_id}
        )


DOCUMENTS = [
    (column, document)
    for column in ("labels", "remedies", "diagnosis", "outcome", "metrics", "layout", "experiment", "environment")
    for document in ("{", "7", '"text"')
]


@pytest.mark.parametrize(("column", "document"), [*DOCUMENTS, ("diagnosis", "[]"), ("layout", '{"a": 1}')])
def test_a_damaged_document_is_left_out_of_its_run_and_breaks_no_list(
    sqlite_url: str, column: str, document: str
) -> None:
    store = Store(sqlite_url)
    run_ids = [store.runs.create(new_run()).item.id for _ in range(3)]
    store.leases.finish(claimed(store, run_ids[1]), status="failed", reason=Reason("training_failed", "no"))
    damage(store, run_ids[1], column, document)
    assert [run.id for run in store.runs.page().items] == run_ids[::-1]
    found = store.runs.get(run_ids[1])
    assert (found.status, found.reason.code) == ("failed", "damaged")
    assert column in found.reason.text
    assert "no" in found.reason.text
    store.close()
