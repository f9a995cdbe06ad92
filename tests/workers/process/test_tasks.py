import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from gradclinic.experiments.experiment import Experiment
from gradclinic.kernel.amounts import bytes_in_words
from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.measurements.estimate import estimate
from gradclinic.measurements.record import RunRecord, Series
from gradclinic.settings import Settings
from gradclinic.store import NewRun, Run, Store
from gradclinic_workers.process import attempt, tasks
from gradclinic_workers.process.held_run import draining
from gradclinic_workers.process.tasks import Trainer
from gradclinic_workers.train import fit

from ...service.store.records import claimed
from ...waiting import eventually

STEPS = 60
EXPERIMENT: dict[str, Any] = {
    "model": {
        "kind": "mlp",
        "depth": 3,
        "width": 8,
        "activation": "tanh",
        "initialization": {"scheme": "torch_default"},
    },
    "data": {"kind": "moons"},
    "optimizer": {"kind": "adam", "learning_rate": 0.01},
    "training": {"steps": STEPS, "batch_size": 16, "seed": 3},
}


@pytest.fixture
def trainer(database_url: str, valkey_url: str, tmp_path: Path) -> Iterator[Trainer]:
    settings = Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        broker_url=valkey_url,
        cancel_poll_s=0.01,
        checkpoint_every_s=1e-9,
    )
    draining.clear()
    made = Trainer(settings, owner="vm/1/2")
    yield made
    made.close()
    draining.clear()


def submitted(store: Store, *, queue: Literal["cpu", "gpu"] = "cpu", **changes: Any) -> Run:
    experiment = EXPERIMENT | changes
    new = NewRun(experiment=experiment, resolved_experiment=experiment, digest="d", seed=3, steps=STEPS, queue=queue)
    return store.runs.create(new).item


def undisturbed(experiment: Mapping[str, Any] = EXPERIMENT) -> RunRecord:
    return _undisturbed(json.dumps(experiment))


@cache
def _undisturbed(experiment: str) -> RunRecord:
    """Trained once for all tests, none of which changes it."""
    return fit.train(Experiment.model_validate_json(experiment))


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int, act) -> None:
    """Have something happen before a step of the training."""
    asked = iter(range(10**6))

    def should_stop(training: attempt.RunAttempt) -> bool:
        if next(asked) == step:
            act()
        return training._held.stop is not None

    monkeypatch.setattr(attempt.RunAttempt, "should_stop", should_stop)


def assert_same(store: Store, run_id: str, expected: RunRecord) -> None:
    stored = store.statistics.record(run_id)
    assert set(stored.series) == set(expected.series)
    for name, series in expected.series.items():
        assert stored.series[name].steps.tolist() == series.steps.tolist(), name
        assert bits(stored.series[name]) == bits(series), name


def bits(series: Series) -> list[list[int]]:
    return np.ascontiguousarray(series.values, np.float32).view(np.uint32).tolist()


def test_a_run_is_trained_saved_judged_and_ended(store: Store, trainer: Trainer) -> None:
    run = submitted(store)
    trainer.train(run.id)
    ended = store.runs.get(run.id)
    assert (ended.status, ended.reason.code, ended.step, ended.attempt) == ("succeeded", "trained", STEPS, 1)
    assert ended.diagnosis is not None
    assert ended.diagnosis.primary in {"healthy", "slow_convergence"}
    assert ended.environment is not None
    assert ended.environment["device"] == "cpu"
    assert_same(store, run.id, undisturbed())


SICK: dict[str, Any] = {
    "model": {"kind": "mlp", "depth": 12, "width": 8, "activation": "sigmoid"},
    "training": EXPERIMENT["training"]
    | {"stop_when": {"conditions": ["vanishing_gradients"], "confidence": 0.9, "after": 20}},
}


