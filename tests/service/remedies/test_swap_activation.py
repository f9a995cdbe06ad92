from gradclinic.experiments.lowering import lower
from gradclinic.remedies.swap_activation import SwapActivation

from .experiments import READOUT, activation, applied, changes, cnn, layers, linear, mlp, refusal, rnn


def test_on_a_preset_it_is_one_knob():
    assert changes(SwapActivation(), mlp()) == ["/model/activation"]
    assert changes(SwapActivation(), cnn()) == ["/model/activation"]
    assert applied(SwapActivation(), mlp()).model.activation.name == "relu"


def test_parameters_go_with_the_name():
    leaky = SwapActivation.model_validate({"activation": {"name": "leaky_relu", "negative_slope": 0.3}})
    assert applied(leaky, mlp()).model.activation.negative_slope == 0.3


def test_in_a_list_every_hidden_activation_changes_however_deep():
    inner = {"kind": "residual", "body": [{"kind": "repeat", "times": 2, "body": [linear(), activation("tanh")]}]}
    after = applied(SwapActivation(), layers(linear(), activation(), inner, READOUT))
    names = [node.layer.activation.name for node in lower(after).walk() if node.kind == "activation"]
    assert names == ["relu"] * 3


def test_what_follows_the_readout_stays():
    after = applied(SwapActivation(), layers(linear(), activation(), READOUT, activation("identity")))
    assert [node.layer.activation.name for node in lower(after).walk() if node.kind == "activation"] == [
        "relu",
        "identity",
    ]
    assert "no hidden activation" in refusal(SwapActivation(), layers(linear(), READOUT, activation("tanh")))


def test_a_plain_recurrent_cell_takes_only_some():
    assert changes(SwapActivation(), rnn()) == ["/model/activation"]
    gelu = SwapActivation.model_validate({"activation": "gelu"})
    assert "tanh, relu, sigmoid" in refusal(gelu, rnn())
    assert "gated" in refusal(SwapActivation(), rnn(cell="gru"))


def test_the_same_activation_is_refused():
    assert "other than relu" in refusal(SwapActivation(), mlp(activation="relu"))


def test_in_a_list_plain_recurrent_layers_change_where_they_know_the_activation_and_gated_ones_never():
    declared = [
        {"kind": "recurrent", "width": 8, "nonlinearity": "tanh"},
        {"kind": "recurrent", "width": 8, "cell": "gru"},
        {"kind": "last_step"},
        linear(),
        activation("tanh"),
        READOUT,
    ]
    before = layers(*declared, data={"kind": "digit_rows"})
    after = applied(SwapActivation(), before).model.layers
    assert (after[0].nonlinearity, after[1], after[4].activation.name) == ("relu", before.model.layers[1], "relu")
    gelu = applied(SwapActivation.model_validate({"activation": "gelu"}), before).model.layers
    assert (gelu[0].nonlinearity, gelu[4].activation.name) == ("tanh", "gelu")


def test_a_refusal_names_what_stands_in_the_way():
    tanh = SwapActivation.model_validate({"activation": "tanh"})
    plain = [{"kind": "recurrent", "width": 8, "nonlinearity": "tanh"}, {"kind": "last_step"}, READOUT]
    gated = [{"kind": "recurrent", "width": 8, "cell": "lstm"}, *plain]
    data = {"kind": "digit_rows"}
    assert refusal(tanh, layers(*plain, data=data)) == "the model has no hidden activation other than tanh"
    assert refusal(tanh, layers(*gated, data=data)) == "the activations of a gated cell are fixed"
    gelu = SwapActivation.model_validate({"activation": "gelu"})
    assert refusal(gelu, mlp(activation="gelu")) == "the model has no hidden activation other than gelu"
    assert "no hidden activation" in refusal(gelu, layers(activation("tanh")))
