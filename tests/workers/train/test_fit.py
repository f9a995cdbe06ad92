import math

import numpy as np
import pytest
import torch

from gradclinic import remedies
from gradclinic.kernel.errors import InvalidSpec, TrainingFailed
from gradclinic.measurements.record import RunRecord
from gradclinic_workers.train import fit
from gradclinic_workers.train.fit import train
from gradclinic_workers.train.reporter import Interrupted

from .. import specs

BATCH_NORM = [
    {"kind": "linear", "out_features": 8},
    {"kind": "batch_norm"},
    {"kind": "activation", "activation": "rrelu"},
    {"kind": "residual", "body": [{"kind": "linear", "out_features": 8}, {"kind": "activation", "activation": "elu"}]},
]
ARCHITECTURES = {
    "tanh": specs.mlp(),
    "adam": specs.mlp(optimizer={"kind": "adam", "learning_rate": 0.01}, activation="relu"),
    "batch norm, random slopes, residual": specs.layers(*BATCH_NORM),
    "a frozen layer": specs.layers(
        {"kind": "linear", "out_features": 8, "trainable": False},
        {"kind": "activation", "activation": "tanh"},
        {"kind": "linear", "out_features": 8},
        {"kind": "activation", "activation": "tanh"},
    ),
    "momentum and clipping": specs.mlp(
        optimizer={"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9}, clipping={"kind": "value", "max_value": 0.01}
    ),
}


class Listener:
    """A reporter that keeps everything, and stops or asks for a checkpoint when told."""

    def __init__(self, *, stop_at: int | None = None) -> None:
        self.stop_at, self.step, self.windows, self.checkpoint, self.asked = stop_at, 0, [], None, 0

    def started(self, record: RunRecord) -> None:
        self.sites = record.sites

    def should_stop(self) -> bool:
        self.asked += 1
        return self.stop_at is not None and self.asked > self.stop_at

    def checkpoint_due(self) -> bool:
        return False

    def flushed(self, *, step, series, checkpoint) -> None:
        self.step = step
        self.windows.append(series)
        self.checkpoint = checkpoint or self.checkpoint


def final_weights(experiment, *, record: bool) -> dict[str, torch.Tensor]:
    run = fit.Fit(experiment, device="cpu", reporter=Listener(), record=record)
    with torch.random.fork_rng():
        run.run(None)
    return run.modules.state_dict()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_weights_and_buffers_are_equal_to_the_bit_with_the_recorder_on_and_off(name):
    watched = final_weights(ARCHITECTURES[name], record=True)
    alone = final_weights(ARCHITECTURES[name], record=False)
    assert watched.keys() == alone.keys()
    for key, value in watched.items():
        assert torch.equal(value, alone[key]), key


def test_training_leaves_the_random_state_of_its_process_untouched():
    before = torch.random.get_rng_state()
    train(ARCHITECTURES["batch norm, random slopes, residual"])
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_same_experiment_gives_the_same_record_to_the_bit_and_another_seed_another():
    first, second, other = train(specs.mlp()), train(specs.mlp()), train(specs.mlp(seed=1))
    assert_same_series(first, second)
    assert not np.array_equal(first.get("train_loss").values, other.get("train_loss").values)


def assert_same_series(first: RunRecord, second: RunRecord, *, since: int = 0) -> None:
    assert first.series.keys() == second.series.keys()
    for name, series in first.series.items():
        keep = series.steps >= since
        assert np.array_equal(series.steps[keep], second.series[name].steps), name
        assert np.array_equal(series.values[keep], second.series[name].values, equal_nan=True), name


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("stop_at", [1, 5, 10])
def test_an_interrupted_run_resumes_and_measures_what_an_undisturbed_one_would_have(name, stop_at):
    undisturbed = train(ARCHITECTURES[name])
    listener = Listener(stop_at=stop_at)
    with pytest.raises(Interrupted) as interrupted:
        train(ARCHITECTURES[name], reporter=listener)
    assert interrupted.value.step == stop_at == listener.step
    resumed = train(ARCHITECTURES[name], checkpoint=listener.checkpoint)
    assert_same_series(undisturbed, resumed, since=stop_at)
    assert resumed.outcome.final_validation_loss == undisturbed.outcome.final_validation_loss
    assert resumed.outcome.initial_train_loss == undisturbed.outcome.initial_train_loss


def test_a_training_that_diverges_ends_as_a_result_at_its_first_non_finite_step():
    outcome = train(specs.mlp(activation="relu", optimizer={"kind": "sgd", "learning_rate": 1e30})).outcome
    assert outcome.nonfinite_step is not None
    assert outcome.steps_done == outcome.nonfinite_step < 12
    assert not math.isfinite(outcome.final_train_loss)
    assert not math.isfinite(outcome.final_validation_loss)


BREAKING = {
    "at its second step": specs.mlp(activation="relu", steps=40, optimizer={"kind": "sgd", "learning_rate": 1e6}),
    "with a state of its optimizer": specs.mlp(
        activation="leaky_relu", steps=200, optimizer={"kind": "sgd", "learning_rate": 1.7, "momentum": 0.9}
    ),
    "with batch norm": specs.mlp(
        activation="relu", normalization="batch_norm", steps=200, optimizer={"kind": "sgd", "learning_rate": 1e20}
    ),
    "with dropout": specs.layers(
        {"kind": "linear", "out_features": 16},
        {"kind": "dropout", "p": 0.3},
        {"kind": "activation", "activation": "relu"},
        optimizer={"kind": "sgd", "learning_rate": 3e3, "momentum": 0.9},
        steps=400,
    ),
}


@pytest.mark.parametrize("window", [1, 5, 250])
@pytest.mark.parametrize("name", BREAKING)
def test_a_device_that_is_asked_only_now_and_then_ends_with_the_same_record(monkeypatch, name, window):
    expected = train(BREAKING[name])
    assert expected.outcome.nonfinite_step > 0
    monkeypatch.setattr(fit, "CHECK_EVERY", {"cpu": 16})
    monkeypatch.setattr(fit, "WINDOW_RECORDS", window)
    seldom = train(BREAKING[name])
    assert_same_series(expected, seldom, since=0)
    assert seldom.outcome.nonfinite_step == seldom.outcome.steps_done == expected.outcome.nonfinite_step
    for measured in ("final_train_loss", "final_validation_loss", "final_validation_accuracy"):
        assert repr(getattr(seldom.outcome, measured)) == repr(getattr(expected.outcome, measured)), measured


@pytest.mark.parametrize("record", [True, False])
def test_a_run_that_breaks_ends_with_the_weights_before_the_step_that_broke(monkeypatch, record):
    states = []
    for every in (1, 16):
        monkeypatch.setattr(fit, "CHECK_EVERY", {"cpu": every})
        run = fit.Fit(BREAKING["with batch norm"], device="cpu", reporter=Listener(), record=record)
        with torch.random.fork_rng():
            assert run.run(None).outcome.nonfinite_step is not None
        states.append(run.modules.state_dict())
    for key, value in states[0].items():
        assert np.array_equal(value, states[1][key], equal_nan=True), key


def test_a_step_that_does_not_break_again_is_no_end(monkeypatch):
    """As on a device whose kernels are not deterministic."""
    monkeypatch.setattr(fit, "CHECK_EVERY", {"cpu": 16})
    experiment, broken = specs.mlp(steps=40), []
    backward = fit.LossScale.backward

    def breaks_once(self, loss):
        backward(self, loss)
        if not broken and run.progress.step == 21:
            broken.append(run.progress.step)
            run.parameters[0].grad.fill_(math.nan)

    monkeypatch.setattr(fit.LossScale, "backward", breaks_once)
    run = fit.Fit(experiment, device="cpu", reporter=Listener(), record=True)
    with torch.random.fork_rng():
        record = run.run(None)
    assert broken == [21]
    assert record.outcome.nonfinite_step is None
    assert record.outcome.steps_done == 40
    monkeypatch.undo()
    assert_same_series(train(experiment), record, since=0)


def test_a_run_that_stops_early_is_looked_at_again_where_it_resumes():
    asked = []

    class Decider(Listener):
        def decided(self, record):
            recorded = record.get("train_loss").steps
            asked.append(int(recorded[-1]) if len(recorded) else None)

    stop_when = {"conditions": ["vanishing_gradients"], "after": 20}
    experiment = specs.mlp(steps=50)
    training = type(experiment.training).model_validate({**experiment.training.to_json(), "stop_when": stop_when})
    experiment = experiment.model_copy(update={"training": training})
    interrupted = Decider(stop_at=20)
    with pytest.raises(Interrupted):
        train(experiment, reporter=interrupted)
    assert asked == []
    train(experiment, reporter=Decider(), checkpoint=interrupted.checkpoint)
    assert asked == [None, 39]


def test_a_network_that_is_infinite_from_the_start_stops_at_step_zero_and_keeps_that_record():
    record = train(specs.mlp(activation="identity", initialization={"scheme": "xavier_normal", "gain": 1e20}))
    assert record.outcome.nonfinite_step == 0
    assert list(record.get("train_loss").steps) == [0]
    assert not np.isfinite(record.get("grad_norm_l2").values[0, 0])


def test_a_frozen_layer_keeps_its_weights_and_its_site_still_has_a_gradient():
    record = train(ARCHITECTURES["a frozen layer"])
    assert [weight.trainable for weight in record.weights] == [False, True, True]
    assert (record.get("site_grad_rms").values > 0).all()
    assert (record.get("weight_grad_norm_l2").values[:, 0] == 0).all()
    assert (record.get("distance_from_start").values[:, 0] == 0).all()


def test_a_network_with_every_layer_frozen_fails_with_a_reason():
    frozen = specs.layers(data="moons")
    layers = tuple(layer.model_copy(update={"trainable": False}) for layer in frozen.model.layers)
    model = frozen.model.model_copy(update={"layers": layers})
    with pytest.raises(TrainingFailed, match="all layers are frozen"):
        train(frozen.model_copy(update={"model": model}))


@pytest.mark.parametrize("shape", [{"depth": 1}, {"width": 1}, {"batch_size": 1}, {"steps": 1}])
def test_the_smallest_networks_batches_and_runs_are_recorded_like_any_other(shape):
    record = train(specs.mlp(**shape))
    assert record.outcome.nonfinite_step is None
    assert np.isfinite(record.get("site_grad_rms").values).all()


def test_batch_norm_in_a_batch_of_one_sample_is_refused_before_anything_trains():
    with pytest.raises(InvalidSpec, match="/training/batch_size"):
        train(specs.mlp(normalization="batch_norm", batch_size=1))


def test_a_remedy_that_adds_norms_leaves_weights_and_data_order_as_they_were():
    plain = specs.mlp(steps=1)
    normed = remedies.apply_all(plain, [remedies.AddBatchNorm()])
    assert np.array_equal(train(plain).get("weight_norm_l2").values, train(normed).get("weight_norm_l2").values)


def test_a_network_that_learns_reaches_its_target_and_says_when():
    record = train(specs.mlp(activation="relu", steps=120, optimizer={"kind": "adam", "learning_rate": 0.01}))
    probe = record.get("probe_loss")
    at = list(probe.steps).index(record.outcome.steps_to_target)
    assert probe.values[at, 0] <= 0.5 * record.outcome.constant_loss < probe.values[at - 1, 0]
    assert record.outcome.final_validation_accuracy > 0.8


def test_a_regression_says_in_which_unit_its_losses_are_and_a_classification_has_none():
    def outcome(**data):
        experiment = specs.mlp(data="teacher")
        return train(experiment.model_copy(update={"data": experiment.data.model_copy(update=data)})).outcome

    raw, standardized = outcome(target_scale=100.0, standardize=False), outcome(target_scale=100.0)
    assert raw.loss_unit == 1.0
    assert standardized.constant_loss * standardized.loss_unit == pytest.approx(raw.constant_loss, rel=1e-5)
    assert train(specs.mlp()).outcome.loss_unit is None
