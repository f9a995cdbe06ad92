"""Lists of runs: filters, orders and totals, and what the databases read for them."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from sqlalchemy import insert, update

from gradclinic.kernel.errors import InvalidRequest
from gradclinic.store import Reason, RunSort, Store
from gradclinic.store import tables as t

from .plans import statements
from .records import DIAGNOSIS, claimed, new_run, new_study, outcome, queued, record

SORTS = get_args(RunSort)


def ids(runs: Sequence[Any]) -> list[str]:
    return [run.id for run in runs]


def change(store: Store, run_id: str, **values: object) -> None:
    with store._database.write() as connection:
        connection.execute(update(t.runs).where(t.runs.c.id == run_id).values(**values))


def walked(store: Store, **asked: Any) -> list[str]:
    """All runs of a list, a page of two at a time."""
    found, after = [], None
    while True:
        page = store.runs.listed(limit=2, after=after, **asked)
        found += ids(page.items)
        if page.next is None:
            return found
        after = page.next


def test_a_list_is_sorted_by_a_number_in_pages_with_nan_as_the_largest_and_missing_ones_last(store: Store) -> None:
    values = [0.5, math.nan, None, 0.25, math.inf, 0.5, None]
    runs = [queued(store) for _ in values]
    for run, value in zip(runs, values, strict=True):
        change(store, run.id, final_train_loss=value)
    order = [3, 0, 5, 4, 1, 2, 6]
    assert walked(store, sort="final_train_loss") == [runs[index].id for index in order]
    order = [1, 4, 5, 0, 3, 6, 2]
    assert walked(store, sort="-final_train_loss") == [runs[index].id for index in order]


def test_a_page_continues_where_it_ended_although_runs_come_and_go(store: Store) -> None:
    runs = [queued(store, name=name) for name in "bcde"]
    page = store.runs.listed(sort="name", limit=2)
    store.runs.delete(runs[1].id)
    queued(store, name="a")
    assert [run.name for run in store.runs.listed(sort="name", limit=5, after=page.next).items] == ["d", "e"]


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_has_each_run_once(store: Store, sort: RunSort) -> None:
    lease = claimed(store)
    store.leases.finish(lease, status="succeeded", reason=Reason("trained", ""), record=record(), diagnosis=DIAGNOSIS)
    known = {lease.run_id, *(queued(store, name=name).id for name in ("x", "y", "ä" * 200))}
    assert set(walked(store, sort=sort)) == known
    assert {run.id for run in store.runs.page(sort=sort).items} == known


@pytest.mark.parametrize(
    "after", ["zzz", "run_1", "", "WyJuYW1lIix0cnVlLCJydW5fMSJd", "WyJuYW1lIiwxZTk5OTksInJ1bl8xIl0"]
)
def test_a_page_that_does_not_continue_the_list_is_refused(sqlite_url: str, after: str) -> None:
    store = Store(sqlite_url)
    for _ in range(3):
        queued(store, name="x")
    other = store.runs.listed(sort="-name", limit=1).next
    for text in (after, other):
        with pytest.raises(InvalidRequest, match="does not continue"):
            store.runs.listed(sort="name", after=text)
    if after != "run_1":
        with pytest.raises(InvalidRequest, match="does not continue"):
            store.runs.listed(after=after)
    store.close()


def test_a_line_has_what_can_be_shown_and_no_document(store: Store) -> None:
    lease = claimed(store, queued(store, name="first", labels={"team": "vision"}).id)
    measured = record(outcome=outcome())
    store.leases.finish(lease, status="succeeded", reason=Reason("trained", "ok"), record=measured, diagnosis=DIAGNOSIS)
    with statements(store) as sent:
        (line,) = store.runs.listed().items
    run = store.runs.get(lease.run_id)
    assert run.metrics is not None
    assert (line.name, line.labels, line.reason, line.source) == ("first", {"team": "vision"}, run.reason, "own")
    assert (line.model, line.condition) == ("MLP 2 x 4, tanh", "vanishing_gradients")
    assert line.final_validation_loss == run.metrics.final_validation_loss
    assert line.duration_s == pytest.approx((run.ended_at - run.started_at).total_seconds())  # type: ignore[operator]
    assert not re.search(r"experiment|layout|diagnosis|outcome|environment|metrics|remedies", " ".join(sent.statements))


def test_runs_are_found_by_words_of_their_name_model_arm_and_labels(store: Store) -> None:
    a = queued(store, name="Deep sigmoid", labels={"team": "vision"})
    store.studies.create(new_study(), [new_run(arm="batch norm", labels={"team": "text"})])
    found = lambda text: [run.name for run in store.runs.listed(search=text).items]  # noqa: E731
    assert found("SIGMOID deep") == ["Deep sigmoid"]
    assert found("norm batch") == [None]
    assert found("mlp tanh") == [None, "Deep sigmoid"]
    assert found("vision deep") == ["Deep sigmoid"]
    assert found("deep text") == []
    assert found(a.id.lower()) == ["Deep sigmoid"]
    assert found("_eep") == []


def test_runs_are_found_by_the_time_of_their_creation(store: Store) -> None:
    runs = [queued(store) for _ in range(3)]
    day = timedelta(days=1)
    now = runs[0].created_at
    for filters, count in (
        ({"created_from": now - day}, 3),
        ({"created_from": now + day}, 0),
        ({"created_before": now - day}, 0),
        ({"created_from": now - day, "created_before": now + day}, 3),
        ({"created_from": datetime(1, 1, 1, tzinfo=UTC), "created_before": datetime(9999, 1, 1, tzinfo=UTC)}, 3),
    ):
        for sort in ("created_at", "-final_train_loss"):
            assert len(walked(store, sort=sort, **filters)) == count
        assert store.runs.total(**filters) == count


def test_runs_are_found_by_what_asked_for_them(store: Store) -> None:
    own = queued(store)
    study = store.studies.create(new_study(), [new_run(), new_run()]).item
    recorded = store.recordings.create(
        new_run(origin="external"), layout=record().layout, environment={}, declared={}, silence_s=60
    ).item
    assert ids(store.runs.listed(source="own").items) == [recorded.id, own.id]
    assert ids(store.runs.listed(source="recording").items) == [recorded.id]
    assert ids(store.runs.listed(source="study").items) == ids(store.runs.of_study(study.id))[::-1]
    assert store.runs.listed(source="check").items == []
    assert (store.runs.total(), store.runs.total(source="study"), store.runs.total(search="tanh")) == (4, 2, 4)


def test_a_run_is_counted_and_listed_once_however_many_findings_it_has_of_a_condition(store: Store) -> None:
    run = queued(store)
    with store._database.write() as connection:
        connection.execute(insert(t.findings), [_finding(run.id, number) for number in (0, 1)])
    assert ids(store.runs.listed(finding="dead_units").items) == [run.id]
    assert ids(store.runs.listed(finding="dead_units", sort="name").items) == [run.id]
    assert store.runs.total(finding="dead_units") == 1


def test_a_total_ends_at_its_bound(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradclinic.store.run_list.MOST_COUNTED", 2)
    for _ in range(3):
        queued(store)
    assert store.runs.total() == 2


FILTERS: list[dict[str, Any]] = [
    {}, {"status": "failed"}, {"condition": "dead_units"}, {"finding": "dead_units"}, {"labels": {"team": "x"}},
    {"source": "own"}, {"source": "recording"}, {"study_id": "study_x"},
]  # fmt: skip


@pytest.mark.parametrize("asked", [*FILTERS, *({"sort": sort} for sort in SORTS)], ids=str)
def test_a_page_is_read_from_an_index_in_its_order(store: Store, asked: dict[str, Any]) -> None:
    """No table is scanned, and nothing is sorted: so the length of a list does not matter."""
    queued(store)
    with statements(store) as sent:
        store.runs.listed(**asked)
    for plan in sent.plans:
        assert not re.search(r"SCAN|Seq Scan|TEMP B-TREE|\bSort\b|HashAggregate", plan), plan


@pytest.mark.parametrize("asked", FILTERS[:-1], ids=str)
def test_a_total_is_counted_in_an_index(sqlite_url: str, asked: dict[str, Any]) -> None:
    store = Store(sqlite_url)
    with statements(store) as sent:
        store.runs.total(**asked)
    (plan,) = sent.plans
    assert "SCAN runs" not in plan
    assert re.search(r"COVERING INDEX", plan), plan
    store.close()


def _finding(run_id: str, number: int) -> dict[str, object]:
    return {
        "run_id": run_id, "number": number, "condition": "dead_units", "severity": "warning", "harm": True,
        "confidence": 0.9, "first_step": 0, "last_step": 1, "layers": [], "rule": "dead_units", "summary": "",
    }  # fmt: skip
