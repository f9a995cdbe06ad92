from gradclinic.remedies.add_skip_connections import AddSkipConnections

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
    assert changes(AddSkipConnections(scale=0.3), mlp()) == ["/model/skip"]
    assert changes(AddSkipConnections(), cnn()) == ["/model/skip"]
    assert changes(AddSkipConnections(), transformer()) == ["/model/skip"]
    assert applied(AddSkipConnections(scale=0.3), mlp()).model.skip.scale == 0.3


def test_blocks_of_several_layers_make_a_list():
    after = applied(AddSkipConnections(every=2), mlp(depth=5))
    assert [layer.kind for layer in after.model.layers] == ["linear", "activation", "residual", "residual", "linear"]
    assert kinds(after).count("linear") == kinds(mlp(depth=5)).count("linear")


def test_a_rest_that_makes_no_whole_block_stays_as_it_is():
    after = applied(AddSkipConnections(every=3), mlp(depth=6))
    assert [layer.kind for layer in after.model.layers] == ["linear", "activation", "residual"] + [
        "linear",
        "activation",
    ] * 2 + ["linear"]


def test_the_first_layer_is_wrapped_where_it_keeps_the_datas_width():
    assert kinds(applied(AddSkipConnections(), mlp(width=64)))[0] == "residual"
    assert kinds(applied(AddSkipConnections(), mlp(width=16)))[0] == "linear"


def test_a_repeat_is_unrolled_first():
    body = [linear(), activation()]
    after = applied(AddSkipConnections(), layers(linear(), {"kind": "repeat", "times": 3, "body": body}, READOUT))
    assert kinds(after).count("residual") == 3


def test_what_cannot_be_skipped_is_refused():
    assert "already" in refusal(AddSkipConnections(), mlp(skip={}))
    assert "use_gated_cell" in refusal(AddSkipConnections(), rnn())
    narrowing = layers(linear(32), activation(), linear(20), activation(), READOUT)
    assert "equal input and output shapes" in refusal(AddSkipConnections(), narrowing)
    assert "equal input and output shapes" in refusal(AddSkipConnections(every=7), mlp())
