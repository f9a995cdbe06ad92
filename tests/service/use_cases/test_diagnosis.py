"""The diagnosis of a run that goes on is made once for each stored progress, however many ask for it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gradclinic.measurements.record import Series
from gradclinic.settings import Settings
from gradclinic.store import Lease
from gradclinic.use_cases.diagnosis import diagnosis_of
from gradclinic.use_cases.event import Position, run_news
from gradclinic.use_cases.service import Service

from ..api.serving import NOBODY
from ..measurements.records import recorded
from ..store.records import claimed, queued

RECORD = recorded(decades=4.0)


@pytest.fixture
def service(sqlite_url: str, tmp_path: Path) -> Iterator[Service]:
    made = Service.of(Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY))
    yield made
    made.close()


def recorded_up_to(service: Service, lease: Lease, *, first: int, end: int) -> None:
    window = {name: Series(each.steps[first:end], each.values[first:end]) for name, each in RECORD.series.items()}
    service.store.leases.save_window(lease, step=end, series=window)


def test_listeners_share_one_reading_of_the_record_for_each_progress(service: Service, monkeypatch) -> None:
    lease = claimed(service.store, queued(service.store, origin="service").id)
    service.store.leases.save_layout(lease, RECORD.layout, environment={})
    read, record = [], service.store.statistics.record
    monkeypatch.setattr(service.store.statistics, "record", lambda run_id: read.append(run_id) or record(run_id))
    for end in (20, 40):
        recorded_up_to(service, lease, first=end - 20, end=end)
        with ThreadPoolExecutor(4) as listeners:
            told = list(listeners.map(lambda _: run_news(service, lease.run_id, Position()), range(8)))
        diagnosis_of(service, service.store.runs.get(lease.run_id))
        assert {each.items[-1].event for each in told} == {"progress"}
        assert all(each.items == told[0].items for each in told)
        assert len(read) == end // 20
