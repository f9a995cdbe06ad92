import pytest

from gradclinic.experiments.layers.layer_norm import LayerNorm

from .built import computed, lowered, samples


@pytest.mark.parametrize(("shape", "axes"), [((30,), (1,)), ((5, 30), (2,)), ((3, 4, 5), (1, 2, 3))])
def test_every_sample_is_standardized_over_its_units_a_sequence_step_by_step(shape, axes):
    output = computed(LayerNorm(), 3 * samples(*shape) + 7)
    assert output.mean(dim=axes).abs().max() < 1e-5
    assert (output.var(dim=axes, correction=0) - 1).abs().max() < 1e-3


def test_an_image_has_a_scale_for_each_channel():
    assert [parameter.shape for parameter in lowered(LayerNorm(), 3, 4, 5).parameters] == [(3,), (3,)]
