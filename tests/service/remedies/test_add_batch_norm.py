from gradclinic.remedies.add_batch_norm import AddBatchNorm

from .experiments import (
    READOUT,
    activation,
    applied,
    changes,
    cnn,
    kinds,
    layers,
    linear,
    mlp,
    refusal,
    rnn,
    transformer,
)


def test_on_a_preset_it_is_one_knob():
    assert changes(AddBatchNorm(), mlp()) == ["/model/normalization"]
    assert changes(AddBatchNorm(), cnn()) == ["/model/normalization"]


def test_its_own_knobs_make_the_preset_a_list_of_the_same_layers():
    after = applied(AddBatchNorm(momentum=0.5), mlp(depth=2))
    assert after.model.kind == "layers"
    assert kinds(after) == kinds(applied(AddBatchNorm(), mlp(depth=2)))
    assert after.model.layers[1].momentum == 0.5


def test_the_readout_stays_bare():
    after = applied(AddBatchNorm(), layers(linear(), activation(), READOUT))
    assert kinds(after) == ["linear", "batch_norm", "activation", "linear"]


def test_a_repeat_that_holds_the_readout_has_its_last_round_unrolled():
    after = applied(AddBatchNorm(), layers({"kind": "repeat", "times": 3, "body": [linear(10)]}))
    assert kinds(after) == ["linear", "batch_norm", "linear", "batch_norm", "linear"]


def test_a_repeat_before_the_readout_stays_a_repeat():
    body = [linear(), activation()]
    after = applied(AddBatchNorm(), layers({"kind": "repeat", "times": 3, "body": body}, READOUT))
    assert [layer.kind for layer in after.model.layers] == ["repeat", "linear"]
    assert kinds(after) == ["linear", "batch_norm", "activation"] * 3 + ["linear"]


def test_no_layer_gets_two_norms_even_across_the_border_of_a_repeat():
    body = [activation(), linear()]
    after = applied(
        AddBatchNorm(), layers({"kind": "repeat", "times": 2, "body": body}, {"kind": "batch_norm"}, READOUT)
    )
    assert kinds(after) == ["activation", "linear", "batch_norm", "activation", "linear", "batch_norm", "linear"]


def test_norms_go_into_residual_bodies():
    body = {"kind": "residual", "body": [linear(64), activation(), linear(64)]}
    after = applied(AddBatchNorm(), layers(body, READOUT))
    assert kinds(after) == ["residual", "linear", "batch_norm", "activation", "linear", "batch_norm", "linear"]


def test_a_transformer_becomes_a_list_with_norms_after_its_linear_layers():
    assert applied(AddBatchNorm(), transformer()).model.kind == "layers"


def test_what_is_normalized_or_recurrent_is_refused():
    assert "already uses batch_norm" in refusal(AddBatchNorm(), mlp(normalization="batch_norm"))
    assert "already uses pre_layer_norm" in refusal(AddBatchNorm(), transformer(normalization="pre_layer_norm"))
    assert "recurrent" in refusal(AddBatchNorm(), rnn())
