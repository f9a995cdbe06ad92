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
