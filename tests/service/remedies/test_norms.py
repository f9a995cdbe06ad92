"""Where norms go in a list of layers."""

import pytest

from gradclinic.experiments.layers.layer_norm import LayerNorm
from gradclinic.remedies.base import as_layer_list
from gradclinic.remedies.norms import insert_norms

from .experiments import READOUT, activation, layers, linear, rnn

NORM = {"kind": "batch_norm"}


def repeat(times: int, *body: object) -> dict[str, object]:
    return {"kind": "repeat", "times": times, "body": list(body)}


def written(declared) -> str:
    """A list in short: `l` linear, `n` the new norm, `b` an old one, `a` activation, `3(...)` a repeat."""
    return " ".join(
        f"{layer.times}({written(layer.body)})"
        if layer.kind == "repeat"
        else f"[{written(layer.body)}]"
        if layer.kind == "residual"
        else "n"
        if layer.kind == "layer_norm"
        else layer.kind[0]
        for layer in declared
    )


@pytest.mark.parametrize(
    ("declared", "after"),
    [
        ([linear(), activation(), linear(), activation(), READOUT], "l n a l n a l"),
        ([linear(), READOUT, activation()], "l n l a"),
        ([linear(), NORM, activation(), linear(), activation(), READOUT], "l b a l n a l"),
        ([linear(), activation(), NORM, READOUT], "l n a b l"),
        ([repeat(1, linear(), activation(), READOUT)], "1(l n a l)"),
        ([repeat(1, linear(), activation()), READOUT], "1(l n a) l"),
        ([repeat(3, activation(), linear(10))], "2(a l n) a l"),
        ([repeat(4, activation(), linear()), NORM, READOUT], "3(a l n) a l b l"),
        ([repeat(4, linear(), NORM), READOUT], "4(l b) l"),
        ([repeat(3, NORM, activation(), linear()), READOUT], "2(b a l) b a l n l"),
        ([{"kind": "residual", "body": [linear(64), activation(), linear(64)]}, NORM, READOUT], "[l n a l n] b l"),
        ([{"kind": "conv2d", "out_channels": 4}, activation(), {"kind": "flatten"}, READOUT], "c n a f l"),
    ],
)
def test_a_norm_follows_each_layer_with_weights_that_has_none_except_the_readout(declared, after):
    assert written(insert_norms(as_layer_list(layers(*declared)).layers, LayerNorm())) == after


def test_recurrent_layers_get_no_norm_and_are_no_reason_against_those_of_others():
    recurrent = [{"kind": "recurrent", "width": 8}, {"kind": "last_step"}, linear(), READOUT]
    found = layers(*recurrent, data={"kind": "digit_rows"})
    assert written(insert_norms(as_layer_list(found).layers, LayerNorm())) == "r l l n l"
    assert insert_norms(as_layer_list(rnn()).layers, LayerNorm()) == as_layer_list(rnn()).layers
