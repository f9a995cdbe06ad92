from typing import Any

import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.ensemble import LEAST_GAIN, Alone, Form, form_of, grouped, reason_alone
from gradclinic.measurements.estimate import estimate


def experiment(
    model: dict[str, Any] | None = None, training: dict[str, Any] | None = None, **changes: Any
) -> Experiment:
    return Experiment.model_validate(
        {
            "model": {"kind": "mlp", "depth": 8, "width": 16, "activation": "relu"} | (model or {}),
            "data": {"kind": "digits"},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
            "training": {"steps": 10, "batch_size": 64} | (training or {}),
        }
        | changes
    )


def sized(found: Experiment) -> Form | Alone:
    return form_of(found, estimate(found))


def form(**changes: Any) -> Form:
    found = sized(experiment(**changes))
    assert isinstance(found, Form), found
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {"seed": 7}},
        {"training": {"steps": 500}},
        {"optimizer": {"kind": "adam", "learning_rate": 0.001, "weight_decay": 0.1}},
        {"schedule": {"kind": "cosine"}},
        {"clipping": {"kind": "norm", "max_norm": 1.0}},
        {"model": {"initialization": {"scheme": "orthogonal", "gain": 2.0}}},
        {"recording": {"every": 5}},
    ],
)
def test_what_changes_no_shape_leaves_the_form(changes):
    assert form(**changes).digest == form().digest


def test_data_of_one_shape_have_one_form():
    noisy = [form(data={"kind": "blobs", "label_noise": noise, "seed": seed}) for noise, seed in ((0.0, 0), (0.2, 1))]
    assert noisy[0].digest == noisy[1].digest
    assert noisy[0].digest != form(data={"kind": "blobs", "dim": 5}).digest
    few = form(data={"kind": "blobs", "n": 100}).digest
    assert few != noisy[0].digest


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"width": 17}},
        {"model": {"activation": "tanh"}},
        {"model": {"normalization": "layer_norm"}},
        {"model": {"skip": {"scale": 0.5}}},
        {"training": {"batch_size": 32}},
        {"loss": {"kind": "mse"}},
        {"data": {"kind": "wine"}},
    ],
)
def test_what_changes_a_shape_or_an_operation_changes_the_form(changes):
    assert form(**changes).digest != form().digest


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"training": {"precision": "bfloat16"}}, "precision bfloat16"),
        ({"model": {"activation": "rrelu"}}, "rrelu is random"),
    ],
)
def test_what_lanes_cannot_do_is_trained_alone_with_the_reason(changes, reason):
    found = sized(experiment(**changes))
    assert isinstance(found, Alone)
    assert reason in found.reason


def test_layers_that_lanes_do_not_have_are_trained_alone():
    cnn = {"kind": "cnn", "depth": 2, "channels": 4, "activation": "relu"}
    found = sized(Experiment.model_validate(experiment().to_json() | {"model": cnn}))
    assert isinstance(found, Alone)
    assert "layers of kind conv2d are trained alone" in found.reason


def recurrent(cell: str, width: int, *, length: int, batch_size: int) -> Form:
    declared = {
        "model": {"kind": "rnn", "cell": cell, "width": width},
        "data": {"kind": "adding_problem", "length": length},
        "optimizer": {"kind": "adam", "learning_rate": 0.001},
        "training": {"steps": 100, "batch_size": batch_size},
    }
    found = sized(Experiment.model_validate(declared))
    assert isinstance(found, Form)
    return found


def test_lanes_of_recurrent_networks_pay_as_long_as_their_cells_are_small():
    assert recurrent("rnn", 16, length=20, batch_size=32).gain(8) > 4
    assert 2.5 > recurrent("gru", 32, length=50, batch_size=64).gain(8) > 1.8
    assert recurrent("lstm", 128, length=50, batch_size=64).gain(8) < LEAST_GAIN


def transformer(width: int, batch_size: int) -> Form:
    model = {"kind": "transformer", "depth": 2, "width": width, "heads": width // 8, "activation": "gelu"}
    declared = experiment().to_json() | {
        "model": model | {"normalization": "pre_layer_norm", "skip": {}},
        "data": {"kind": "digit_rows"},
        "training": {"steps": 100, "batch_size": batch_size},
    }
    found = sized(Experiment.model_validate(declared))
    assert isinstance(found, Form)
    return found


def test_lanes_of_transformers_pay_as_long_as_their_heads_are_few():
    assert transformer(16, 32).gain(8) > 2 > transformer(32, 64).gain(8) > LEAST_GAIN
    assert transformer(64, 128).gain(16) < LEAST_GAIN


def plan(forms: list[Form | None], *, most: int = 16, memory_bytes: int = 2**40) -> list[int | None]:
    found = grouped(forms, most=most, memory_bytes=memory_bytes)
    return [found.get(place) for place in range(len(forms))]


def test_runs_of_one_form_are_grouped_and_others_are_not():
    first, second = form(), form(model={"width": 8})
    assert plan([first, second, None, first, second, first, second]) == [0, 1, None, 0, 1, 0, 1]


def test_groups_are_bounded_and_of_nearly_the_same_size():
    numbers = plan([form()] * 40)
    assert [numbers.count(number) for number in range(4)] == [10] * 4
    assert plan([form()] * 16) == [0] * 16
    assert plan([form()] * 3, most=1) == [None] * 3


def test_groups_fit_into_memory():
    small = form()
    numbers = plan([small] * 6, memory_bytes=3 * small.memory_bytes)
    assert numbers == [0, 0, 0, 1, 1, 1]
    assert plan([small] * 6, memory_bytes=small.memory_bytes) == [None] * 6


def test_large_networks_are_trained_alone_because_it_would_not_pay():
    large = form(model={"width": 512}, training={"batch_size": 256})
    assert large.gain(16) < LEAST_GAIN < form().gain(3) < form().gain(16)
    assert plan([large] * 16) == [None] * 16


@pytest.mark.parametrize(
    ("changes", "asked", "reason"),
    [
        ({}, {"most": 1}, "switched off"),
        ({}, {"queue": "gpu"}, "on CPUs"),
        ({"model": {"activation": "rrelu"}}, {}, "rrelu is random"),
        ({"model": {"width": 512}, "training": {"batch_size": 256}}, {}, "only 1.02 times as fast"),
        ({}, {}, "no other run of its form"),
    ],
)
def test_it_is_said_why_a_run_is_trained_alone(changes, asked, reason):
    found = experiment(**changes)
    assert reason in reason_alone(found, estimate(found), **({"queue": "cpu", "most": 16} | asked))
