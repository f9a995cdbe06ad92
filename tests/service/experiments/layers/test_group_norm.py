from gradclinic.experiments.layers.group_norm import GroupNorm

from .built import computed, misfit, samples


def test_channels_are_standardized_group_by_group():
    output = computed(GroupNorm(groups=2), 3 * samples(4, 5, 5) + 7).unflatten(1, (2, 2))
    assert output.mean(dim=(2, 3, 4)).abs().max() < 1e-5
    assert (output.var(dim=(2, 3, 4), correction=0) - 1).abs().max() < 1e-3


def test_groups_must_divide_the_channels_and_hold_more_than_one_value():
    assert "a divisor of 4" in misfit(GroupNorm(groups=3), 4, 5, 5)
    assert "a divisor of 4" in misfit(GroupNorm(groups=4), 4)
    assert "layer_norm" in misfit(GroupNorm(groups=1), 7, 4)
