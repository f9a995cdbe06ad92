"""What a declared training tells before its first step: the same facts that a look at a user's own loop gives."""

import numpy as np
import pytest
import torch

from gradclinic.diagnosis import diagnose
from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.preflight import Preflight, WiringFacts
from gradclinic_workers.train.fit import train
from gradclinic_workers.train.reporter import Interrupted, Silent

from .. import specs

BATCH_NORM = {"kind": "batch_norm"}
RELU = {"kind": "activation", "activation": "relu"}


def looked_at(experiment: Experiment) -> Preflight:
    found = train(experiment).preflight
    assert found is not None
    return found


def declared(**data: object) -> Experiment:
    return Experiment.model_validate(specs.mlp().to_json() | {"data": data})


def test_it_measures_the_inputs_that_the_network_trains_on():
    experiment = declared(kind="blobs", standardize=False, scale=50.0, shift=7.0)
    inputs = experiment.data.sample("flat").train.inputs[:1000].astype(np.float64)
    found = looked_at(experiment).inputs
    assert (found.rows, found.columns) == inputs.shape
    assert found.rms == pytest.approx(float(np.sqrt((inputs**2).mean())))
    assert found.largest_std == pytest.approx(inputs.std(axis=0).max())


def test_symbols_have_no_scale_to_measure():
    data = {"kind": "char_lm"}
    symbols = declared(**data).data.symbols()
    embedded = {"kind": "embedding", "symbols": symbols, "width": 4}
    readout = {"kind": "linear", "out_features": symbols}
    model = {"kind": "layers", "layers": [embedded, {"kind": "flatten"}, readout]}
    assert (
        looked_at(Experiment.model_validate(specs.mlp(steps=2).to_json() | {"model": model, "data": data})).inputs
        is None
    )


@pytest.mark.parametrize(
    ("data", "form", "loss", "takes"),
    [("moons", "indices", "CrossEntropyLoss", "logits"), ("teacher", "numbers", "MSELoss", "numbers")],
)
def test_it_tells_class_numbers_from_numbers_and_names_the_loss_of_either(data, form, loss, takes):
    found = looked_at(declared(kind=data))
    assert (found.targets.form, found.loss.name, found.loss.takes) == (form, loss, takes)
    assert found.outputs.activation is None
    assert found.outputs.rms > 0


def test_an_activation_at_the_output_is_named_with_the_targets_that_it_cannot_give():
    model = {"kind": "layers", "layers": [{"kind": "linear", "out_features": 1}, RELU]}
    spec = specs.mlp(data="teacher").to_json() | {"model": model}
    outputs = looked_at(Experiment.model_validate(spec)).outputs
    assert outputs.activation == "relu"
    assert 0.2 < outputs.unreachable < 0.8


@pytest.mark.parametrize(
    ("optimizer", "name", "momentum"),
    [
        ({"kind": "sgd", "momentum": 0.5}, "SGD", 0.5),
        ({"kind": "adam", "beta1": 0.8}, "Adam", 0.8),
        ({"kind": "adamw"}, "AdamW", 0.9),
        ({"kind": "rmsprop", "momentum": 0.3}, "RMSprop", 0.3),
        ({"kind": "adagrad"}, "Adagrad", 0.0),
    ],
)
def test_it_names_the_optimizer_as_torch_does_with_its_settings(optimizer, name, momentum):
    found = looked_at(specs.mlp(optimizer={**optimizer, "learning_rate": 0.02, "weight_decay": 2.0})).optimizer
    assert (found.name, found.learning_rate, found.weight_decay, found.momentum) == (name, 0.02, 2.0, momentum)


def test_batch_norm_counts_the_values_of_a_channel_pixels_included_and_the_smallest_layer_counts():
    flat = looked_at(specs.layers({"kind": "linear", "out_features": 8}, BATCH_NORM, RELU))
    assert (flat.norm.layer, flat.norm.values, flat.batch_size) == ("1.batch_norm", 16, 16)
    model = {"kind": "cnn", "depth": 2, "channels": 4, "activation": "relu", "normalization": "batch_norm"}
    images = Experiment.model_validate(specs.mlp(data="digits", steps=2).to_json() | {"model": model})
    assert looked_at(images).norm.values == 16 * 8 * 8
    assert looked_at(specs.mlp()).norm is None