def test_a_run_stops_early_on_the_finding_its_owner_named_and_says_what_that_saved(store: Store, trainer) -> None:
    sick, healthy = submitted(store, **SICK), submitted(store, training=SICK["training"])
    for run in (sick, healthy):
        trainer.train(run.id)
    stopped, whole = store.runs.get(sick.id), store.runs.get(healthy.id)
    assert (stopped.status, stopped.reason.code) == ("succeeded", "stopped_on_finding")
    assert stopped.outcome is not None
    assert stopped.outcome.stopped_on == "vanishing_gradients"
    assert stopped.metrics is not None
    assert stopped.metrics.saved_share == 1 - stopped.outcome.steps_done / STEPS > 0
    assert stopped.diagnosis is not None
    assert stopped.diagnosis.primary == "vanishing_gradients"
    assert (whole.reason.code, whole.step) == ("trained", STEPS)
    assert whole.metrics is not None
    assert whole.metrics.saved_share is None


def test_an_interrupted_run_stops_early_at_the_same_step(store: Store, trainer: Trainer, monkeypatch) -> None:
    straight, drained = submitted(store, **SICK), submitted(store, **SICK)
    trainer.train(straight.id)
    with monkeypatch.context() as interrupted:
        stop_at(interrupted, 13, draining.set)
        trainer.train(drained.id)
    draining.clear()
    assert store.runs.get(drained.id).status == "queued"
    trainer.train(drained.id)
    assert store.runs.get(drained.id).outcome.steps_done == store.runs.get(straight.id).outcome.steps_done < STEPS


def test_a_run_that_may_stop_is_read_back_once_however_often_it_is_looked_at(
    store: Store, trainer: Trainer, monkeypatch
) -> None:
    stop_when = {"conditions": ["dead_units"], "confidence": 0.99, "after": 20}
    run = submitted(store, training=EXPERIMENT["training"] | {"stop_when": stop_when})
    read, looked = [], []
    record, look = trainer.store.statistics.record, attempt.reason_to_stop
    monkeypatch.setattr(trainer.store.statistics, "record", lambda run_id: read.append(run_id) or record(run_id))
    monkeypatch.setattr(attempt, "reason_to_stop", lambda *args: looked.append(args[0]) or look(*args))
    trainer.train(run.id)
    assert store.runs.get(run.id).reason.code == "trained"
    assert [int(each.get("train_loss").steps[-1]) + 1 for each in looked] == [20, 40]
    assert read == [run.id]  # at the end, to be judged


def test_a_message_delivered_five_times_costs_no_training(store: Store, trainer: Trainer, monkeypatch) -> None:
    run = submitted(store)
    trainer.train(run.id)
    ended = store.runs.get(run.id)
    monkeypatch.setattr(fit, "train", lambda *_, **__: pytest.fail("trained again"))
    for _ in range(4):
        trainer.train(run.id)
    trainer.train("run_that_never_was")
    assert store.runs.get(run.id) == ended


def test_a_claim_whose_answer_was_lost_costs_no_attempt(store: Store, trainer: Trainer, monkeypatch) -> None:
    run = submitted(store)
    claim, lost = trainer.store.leases.claim, iter([True])

    def flaky(*args: Any, **kwargs: Any) -> Any:
        answer = claim(*args, **kwargs)
        if next(lost, False):
            raise ServiceUnavailable("the connection to the database was lost")
        return answer

    monkeypatch.setattr(tasks, "CLAIM_PAUSE_S", 0.0)
    monkeypatch.setattr(trainer.store.leases, "claim", flaky)
    trainer.train(run.id)
    assert (store.runs.get(run.id).status, store.runs.get(run.id).attempt) == ("succeeded", 1)


def test_a_run_that_cannot_be_trained_fails_with_its_reason(store: Store, trainer: Trainer) -> None:
    run = submitted(store, queue="gpu")
    trainer.train(run.id)
    failed = store.runs.get(run.id)
    assert (failed.status, failed.reason.code) == ("failed", "training_failed")
    assert "CUDA" in failed.reason.text


