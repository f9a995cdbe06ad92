"""A client of a service whose runs are trained by hand, as fixtures."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gradclinic.client import Clinic
from gradclinic.queue.messages import Queue
from gradclinic.reconciler import Reconciler
from gradclinic.settings import Settings
from gradclinic.store import Store
from gradclinic.use_cases.service import Service

from .api.serving import NOBODY, serving, train


@pytest.fixture
def settings(sqlite_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)


@pytest.fixture
def clinic(settings: Settings) -> Iterator[Clinic]:
    with serving(settings) as http, Clinic(str(http.base_url)) as client:
        yield client


@contextmanager
def working(clinic: Clinic, settings: Settings) -> Iterator[None]:
    """A worker and a reconciler beside the client."""
    ended = threading.Event()

    def work() -> None:
        store, queue = Store(settings.database_url), Queue(settings)
        try:
            while not ended.wait(0.1):
                train(settings, *(run.id for run in clinic.runs(status="queued")))
                Reconciler(Service(settings, store, queue)).check()
        finally:
            queue.close()
            store.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
