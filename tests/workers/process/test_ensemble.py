"""Runs of one ensemble, which one worker claims and trains together."""

import itertools
import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.kernel.errors import LeaseLost
from gradclinic.kernel.project import DEFAULT
from gradclinic.measurements.record import RunRecord
from gradclinic.reconciler import Reconciler
from gradclinic.settings import Settings
from gradclinic.store import NewRun, Run, Store
from gradclinic.use_cases.service import Service
from gradclinic_workers.process import attempt
from gradclinic_workers.process.held_run import draining
from gradclinic_workers.process.tasks import Trainer
from gradclinic_workers.train import fit
from gradclinic_workers.train.lanes import LaneRun, train_together

from ...servers import Valkey
from .test_deaths import assert_ended_once, killed_at, recover
from .test_tasks import EXPERIMENT, STEPS, assert_same, trainer  # noqa: F401  # a fixture

BREAKING = {"optimizer": {"kind": "sgd", "learning_rate": 1e30, "weight_decay": 1000.0}}


def lane(seed: int, *, steps: int = STEPS, **changes: Any) -> dict[str, Any]:
    return EXPERIMENT | {"training": EXPERIMENT["training"] | {"seed": seed, "steps": steps}} | changes


def submitted(store: Store, experiments: list[dict[str, Any]], *, ensemble: str | None = "ensemble_1") -> list[Run]:
    return [
        store.runs.create(
            NewRun(
                experiment=each, resolved_experiment=each, digest="d", seed=each["training"]["seed"],
                steps=each["training"]["steps"], ensemble=ensemble,
            )
        ).item
        for each in experiments
    ]  # fmt: skip


def undisturbed(experiment: dict[str, Any]) -> RunRecord:
    return _undisturbed(json.dumps(experiment))


@cache
def _undisturbed(experiment: str) -> RunRecord:
    """Trained in a lane, once for all tests, none of which changes it."""
    (_, record), *_ = train_together([LaneRun(Experiment.model_validate_json(experiment))])
    assert isinstance(record, RunRecord)
    return record


def test_one_message_trains_all_runs_of_an_ensemble_and_each_ends_as_its_own(store: Store, trainer: Trainer) -> None:  # noqa: F811
    experiments = [lane(0), lane(1), lane(2, **BREAKING), lane(3, clipping={"kind": "norm", "max_norm": 0.1})]
    runs = submitted(store, experiments)
    trainer.train(runs[1].id)
    for run, experiment in zip(runs, experiments, strict=True):
        ended = store.runs.get(run.id)
        assert (ended.status, ended.attempt) == ("succeeded", 1)
        assert ended.diagnosis is not None
        assert ended.environment is not None
        assert ended.environment["lanes"] == 4
        assert_same(store, run.id, undisturbed(experiment))
    assert [store.runs.get(run.id).reason.code for run in runs] == ["trained", "trained", "non_finite", "trained"]


def test_only_waiting_runs_of_the_same_ensemble_are_claimed_and_no_more_than_allowed(store, trainer):  # noqa: F811
    first, second, third = submitted(store, [lane(seed) for seed in range(3)])
    (other,) = submitted(store, [lane(9)], ensemble="ensemble_2")
    store.runs.request_cancel(second.id)
    trainer.settings = trainer.settings.model_copy(update={"max_lanes": 2})
    trainer.train(first.id)
    assert [store.runs.get(run.id).status for run in (first, second, third, other)] == [
        "succeeded", "canceled", "succeeded", "queued",
    ]  # fmt: skip


def test_the_setting_trains_each_run_alone(store, trainer):  # noqa: F811
    runs = submitted(store, [lane(0), lane(1)])
    trainer.settings = trainer.settings.model_copy(update={"max_lanes": 1})
    trainer.train(runs[0].id)
    assert [store.runs.get(run.id).status for run in runs] == ["succeeded", "queued"]
    assert "no other run" in store.runs.get(runs[0].id).environment["alone"]


def test_a_run_that_is_cancelled_leaves_the_others_in_training(store, trainer, monkeypatch):  # noqa: F811
    runs = submitted(store, [lane(seed) for seed in range(3)])
    asked = itertools.count()

    def should_stop(training: attempt.RunAttempt) -> bool:
        if next(asked) == 3 * 7:
            store.runs.request_cancel(runs[1].id)
            training._held._stop = None
        if training._run.id == runs[1].id and store.runs.get(runs[1].id).cancel_requested:
            training._held._stop = "canceled"
        return training._held.stop is not None

    monkeypatch.setattr(attempt.RunAttempt, "should_stop", should_stop)
    trainer.train(runs[0].id)
    assert [store.runs.get(run.id).status for run in runs] == ["succeeded", "canceled", "succeeded"]
    assert store.runs.get(runs[1].id).step < STEPS
    for run, seed in ((runs[0], 0), (runs[2], 2)):
        assert_same(store, run.id, undisturbed(lane(seed)))


