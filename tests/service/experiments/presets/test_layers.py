import pytest
from pydantic import ValidationError

from gradclinic.experiments.presets.layers import LayerList

from .lowered import kinds, lowered

LINEAR = {"kind": "linear", "out_features": 10}


def declared(*layers):
    return {"kind": "layers", "layers": list(layers)}


@pytest.mark.parametrize(
    ("first", "layout"),
    [
        ({"kind": "linear", "out_features": 3}, "flat"),
        ({"kind": "conv2d", "out_channels": 3}, "image"),
        ({"kind": "max_pool2d"}, "image"),
        ({"kind": "conv1d", "out_channels": 3}, "sequence"),
        ({"kind": "recurrent", "width": 3}, "sequence"),
        ({"kind": "embedding", "symbols": 10, "width": 3}, "tokens"),
        ({"kind": "residual", "body": [{"kind": "activation", "activation": "relu"}, {"kind": "avg_pool2d"}]}, "image"),
    ],
)
def test_the_first_layer_that_needs_a_layout_decides(first, layout):
    neutral = [{"kind": "dropout"}, {"kind": "activation", "activation": "tanh"}]
    assert LayerList.model_validate(declared(*neutral, first)).layout() == layout


def test_one_data_set_serves_two_layouts():
    image = declared({"kind": "conv2d", "out_channels": 2}, {"kind": "flatten"}, LINEAR)
    assert lowered(image, "digits").input_shape == (1, 8, 8)
    assert lowered(declared(LINEAR), "digits").input_shape == (64,)


def test_tokens_go_through_an_embedding():
    network = lowered(
        declared(
            {"kind": "embedding", "symbols": 12, "width": 4},
            {"kind": "self_attention"},
            {"kind": "global_avg_pool"},
            {"kind": "linear", "out_features": 8},
        ),
        "copy_memory",
        length=5,
    )
    assert kinds(network)[0] == "embedding"
    assert network.input_shape == (7,)


def test_an_empty_list_and_a_bottomless_one_are_refused():
    with pytest.raises(ValidationError, match="at least 1"):
        LayerList.model_validate(declared())
    layer = LINEAR
    for _ in range(25):
        layer = {"kind": "residual", "body": [layer]}
    with pytest.raises(ValidationError, match="more than 20 deep"):
        LayerList.model_validate(declared(layer))
