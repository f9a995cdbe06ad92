import pytest

from gradclinic.experiments.layers.rms_norm import RMSNorm

from .built import computed, lowered, samples


@pytest.mark.parametrize(("shape", "axes"), [((30,), (1,)), ((5, 30), (2,)), ((3, 4, 5), (1, 2, 3))])
def test_every_sample_has_root_mean_square_one_but_keeps_its_mean(shape, axes):
    output = computed(RMSNorm(), samples(*shape) + 2)
    assert (output.square().mean(dim=axes) - 1).abs().max() < 1e-3
    assert output.mean(dim=axes).min() > 0.5


def test_it_has_no_shift():
    assert [parameter.name for parameter in lowered(RMSNorm(), 30).parameters] == ["weight"]
