import torch

from gradclinic.experiments.layers.residual import Residual

from .built import computed, lowered, misfit, module, samples


def residual(*body, **changes):
    return Residual.model_validate({"body": list(body), **changes})


def linear(out_features):
    return {"kind": "linear", "out_features": out_features}


def test_it_adds_the_scaled_body_to_its_input():
    layer, inputs = residual({"kind": "activation", "activation": "tanh"}, scale=0.25), samples(5)
    torch.testing.assert_close(computed(layer, inputs), inputs + 0.25 * torch.tanh(inputs))


def test_a_body_that_changes_the_shape_needs_a_projection():
    assert "projection" in misfit(residual(linear(3)), 5)
    node = lowered(residual(linear(3), shortcut="projection"), 5)
    assert node.out_shape == (3,)
    assert [(p.name, p.shape) for p in node.parameters] == [("projection.weight", (3, 5))]


def test_a_projection_is_a_linear_map_of_the_input():
    layer, inputs = residual(linear(3), shortcut="projection", scale=0.5), samples(5)
    built = module(layer, 5)
    torch.testing.assert_close(built(inputs), inputs @ built.projection.weight.T + 0.5 * built.body(inputs))


def test_an_images_projection_strides_as_the_body_does():
    body = {"kind": "conv2d", "out_channels": 4, "padding": 1, "stride": 2}
    layer = residual(body, shortcut="projection")
    assert lowered(layer, 2, 7, 5).out_shape == (4, 4, 3)
    assert computed(layer, samples(2, 7, 5)).shape == (4, 4, 4, 3)


def test_no_projection_turns_a_sequence_into_an_image_of_another_length():
    body = {"kind": "conv1d", "out_channels": 3, "padding": 0}
    assert "no projection" in misfit(residual(body, shortcut="projection"), 7, 3)


def test_names_inside_are_paths():
    inner = {"kind": "residual", "body": [linear(5)]}
    names = [node.name for node in lowered(residual(linear(5), inner), 5).walk()]
    assert names == ["0.residual", "0.residual.0.linear", "0.residual.1.residual", "0.residual.1.residual.0.linear"]
