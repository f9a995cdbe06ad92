import torch

from gradclinic.experiments.layers.linear import Linear

from .built import computed, lowered, misfit, samples


def test_it_acts_on_the_last_axis():
    assert lowered(Linear(out_features=3), 5).out_shape == (3,)
    assert lowered(Linear(out_features=3), 7, 5).out_shape == (7, 3)


def test_its_cost_is_a_multiply_and_an_add_for_every_weight():
    assert lowered(Linear(out_features=3), 5).flops == 3 * (2 * 5 + 1)
    assert lowered(Linear(out_features=3, bias=False), 7, 5).flops == 7 * 3 * 2 * 5


def test_an_image_must_be_flattened_first():
    assert "flatten" in misfit(Linear(out_features=3), 1, 8, 8)


def test_without_a_bias_it_is_its_matrix():
    layer, inputs = Linear(out_features=3, bias=False), samples(5)
    assert [parameter.name for parameter in lowered(layer, 5).parameters] == ["weight"]
    assert computed(layer, torch.zeros_like(inputs)).abs().max() == 0
