from gradclinic.remedies.add_layer_norm import AddLayerNorm

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
    assert changes(AddLayerNorm(), mlp()) == ["/model/normalization"]
    assert applied(AddLayerNorm(), cnn()).model.normalization == "layer_norm"
    assert applied(AddLayerNorm(), transformer()).model.normalization == "pre_layer_norm"
    assert applied(AddLayerNorm(position="post"), transformer()).model.normalization == "post_layer_norm"


def test_in_a_list_the_readout_stays_bare():
    after = applied(AddLayerNorm(eps=0.01), layers(linear(), activation(), READOUT))
    assert kinds(after) == ["linear", "layer_norm", "activation", "linear"]
    assert after.model.layers[1].eps == 0.01


def test_what_is_normalized_or_recurrent_is_refused():
    assert "already uses batch_norm" in refusal(AddLayerNorm(), mlp(normalization="batch_norm"))
    assert "recurrent" in refusal(AddLayerNorm(), rnn())
