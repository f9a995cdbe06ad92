import pytest

from gradclinic.experiments.lowering import MAX_LAYERS
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


@pytest.mark.parametrize(("depth", "wrapped"), [(3, 1), (4, 1), (5, 2)])
def test_pooling_at_the_end_of_a_block_stays_outside_it(depth, wrapped):
    """The first convolution changes the number of channels, and the last one is followed by pooling."""
    after = applied(AddSkipConnections(every=2), cnn(depth=depth))
    assert [layer.kind for layer in after.model.layers].count("residual") == wrapped
    pooling = [layer.kind for layer in after.model.layers if "pool" in layer.kind]
    assert len(pooling) == len([kind for kind in kinds(after) if "pool" in kind]) > 0


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


def written(declared) -> str:
    """A list in short: widths of linear layers, `a` for activations, and blocks in brackets."""
    return " ".join(
        f"[{written(layer.body)}]"
        if layer.kind == "residual"
        else str(layer.out_features)
        if layer.kind == "linear"
        else layer.kind[0]
        for layer in declared
    )


def stack(*widths: int):
    """Linear layers of these widths with activations between them; the last is the readout. Digits have 64 pixels."""
    hidden = [part for width in widths[:-1] for part in (linear(width), activation())]
    return [*hidden, linear(widths[-1])]


@pytest.mark.parametrize(
    ("every", "widths", "after"),
    [
        (1, (64, 64, 10), "[64 a] [64 a] 10"),
        (1, (32, 32, 64, 10), "32 a [32 a] 64 a 10"),
        (1, (10, 10, 10), "10 a [10 a] 10"),
        (2, (32, 64, 64, 64, 10), "[32 a 64 a] [64 a 64 a] 10"),
        (2, (32, 32, 32, 10), "32 a [32 a 32 a] 10"),
        (2, (64, 64, 64, 10), "[64 a 64 a] 64 a 10"),
        (2, (16, 32, 32, 16, 32, 10), "16 a 32 a 32 a [16 a 32 a] 10"),
        (2, (16, 32, 20, 32, 10), "16 a 32 a [20 a 32 a] 10"),
        (3, (20, 30, 64, 10), "[20 a 30 a 64 a] 10"),
    ],
)
def test_blocks_begin_at_the_first_layer_whose_block_keeps_its_width_and_end_before_the_readout(every, widths, after):
    found = applied(AddSkipConnections(every=every, scale=0.3), layers(*stack(*widths)))
    assert written(found.model.layers) == after
    assert {layer.scale for layer in found.model.layers if layer.kind == "residual"} == {0.3}


def test_what_comes_before_the_first_layer_with_weights_stays_before_the_first_block():
    found = applied(AddSkipConnections(), layers(activation("tanh"), *stack(64, 64, 10)))
    assert written(found.model.layers) == "a [64 a] [64 a] 10"


def test_the_readout_is_in_no_block_although_its_width_stays():
    assert "no layer with weights before the readout" in refusal(AddSkipConnections(), layers(*stack(10, 10)))
    assert "no 2 successive layers" in refusal(AddSkipConnections(every=2), layers(*stack(10, 10, 10)))


def test_blocks_of_several_convolutions_keep_channels_and_pixels():
    found = applied(AddSkipConnections(every=2), cnn(depth=4))
    assert [layer.kind for layer in found.model.layers[:3]] == ["conv2d", "activation", "residual"]
    assert [layer.kind for layer in found.model.layers[2].body] == ["conv2d", "activation"] * 2


def test_too_many_layers_and_layers_that_do_not_fit_the_data_are_refused():
    many = {"kind": "repeat", "times": MAX_LAYERS // 2, "body": [linear(), activation()]}
    assert f"more than {MAX_LAYERS} layers" in refusal(AddSkipConnections(), layers(many, activation(), READOUT))
    misfit = layers(linear(), {"kind": "conv2d", "out_channels": 4}, READOUT)
    assert "does not match its data set" in refusal(AddSkipConnections(), misfit)


def test_as_many_layers_as_a_model_may_have_are_no_reason_to_refuse():
    half = {"kind": "repeat", "times": MAX_LAYERS // 2 - 1, "body": [activation()]}
    found = AddSkipConnections().apply(layers(half, half, linear(64), READOUT))
    assert [layer.kind for layer in found.model.layers[-2:]] == ["residual", "linear"]