def test_drained_runs_resume_and_equal_undisturbed_ones_to_the_bit(store, trainer, monkeypatch):  # noqa: F811
    norm = {"model": EXPERIMENT["model"] | {"normalization": "batch_norm"}}
    experiments = [lane(seed, **norm) for seed in range(3)]
    runs = submitted(store, experiments)
    asked = itertools.count()

    def should_stop(training: attempt.RunAttempt) -> bool:
        if next(asked) == 3 * 17:
            draining.set()
        return training._held.stop is not None

    with monkeypatch.context() as interrupted:
        interrupted.setattr(attempt.RunAttempt, "should_stop", should_stop)
        trainer.train(runs[0].id)
    draining.clear()
    assert [store.runs.get(run.id).status for run in runs] == ["queued"] * 3
    store.runs.request_cancel(runs[1].id)  # the others resume without it
    trainer.train(runs[2].id)
    for place in (0, 2):
        ended = store.runs.get(runs[place].id)
        assert (ended.status, ended.attempt, ended.step) == ("succeeded", 2, STEPS)
        assert_same(store, runs[place].id, undisturbed(experiments[place]))


def test_what_goes_wrong_in_one_lane_ends_only_that_run(store, trainer, monkeypatch):  # noqa: F811
    runs = submitted(store, [lane(seed) for seed in range(3)])
    started, flushed = attempt.RunAttempt.started, attempt.RunAttempt.flushed

    def failing(training: attempt.RunAttempt, record: RunRecord) -> None:
        if training._run.id == runs[0].id:
            raise ZeroDivisionError("division by zero")
        started(training, record)

    def losing(training: attempt.RunAttempt, **window: Any) -> None:
        if training._run.id == runs[1].id:
            raise LeaseLost("another attempt has it")
        flushed(training, **window)

    monkeypatch.setattr(attempt.RunAttempt, "started", failing)
    monkeypatch.setattr(attempt.RunAttempt, "flushed", losing)
    trainer.train(runs[0].id)
    found = [store.runs.get(run.id) for run in runs]
    assert [run.status for run in found] == ["failed", "running", "succeeded"]
    assert found[0].reason.code == "internal_error"
    assert "division" not in found[0].reason.text
    assert_same(store, runs[2].id, undisturbed(lane(2)))


def test_runs_that_cannot_be_lanes_are_trained_alone_after_all(store, trainer):  # noqa: F811
    rnn = {"model": {"kind": "rnn", "cell": "rnn", "width": 4}, "data": {"kind": "digit_rows"}}
    runs = submitted(store, [lane(seed, steps=3, **rnn) for seed in range(2)])
    trainer.train(runs[0].id)
    assert [store.runs.get(run.id).status for run in runs] == ["succeeded", "succeeded"]


@pytest.mark.slow
def test_no_lane_is_lost_or_repeated_wherever_its_worker_dies(
    sqlite_template: Path, valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "WINDOW_RECORDS", 4)
    monkeypatch.setattr("gradclinic.store.reconciliation.GRACE_S", 0.0)
    experiments = [lane(seed, steps=8) for seed in range(2)]
    places = []
    for point in itertools.count():
        folder = tmp_path / str(point)
        folder.mkdir()
        shutil.copy(sqlite_template, folder / "gradclinic.db")
        settings = Settings(data_dir=folder, broker_url=valkey.url, checkpoint_every_s=1e-9, resend_after_s=1e-9)
        first, second = (Trainer(settings, owner=f"vm/{number}/1") for number in (1, 2))
        store = first.store
        runs = submitted(store.within(DEFAULT), experiments)
        valkey.flush()  # the worker has taken the message
        place = killed_at(point, first, runs[0].id, monkeypatch)
        if place is not None:
            places.append(place)
            recover(store, second, runs[0].id, supervised=True)
            second.train(runs[0].id)
        second.train(runs[1].id)  # the second run's message comes, too
        for run, experiment in zip(runs, experiments, strict=True):
            assert_ended_once(store, run.id)
            assert_same(store, run.id, undisturbed(experiment))
        Reconciler(Service(settings, store, second.queue)).round()
        assert not any((folder / "checkpoints").glob("*/*")), place
        first.close()
        second.close()
        if place is None:
            break
    assert len(places) > 30
