import pytest

from .lowered import kinds, lowered, profile


def mlp(**changes):
    return {"kind": "mlp", "depth": 3, "width": 8, "activation": "tanh", **changes}


def test_it_lowers_to_its_layers_and_a_readout():
    network = lowered(mlp(), "digits")
    assert kinds(network) == ["linear", "activation"] * 3 + ["linear"]
    assert network.nodes[-1].out_shape == (10,)
    assert profile(network) == ["0.linear", "2.linear", "4.linear"]
    assert network.parameters == (64 * 8 + 8) + 2 * (8 * 8 + 8) + (8 * 10 + 10)


@pytest.mark.parametrize("norm", ["batch_norm", "layer_norm", "rms_norm"])
def test_its_normalization_stands_between_weights_and_activation(norm):
    network = lowered(mlp(normalization=norm), "digits")
    assert kinds(network) == ["linear", norm, "activation"] * 3 + ["linear"]
    assert network.sites[0].tap == f"1.{norm}"


def test_skips_stand_where_the_shape_allows():
    assert kinds(lowered(mlp(skip={"scale": 0.3}), "digits")) == [
        "linear",
        "activation",
        "residual",
        "residual",
        "linear",
    ]
    assert kinds(lowered(mlp(skip={}, width=64), "digits")) == ["residual"] * 3 + ["linear"]
