"""What is recorded when something happens: around a spike, and before a step that is not finite."""

import numpy as np
import pytest
import torch

from gradclinic.experiments.experiment import RecordingPlan
from gradclinic.measurements.estimate import recorded_steps
from gradclinic_workers.train import fit
from gradclinic_workers.train.fit import train
from gradclinic_workers.train.reporter import Interrupted

from ..workers import specs
from ..workers.train.test_fit import Listener

SPARSE = {"every": 20, "full_every": 40, "dense_until": 5}
FREE = ("train_loss", "grad_norm_l2", "weight_grad_norm_l2")
"""What every step computes anyway."""


def spiking(**recording):
    """A training whose loss spikes at step 36."""
    return specs.mlp(
        activation="relu", steps=120, optimizer={"kind": "sgd", "learning_rate": 3}, recording=SPARSE | recording
    )


def breaking(**recording):
    """A training with batch norm and random slopes that is not finite at step 6."""
    experiment = specs.layers(
        {"kind": "linear", "out_features": 8},
        {"kind": "batch_norm"},
        {"kind": "activation", "activation": "rrelu"},
        {"kind": "linear", "out_features": 8},
        {"kind": "activation", "activation": "rrelu"},
        steps=120,
        optimizer={"kind": "sgd", "learning_rate": 10},
    )
    plan = {"every": 20, "full_every": 40, "dense_until": 1} | recording
    return experiment.model_copy(update={"recording": RecordingPlan(**plan)})


def steps_of(record, statistic):
    return record.get(statistic).steps.tolist()


def values_at(record, statistic, step):
    series = record.get(statistic)
    return series.values[series.steps.tolist().index(step)]


def test_all_statistics_of_the_steps_after_a_spike_are_recorded_and_the_norms_of_those_before():
    record = train(spiking())
    assert steps_of(record, "preactivation_rms") == [*range(5), *range(37, 47), 80]
    for name in FREE:
        assert steps_of(record, name) == [*range(5), *range(20, 47), 60, 80, 100], name
    assert steps_of(record, "site_grad_rms") == [*range(5), 20, *range(37, 47), 60, 80, 100]
    loss = record.get("train_loss")
    before = loss.values[(loss.steps >= 20) & (loss.steps < 36)]
    assert values_at(record, "train_loss", 36)[0] > 2 * np.median(before)


def test_what_is_recorded_around_an_event_equals_what_a_dense_plan_records():
    record, dense = train(spiking()), train(spiking(every=1, full_every=1))
    for name in record.series:
        kept = np.isin(dense.get(name).steps, record.get(name).steps)
        assert np.array_equal(dense.get(name).values[kept], record.get(name).values, equal_nan=True), name


def test_without_it_the_plan_is_the_declared_one():
    record = train(spiking(adaptive=False))
    assert steps_of(record, "preactivation_rms") == [*range(5), 40, 80]
    assert steps_of(record, "train_loss") == [*range(5), 20, 40, 60, 80, 100]


@pytest.mark.parametrize("look_every", [1, 16])
@pytest.mark.parametrize("stop_at", [10, 30, 37, 40, 47, 70])
def test_an_interrupted_run_records_the_same_steps_as_an_undisturbed_one(monkeypatch, stop_at, look_every):
    monkeypatch.setattr(fit, "CHECK_EVERY", {"cpu": look_every})
    undisturbed, listener = train(spiking()), Listener(stop_at=stop_at)
    with pytest.raises(Interrupted):
        train(spiking(), reporter=listener)
    resumed = train(spiking(), checkpoint=listener.checkpoint)
    for name, series in undisturbed.series.items():
        parts = [window[name] for window in listener.windows if name in window]
        parts += [resumed.series[name]] if name in resumed.series else []
        assert np.concatenate([part.steps for part in parts]).tolist() == series.steps.tolist(), name
        values = np.concatenate([part.values for part in parts])
        assert np.array_equal(values, series.values, equal_nan=True), name


def test_a_step_that_breaks_is_recorded_fully_and_the_steps_before_it_are_not_lost():
    record, dense = train(breaking()), train(breaking(every=1, full_every=1))
    last = record.outcome.nonfinite_step
    assert last == dense.outcome.nonfinite_step
    assert 3 < last < 20
    assert steps_of(record, "preactivation_rms") == [0, last]
    for name in FREE:
        assert steps_of(record, name) == list(range(last + 1)), name
    for name in record.series:
        if last in record.get(name).steps:
            assert np.array_equal(values_at(record, name, last), values_at(dense, name, last), equal_nan=True), name
    assert (record.get("site_grad_nonfinite_count").values[-1] > 0).any()


@pytest.mark.parametrize("recording", [{}, {"every": 1}, {"adaptive": False}])
def test_looking_at_a_broken_step_once_more_leaves_weights_buffers_and_outcome_alone(recording):
    states, outcomes = [], []
    for record in (True, False):
        run = fit.Fit(breaking(**recording), device="cpu", reporter=Listener(), record=record)
        with torch.random.fork_rng():
            outcomes.append(run.run(None).outcome)
        states.append(run.modules.state_dict())
    assert outcomes[0].nonfinite_step == outcomes[1].nonfinite_step is not None
    for key, value in states[0].items():
        assert torch.equal(value, states[1][key]), key


def test_where_the_device_is_asked_seldom_the_steps_before_a_break_are_kept_all_the_same(monkeypatch):
    expected = train(breaking())
    monkeypatch.setattr(fit, "CHECK_EVERY", {"cpu": 16})
    record = train(breaking())
    assert record.outcome.nonfinite_step == expected.outcome.nonfinite_step
    for name in FREE:
        assert steps_of(record, name) == steps_of(expected, name), name
        assert np.array_equal(record.get(name).values, expected.get(name).values, equal_nan=True), name


@pytest.mark.parametrize("experiment", [spiking(), breaking(), spiking(every=1, full_every=10)])
def test_the_estimate_of_recorded_steps_is_never_exceeded(experiment):
    record = train(experiment)
    basic, full = recorded_steps(experiment.training.steps, experiment.recording)
    assert len(record.get("train_loss")) <= basic
    assert len(record.get("preactivation_rms")) <= full
