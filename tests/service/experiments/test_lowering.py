"""Declared experiments become named nodes with shapes, or a reason with the place."""

import time

import pytest
from pydantic import ValidationError

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import lower
from gradclinic.kernel.errors import InvalidSpec, TooLarge

LINEAR = {"kind": "linear", "out_features": 10}


def experiment(*layers, data="digits", **knobs):
    return Experiment.model_validate(
        {
            "model": {"kind": "layers", "layers": list(layers)},
            "data": {"kind": data, **knobs},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
        }
    )


def repeat(times, *body):
    return {"kind": "repeat", "times": times, "body": list(body)}


def problem(*layers, error=InvalidSpec, **data):
    with pytest.raises(error) as caught:
        lower(experiment(*layers, **data))
    return caught.value.problems[0]


def test_names_are_paths_in_the_lowered_tree():
    body = [repeat(2, {"kind": "linear", "out_features": 64}), {"kind": "residual", "body": [{"kind": "dropout"}]}]
    network = lower(experiment({"kind": "dropout"}, {"kind": "residual", "body": body}, LINEAR))
    assert [node.name for node in network.walk()] == [
        "0.dropout",
        "1.residual",
        "1.residual.0.linear",
        "1.residual.1.linear",
        "1.residual.2.residual",
        "1.residual.2.residual.0.dropout",
        "2.linear",
    ]


def test_a_shape_that_does_not_fit_is_named_with_its_place():
    wrong = problem(LINEAR, repeat(2, {"kind": "linear", "out_features": 8}, {"kind": "conv2d", "out_channels": 3}))
    assert wrong.pointer == "/model/layers/0"  # conv2d wants images, which a linear layer cannot take
    wrong = problem({"kind": "flatten"}, repeat(2, LINEAR, {"kind": "last_step"}), data="digit_rows")
    assert wrong.pointer == "/model/layers/1/body/1"
    assert wrong.value == {"kind": "last_step"}
    assert "[steps, features]" in wrong.allowed


def test_a_misfit_deep_inside_has_its_full_pointer():
    inner = {"kind": "residual", "body": [{"kind": "linear", "out_features": 5}]}
    wrong = problem(LINEAR, {"kind": "residual", "body": [{"kind": "dropout"}, inner]}, LINEAR)
    assert wrong.pointer == "/model/layers/1/body/1"


def test_a_readout_of_the_wrong_size_is_refused_with_the_right_one():
    wrong = problem({"kind": "linear", "out_features": 7})
    assert (wrong.pointer, wrong.value) == ("/model/layers", [7])
    assert "out_features 10" in wrong.allowed


def test_a_preset_that_does_not_fit_points_at_the_model():
    spec = {"kind": "rnn", "width": 4}
    with pytest.raises(InvalidSpec) as caught:
        lower(
            Experiment.model_validate(
                {"model": spec, "data": {"kind": "moons"}, "optimizer": {"kind": "sgd", "learning_rate": 0.1}}
            )
        )
    assert caught.value.problems[0].pointer == "/data/kind"
    assert "flat" in caught.value.problems[0].allowed


def test_a_network_without_weights_has_nothing_to_train():
    assert "nothing to train" in problem({"kind": "dropout"}, data="moons").message


@pytest.mark.parametrize("depth", [3, 6, 18])
def test_billions_of_layers_are_refused_at_once(depth):
    tower = LINEAR
    for _ in range(depth):
        tower = repeat(1000, tower)
    began = time.process_time()
    wrong = problem(tower, error=TooLarge)
    assert time.process_time() - began < 1
    assert wrong.value == 1000**depth
    assert "at most 2,000" in wrong.allowed


def test_repeats_nested_beyond_reason_are_refused_by_the_model():
    tower = LINEAR
    for _ in range(30):
        tower = repeat(2, tower)
    with pytest.raises(ValidationError, match="more than 20 deep"):
        experiment(tower)


def test_recurrent_layers_that_unroll_too_far_are_refused():
    wide = [
        {"kind": "recurrent", "width": 2, "layers": 100},
        {"kind": "last_step"},
        {"kind": "linear", "out_features": 2},
    ]
    wrong = problem(*wide, data="first_token", length=2000, error=TooLarge)
    assert wrong.value == 200_000
    assert "20,000 steps" in wrong.allowed


def test_symbols_go_to_an_embedding_first_and_it_must_know_them_all():
    tail = [{"kind": "global_avg_pool"}, {"kind": "linear", "out_features": 8}]
    embedding = {"kind": "embedding", "symbols": 4, "width": 3}
    wrong = problem(embedding, *tail, data="copy_memory")
    assert (wrong.pointer, wrong.value, wrong.allowed) == ("/model/layers/0/symbols", 4, "at least 10")
    wrong = problem({"kind": "dropout"}, {**embedding, "symbols": 10}, *tail, data="copy_memory")
    assert wrong.pointer == "/model/layers/1"


def test_a_batch_of_one_is_too_small_for_a_batch_norm():
    norm = experiment({"kind": "linear", "out_features": 4}, {"kind": "batch_norm"}, LINEAR)
    one = norm.model_copy(update={"training": norm.training.model_copy(update={"batch_size": 1})})
    lower(norm)
    with pytest.raises(InvalidSpec, match="/training/batch_size"):
        lower(one)


def test_counts_are_those_of_the_unrolled_network():
    network = lower(experiment(repeat(3, {"kind": "linear", "out_features": 64}), LINEAR))
    assert network.parameters == 3 * 65 * 64 + 65 * 10
    assert network.flops == 3 * 64 * 129 + 10 * 129
    assert [node.name for node in network.weighted] == ["0.linear", "1.linear", "2.linear", "3.linear"]


@pytest.mark.parametrize(
    ("changes", "pointer", "allowed"),
    [
        ({"data": {"kind": "teacher"}, "loss": {"kind": "cross_entropy"}}, "/loss/kind", "huber, l1, mse"),
        ({"loss": {"kind": "binary_cross_entropy", "on": "probabilities"}}, "/output_activation", "sigmoid, softmax"),
        (
            {"loss": {"kind": "binary_cross_entropy", "on": "probabilities"}, "output_activation": "tanh"},
            "/output_activation",
            "a loss on logits",
        ),
    ],
)
def test_a_loss_that_cannot_be_computed_is_refused_with_what_can(changes, pointer, allowed):
    mlp = {"kind": "mlp", "depth": 2, "width": 4, "activation": "relu"}
    posted = {"model": mlp, "data": {"kind": "digits"}, "optimizer": {"kind": "sgd", "learning_rate": 0.1}} | changes
    with pytest.raises(InvalidSpec) as caught:
        lower(Experiment.model_validate(posted))
    problem = caught.value.problems[0]
    assert problem.pointer == pointer
    assert allowed in problem.allowed
