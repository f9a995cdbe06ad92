from collections.abc import Iterator
from pathlib import Path

import pytest

from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.settings import Settings
from gradclinic.store import Message, Run, Store
from gradclinic.use_cases.service import Service

from ..store.records import queued


@pytest.fixture
def service(database_url: str, valkey_url: str, tmp_path: Path) -> Iterator[Service]:
    made = Service.of(Settings(data_dir=tmp_path, database_url=database_url, broker_url=valkey_url))
    yield made
    made.close()


def message(run: Run) -> Message:
    return Message(run.id, run.queue)


def test_what_was_sent_is_written_down(service: Service, store: Store) -> None:
    assert service.announce([message(queued(store)) for _ in range(2)]) == 2
    assert store.reconciliation.unannounced(resend_after_s=0, depths={"cpu": 2}) == []


def test_a_database_that_is_lost_after_sending_costs_a_second_message_at_most(service: Service, monkeypatch) -> None:
    def lost(_: object) -> None:
        raise ServiceUnavailable("the database cannot be used now")

    run = queued(service.store)
    monkeypatch.setattr(service.store.reconciliation, "mark_sent", lost)
    assert service.announce([message(run)]) == 1
    assert service.queue.depths()["cpu"] == 1
