"""A program that died says nothing more: its recording ends by itself, judged by what there is."""

from pathlib import Path

import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.recording import Declaration, RecordedSeries, Window
from gradclinic.queue.messages import Queue
from gradclinic.reconciler import Reconciler
from gradclinic.settings import Settings
from gradclinic.store import Run, Store
from gradclinic.use_cases import recording as recordings
from gradclinic.use_cases.service import Service
from gradclinic_workers.train.fit import train

from .recorded import declaration, windows

DEAD = {"recording_silence_s": 1e-9}


def settings_of(database_url: str, folder: Path, **changes: float) -> Settings:
    return Settings(data_dir=folder, database_url=database_url, broker_url="redis://127.0.0.1:1/0", **changes)


@pytest.fixture
def silent(store: Store, database_url: str, tmp_path: Path) -> Service:
    settings = settings_of(database_url, tmp_path, **DEAD)
    return Service(settings, store, Queue(settings))


def begun(service: Service, *, steps: int = 40) -> Run:
    """A sigmoid network whose program died after its first windows."""
    record = train(
        Experiment.model_validate(
            {
                "model": {"kind": "mlp", "depth": 8, "width": 16, "activation": "sigmoid"},
                "data": {"kind": "digits"},
                "optimizer": {"kind": "sgd", "learning_rate": 0.1},
                "training": {"steps": steps, "batch_size": 32},
            }
        )
    )
    run = recordings.declare(service, Declaration.model_validate(declaration(record, steps=300))).item
    for window in windows(record)[:3]:
        assert recordings.append(service, run.id, Window.model_validate(window))
    return run


def test_a_recording_without_news_ends_and_is_judged(silent: Service, store: Store) -> None:
    run = begun(silent)
    assert Reconciler(silent).prescribe() == 0  # nothing else touches it
    assert recordings.end_silent(silent) == 1
    ended = store.runs.get(run.id)
    assert (ended.status, ended.reason.code, ended.step) == ("expired", "fell_silent", 30)
    assert "sent nothing for 1e-09 s after step 30" in ended.reason.text
    assert ended.diagnosis is not None
    assert ended.diagnosis.primary == "vanishing_gradients"
    assert recordings.end_silent(silent) == 0


def test_the_reconciler_s_round_ends_it(silent: Service, store: Store, valkey_url: str) -> None:
    run = begun(silent)
    settings = silent.settings.model_copy(update={"broker_url": valkey_url})
    queue = Queue(settings)
    assert Reconciler(Service(settings, store, queue)).round() == 1
    queue.close()
    assert store.runs.get(run.id).status == "expired"


def test_a_recording_that_never_sent_anything_ends_too(silent: Service, store: Store) -> None:
    run = recordings.declare(silent, Declaration(batch_size=1)).item
    assert recordings.end_silent(silent) == 1
    ended = store.runs.get(run.id)
    assert ended.diagnosis is not None
    assert (ended.diagnosis.primary, ended.metrics) == ("insufficient_evidence", None)


def test_an_empty_window_says_that_its_program_lives(store: Store, database_url: str, tmp_path: Path) -> None:
    patient = settings_of(database_url, tmp_path)
    alive = Service(patient, store, Queue(patient))
    dead = Service(settings_of(database_url, tmp_path, **DEAD), store, alive.queue)
    run = recordings.declare(dead, Declaration(batch_size=1)).item
    assert recordings.append(alive, run.id, Window(window=0, step=0))
    assert recordings.end_silent(dead) == 0
    loss = RecordedSeries(statistic="train_loss", steps=(0,), values=((1.0,),))
    assert recordings.append(dead, run.id, Window(window=1, step=1, series=(loss,)))
    assert recordings.end_silent(dead) == 1


def test_no_worker_is_told_of_a_recording_and_none_can_claim_it(silent: Service, store: Store) -> None:
    run = recordings.declare(silent, Declaration(batch_size=1)).item
    assert store.leases.claim(run.id, owner="vm/1/2", ttl_s=60) is None
    assert store.reconciliation.unannounced(resend_after_s=0, depths={}) == []
    assert store.reconciliation.expire_leases(max_attempts=1) == 0
    assert store.runs.get(run.id).status == "running"
