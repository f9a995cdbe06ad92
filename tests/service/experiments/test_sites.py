"""Gradients are measured at pre-activations, at blocks' outputs, and at every state of a recurrent layer."""

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import lower

READOUT = {"kind": "linear", "out_features": 10}


def linear(out_features=16):
    return {"kind": "linear", "out_features": out_features}


def activation(name="tanh"):
    return {"kind": "activation", "activation": name}


def sites(*layers, data="digits"):
    spec = {
        "model": {"kind": "layers", "layers": list(layers)},
        "data": {"kind": data},
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    }
    return lower(Experiment.model_validate(spec)).sites


def test_a_weighted_layers_site_is_after_its_norm_and_before_its_activation():
    (site,) = sites(linear(), {"kind": "batch_norm"}, activation(), READOUT)
    assert (site.name, site.kind, site.tap, site.output) == (
        "0.linear",
        "pre_activation",
        "1.batch_norm",
        "2.activation",
    )
    assert site.activation.name == "tanh"


def test_a_layer_without_an_activation_has_a_site_all_the_same():
    first, second = sites(linear(), {"kind": "dropout"}, activation(), linear(), READOUT)
    assert (first.tap, first.activation, first.output) == ("0.linear", None, None)
    assert second.tap == "3.linear"


def test_the_readout_is_no_site_wherever_it_stands():
    assert [site.name for site in sites(linear(), activation(), READOUT, activation("identity"))] == ["0.linear"]
    inside = {"kind": "residual", "body": [linear(64), activation(), linear(64)]}
    assert [site.name for site in sites(inside, READOUT)] == [
        "0.residual.0.linear",
        "0.residual.2.linear",
        "0.residual",
    ]
    last = {"kind": "block", "body": [linear(), activation(), READOUT]}
    assert [site.name for site in sites(linear(), activation(), last)] == ["0.linear", "2.block.0.linear"]


def test_a_residuals_output_counts_for_the_profile_and_its_inside_does_not():
    block = {"kind": "residual", "body": [linear(64), activation(), {"kind": "residual", "body": [linear(64)]}]}
    found = {site.name: (site.kind, site.in_profile) for site in sites(block, READOUT)}
    assert found == {
        "0.residual.0.linear": ("pre_activation", False),
        "0.residual.2.residual.0.linear": ("pre_activation", False),
        "0.residual.2.residual": ("block_output", False),
        "0.residual": ("block_output", True),
    }


def test_a_stem_and_the_blocks_after_it_make_one_profile():
    block = {"kind": "residual", "body": [linear(), activation()]}
    found = sites(linear(), activation(), block, block, READOUT)
    assert [site.name for site in found if site.in_profile] == ["0.linear", "2.residual", "3.residual"]


def test_channels_are_the_units_of_images_and_the_last_axis_those_of_all_else():
    image = [{"kind": "conv2d", "out_channels": 3}, {"kind": "layer_norm"}, activation(), {"kind": "flatten"}]
    assert [site.unit_axis for site in sites(*image, linear(), READOUT)] == [1, -1]
    skip = {"kind": "residual", "body": [{"kind": "conv2d", "out_channels": 1}]}
    assert [site.unit_axis for site in sites(skip, {"kind": "flatten"}, READOUT)] == [1, 1]


def test_states_belong_to_their_layer_and_saturate_by_their_argument():
    found = sites({"kind": "recurrent", "width": 4, "layers": 2}, {"kind": "last_step"}, READOUT, data="digit_rows")
    assert len(found) == 16
    assert found[9].name == found[9].tap == "1.recurrent.t1"
    assert (found[9].group, found[9].before) == ("1.recurrent", "1.recurrent.t1.z")
    assert found[9].activation.name == "tanh"


def test_a_gated_cell_has_no_activation_that_saturates():
    cells = sites({"kind": "recurrent", "cell": "lstm", "width": 4}, {"kind": "last_step"}, READOUT, data="digit_rows")
    assert {(site.activation, site.before, site.output) for site in cells} == {(None, None, None)}
