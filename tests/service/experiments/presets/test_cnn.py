from .lowered import kinds, lowered, profile


def cnn(**changes):
    return {"kind": "cnn", "depth": 2, "channels": 6, "activation": "relu", **changes}


def test_it_keeps_the_images_size_and_pools_over_all_of_it():
    network = lowered(cnn(), "digits")
    assert kinds(network) == ["conv2d", "activation"] * 2 + ["global_avg_pool", "linear"]
    assert [node.out_shape for node in network.nodes] == [(6, 8, 8)] * 4 + [(6,), (10,)]
    assert profile(network) == ["0.conv2d", "2.conv2d"]
    assert network.parameters == (9 * 6 + 6) + (9 * 36 + 6) + (6 * 10 + 10)


def test_a_unit_of_its_sites_is_a_channel():
    assert {site.unit_axis for site in lowered(cnn(), "digits").sites} == {1}


def test_it_has_the_mlps_knobs():
    network = lowered(cnn(normalization="layer_norm", skip={"scale": 0.5}), "digits")
    assert kinds(network) == ["conv2d", "layer_norm", "activation", "residual", "global_avg_pool", "linear"]