def test_an_error_inside_the_service_fails_the_run_and_spares_the_next(store, trainer, monkeypatch) -> None:
    run = submitted(store)
    with monkeypatch.context() as broken:
        broken.setattr(fit, "train", lambda *_, **__: 1 / 0)
        trainer.train(run.id)
    failed = store.runs.get(run.id)
    assert (failed.status, failed.reason.code) == ("failed", "internal_error")
    assert "division" not in failed.reason.text
    after = submitted(store)
    trainer.train(after.id)
    assert store.runs.get(after.id).status == "succeeded"


def test_a_run_that_needs_too_much_memory_fails_with_the_estimate_and_spares_the_next(store, trainer, monkeypatch):
    def out_of_memory(_fit: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    run = submitted(store)
    with monkeypatch.context() as small:
        small.setattr(fit.Fit, "one_step", out_of_memory)
        trainer.train(run.id)
    failed = store.runs.get(run.id)
    assert (failed.status, failed.reason.code) == ("failed", "out_of_memory")
    needed = bytes_in_words(estimate(Experiment.model_validate(EXPERIMENT)).memory_bytes)
    assert f"was estimated to need about {needed}" in failed.reason.text
    after = submitted(store)
    trainer.train(after.id)
    assert store.runs.get(after.id).status == "succeeded"


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_only_an_error_on_a_gpu_ends_the_process_and_only_after_all_is_written(
    store, trainer, monkeypatch, device: str
) -> None:
    class Ended(BaseException):
        pass

    def end() -> None:
        raise Ended

    def broken(*_: Any, reporter: Any, **__: Any) -> None:
        reporter.flushed(step=0, series={}, checkpoint=b"state")
        raise RuntimeError("CUDA error: device-side assert triggered")

    run = submitted(store)
    monkeypatch.setattr("gradclinic_workers.train.device.of_queue", lambda _: device)
    monkeypatch.setattr("gradclinic_workers.train.device.fingerprint", lambda *_, **__: {"device": device})
    monkeypatch.setattr(fit, "train", broken)
    monkeypatch.setattr(attempt, "_end_this_process", end)
    with pytest.raises(Ended) if device == "cuda" else nullcontext():
        trainer.train(run.id)
    failed = store.runs.get(run.id)
    assert (failed.status, failed.reason.code) == ("failed", "internal_error")
    assert "assert" not in failed.reason.text
    assert trainer.checkpoints.run_ids() == []


def test_a_run_that_stops_being_finite_succeeded_and_says_where(store: Store, trainer: Trainer) -> None:
    run = submitted(
        store,
        model=EXPERIMENT["model"] | {"activation": "relu"},
        optimizer={"kind": "sgd", "learning_rate": 1e20},
    )
    trainer.train(run.id)
    ended = store.runs.get(run.id)
    assert (ended.status, ended.reason.code) == ("succeeded", "non_finite")
    assert ended.step < STEPS
    assert ended.diagnosis is not None
    assert ended.diagnosis.primary in {"divergence", "exploding_gradients"}


@pytest.mark.parametrize("step", [1, 17, STEPS - 1])
def test_a_drained_run_resumes_and_equals_an_undisturbed_one_to_the_bit(store, trainer, monkeypatch, step) -> None:
    run = submitted(store)
    with monkeypatch.context() as patched:
        stop_at(patched, step, draining.set)
        trainer.train(run.id)
    waiting = store.runs.get(run.id)
    assert (waiting.status, waiting.reason.code, waiting.step) == ("queued", "drained", step)
    assert waiting.checkpoint is not None
    assert waiting.checkpoint.step == step
    assert trainer.queue.depths()["cpu"] == 1
    draining.clear()
    trainer.train(run.id)
    ended = store.runs.get(run.id)
    assert (ended.status, ended.attempt) == ("succeeded", 2)
    expected = undisturbed()
    assert_same(store, run.id, expected)
    assert ended.outcome is not None
    assert expected.outcome is not None
    assert ended.outcome.final_train_loss == expected.outcome.final_train_loss
    assert ended.outcome.steps_to_target == expected.outcome.steps_to_target
    assert trainer.checkpoints.run_ids() == []


SPIKING = EXPERIMENT | {
    "model": EXPERIMENT["model"] | {"activation": "relu", "initialization": {"scheme": "xavier_normal"}},
    "optimizer": {"kind": "sgd", "learning_rate": 3.0},
    "training": EXPERIMENT["training"] | {"seed": 0},
    "recording": {"every": 20, "full_every": 40, "dense_until": 5},
}
"""Its loss spikes at step 36, so that some of what was passed by since step 20 is recorded then."""


@pytest.mark.parametrize(("experiment", "checkpoint_at"), [(EXPERIMENT, 5), (SPIKING, 25)])
def test_what_was_recorded_after_the_checkpoint_is_there_once(
    store, trainer, monkeypatch, experiment, checkpoint_at
) -> None:
    run = submitted(store, **experiment)
    monkeypatch.setattr(fit, "WINDOW_SECONDS", 0.0)
    due = iter([step == checkpoint_at - 1 for step in range(1000)])
    with monkeypatch.context() as patched:
        patched.setattr(attempt.RunAttempt, "checkpoint_due", lambda _: next(due))
        stop_at(patched, 40, lambda: store.reconciliation.abandon(store.reconciliation.owners("vm/"), max_attempts=3))
        trainer.train(run.id)
    waiting = store.runs.get(run.id)
    assert waiting.status == "queued"
    assert waiting.checkpoint is not None
    assert checkpoint_at == waiting.checkpoint.step < waiting.step
    trainer.train(run.id)
    assert store.runs.get(run.id).status == "succeeded"
    assert_same(store, run.id, undisturbed(experiment))


def test_the_spike_of_the_test_above_is_one():
    assert 36 in undisturbed(SPIKING).get("train_loss").steps


def test_a_run_whose_checkpoint_is_gone_begins_again(store, trainer, monkeypatch) -> None:
    run = submitted(store)
    with monkeypatch.context() as patched:
        stop_at(patched, 30, draining.set)
        trainer.train(run.id)
    draining.clear()
    trainer.checkpoints.drop(run.id)
    trainer.train(run.id)
    assert store.runs.get(run.id).status == "succeeded"
    assert_same(store, run.id, undisturbed())


def test_a_disk_without_space_costs_the_checkpoint_and_not_the_run(store, trainer, monkeypatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    run = submitted(store)
    monkeypatch.setattr(fit, "WINDOW_RECORDS", 10)
    monkeypatch.setattr(trainer.checkpoints, "save", full)
    trainer.train(run.id)
    assert store.runs.get(run.id).status == "succeeded"


def test_old_checkpoints_that_cannot_be_removed_cost_the_run_nothing(store, trainer, monkeypatch) -> None:
    def read_only(*_: Any) -> None:
        raise OSError(30, "Read-only file system")

    run = submitted(store)
    monkeypatch.setattr(fit, "WINDOW_RECORDS", 10)
    monkeypatch.setattr(trainer.checkpoints, "keep_only", read_only)
    trainer.train(run.id)
    assert store.runs.get(run.id).status == "succeeded"


def test_a_cancelled_run_stops_and_keeps_what_it_recorded(store, trainer, monkeypatch) -> None:
    run = submitted(store, training=EXPERIMENT["training"] | {"steps": 1_000_000})
    stop_at(monkeypatch, 20, lambda: store.runs.request_cancel(run.id))
    trainer.train(run.id)
    canceled = store.runs.get(run.id)
    assert (canceled.status, canceled.reason.code) == ("canceled", "canceled_by_user")
    assert canceled.step >= 20
    assert len(store.statistics.series(run.id, "train_loss")) == canceled.step
    assert trainer.checkpoints.run_ids() == []


def test_a_run_that_takes_too_long_is_failed(store, trainer, monkeypatch) -> None:
    trainer.settings = trainer.settings.model_copy(update={"max_run_s": 0.05})
    run = submitted(store, training=EXPERIMENT["training"] | {"steps": 1_000_000})
    trainer.train(run.id)
    failed = store.runs.get(run.id)
    assert (failed.status, failed.reason.code) == ("failed", "run_time_limit")


def test_an_attempt_that_lost_its_lease_writes_nothing_more(store, trainer, monkeypatch) -> None:
    run = submitted(store)
    monkeypatch.setattr(fit, "WINDOW_RECORDS", 5)

    def another_takes_over() -> None:
        store.reconciliation.abandon(store.reconciliation.owners("vm/"), max_attempts=3)
        assert store.leases.claim(run.id, owner="vm/9/9", ttl_s=60) is not None

    stop_at(monkeypatch, 20, another_takes_over)
    trainer.train(run.id)
    taken = store.runs.get(run.id)
    assert (taken.status, taken.owner, taken.attempt) == ("running", "vm/9/9", 2)
    assert taken.ended_at is None


def test_facts_are_kept_when_the_diagnosis_breaks(store, trainer, monkeypatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise LookupError("a rule broke")

    monkeypatch.setattr(attempt, "diagnose", broken)
    run = submitted(store)
    trainer.train(run.id)
    ended = store.runs.get(run.id)
    assert (ended.status, ended.reason.code, ended.diagnosis) == ("succeeded", "not_diagnosed", None)
    assert len(store.statistics.series(run.id, "train_loss")) == STEPS


def test_a_worker_that_is_ending_passes_its_message_on(store, trainer) -> None:
    run = submitted(store)
    draining.set()
    trainer.train(run.id)
    assert store.runs.get(run.id).attempt == 0
    assert trainer.queue.depths()["cpu"] == 1


def test_a_worker_that_is_ending_passes_on_the_message_of_a_run_that_another_has_taken(store, trainer) -> None:
    taken = submitted(store)
    claimed(store, taken.id, owner="vm/9/9")
    submitted(store)
    draining.set()
    trainer.train(taken.id)
    assert trainer.queue.depths()["cpu"] == 1  # it tells another worker of the run that waits


def test_a_message_starts_the_run_whose_turn_it_is(store, trainer) -> None:
    first, second = submitted(store), submitted(store.within("other"))
    trainer.train(second.id)
    trainer.train(second.id)
    started = [store.everywhere().runs.get(run.id).started_at for run in (first, second)]
    assert None not in started
    assert started == sorted(started)


def test_a_worker_that_is_slower_than_another_takes_the_run_after(store, trainer, monkeypatch) -> None:
    first, second = submitted(store), submitted(store)
    next_run = trainer.store.leases.next_run

    def slower(hinted: str, **given: Any) -> str | None:
        found = next_run(hinted, **given)
        if found == first.id:
            claimed(store, first.id, owner="vm/9/9")
        return found

    monkeypatch.setattr(trainer.store.leases, "next_run", slower)
    trainer.train(first.id)
    assert store.runs.get(first.id).owner == "vm/9/9"
    assert store.runs.get(second.id).status == "succeeded"


def test_a_process_that_is_no_worker_refuses_the_task() -> None:
    with pytest.raises(RuntimeError, match="not a worker"):
        tasks.train("run_1")


def test_a_worker_is_seen_until_it_leaves_and_removes_what_runs_that_ended_elsewhere_left(
    store: Store, trainer: Trainer
) -> None:
    (trainer.settings.checkpoint_dir / "run_gone").mkdir(parents=True)
    presence = threading.Thread(target=trainer.announce_for_ever)
    presence.start()
    try:
        (worker,) = eventually(lambda: store.reconciliation.workers(seen_within_s=60))
        eventually(lambda: trainer.checkpoints.run_ids() == [])
        assert (worker.owner, worker.device, worker.run_id) == ("vm/1/2", trainer.device, None)
    finally:
        trainer.leave()
        presence.join()
    assert store.reconciliation.workers(seen_within_s=60) == []