def test_the_wiring_of_a_declared_training_is_sound_and_its_precision_the_declared_one():
    spec = specs.mlp().to_json()
    half = Experiment.model_validate(spec | {"training": {**spec["training"], "precision": "bfloat16"}})
    found = looked_at(half)
    assert found.wiring == WiringFacts()
    assert (found.precision.lowest, found.precision.scaled) == ("bfloat16", False)


def test_a_resumed_run_still_knows_what_was_seen_before_its_first_step():
    experiment = specs.mlp(optimizer={"kind": "adam", "learning_rate": 0.01})

    class StopsAtFive(Silent):
        asked, checkpoint = 0, None

        def should_stop(self):
            self.asked += 1
            return self.asked > 5

        def flushed(self, *, step, series, checkpoint):
            self.checkpoint = checkpoint or self.checkpoint

    listener = StopsAtFive()
    with pytest.raises(Interrupted):
        train(experiment, reporter=listener)
    assert train(experiment, checkpoint=listener.checkpoint).preflight == looked_at(experiment)


def test_without_recording_nothing_is_looked_at():
    assert train(specs.mlp(), record=False).preflight is None


def test_the_first_thing_that_a_run_reports_carries_what_was_seen():
    class Keeps(Silent):
        def started(self, record):
            self.layout = record.layout

    listener = Keeps()
    record = train(specs.mlp(), reporter=listener)
    assert listener.layout.preflight == record.preflight is not None


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def primary(experiment: Experiment) -> str:
    return diagnose(train(experiment), experiment=experiment).primary


def test_weight_decay_that_shrinks_every_weight_is_named():
    decayed = {"kind": "sgd", "learning_rate": 0.1, "weight_decay": 2.0}
    assert primary(specs.mlp(steps=60, optimizer=decayed)) == "too_much_decay"


def test_batch_norm_over_two_samples_is_named():
    body = [{"kind": "linear", "out_features": 8}, BATCH_NORM, RELU]
    slow = {"kind": "sgd", "learning_rate": 0.0001}
    two = specs.layers(*body, *body, data="moons", steps=60, batch_size=2, optimizer=slow)
    assert primary(two) == "too_small_batch"


LINEAR = {"kind": "linear", "out_features": 8}


@pytest.mark.parametrize(
    ("body", "linear"),
    [
        ([LINEAR, LINEAR], True),
        ([LINEAR, {"kind": "activation", "activation": "identity"}, BATCH_NORM], True),
        ([LINEAR, {"kind": "residual", "body": [LINEAR]}], True),
        ([LINEAR, RELU], False),
        ([LINEAR, {"kind": "residual", "body": [LINEAR, RELU]}], False),
        ([LINEAR, {"kind": "layer_norm"}], False),
    ],
)
def test_it_knows_whether_the_network_is_linear(body, linear):
    assert looked_at(specs.layers(*body)).linear is linear


def test_inputs_that_are_far_too_large_are_named():
    huge = {"kind": "spirals", "standardize": False, "scale": 500.0}
    found = diagnose(train(declared(**huge)))
    assert "unscaled_inputs" in [finding.condition for finding in found.findings]


@pytest.mark.parametrize(
    ("loss", "activation", "name", "takes", "form"),
    [
        ({"kind": "mse"}, "softmax", "MSELoss", "numbers", "one_hot"),
        ({"kind": "nll"}, "log_softmax", "NLLLoss", "log_probabilities", "indices"),
        ({"kind": "binary_cross_entropy"}, "sigmoid", "BCEWithLogitsLoss", "logits", "one_hot"),
    ],
)
def test_it_tells_the_declared_loss_and_what_ends_the_network(loss, activation, name, takes, form):
    declared = specs.mlp(steps=2).to_json() | {"loss": loss, "output_activation": activation}
    found = looked_at(Experiment.model_validate(declared))
    assert (found.loss.name, found.loss.takes, found.outputs.activation) == (name, takes, activation)
    assert found.targets.form == form
