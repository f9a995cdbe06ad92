from gradclinic.experiments.layers.conv2d import Conv2d

from .built import lowered, misfit


def test_fans_count_the_receptive_field():
    weight = lowered(Conv2d(out_channels=6, kernel_size=3), 4, 8, 8).parameters[0]
    assert (weight.fan_in, weight.fan_out) == (36, 54)


def test_strides_and_padding_shape_the_output():
    assert lowered(Conv2d(out_channels=2), 1, 8, 6).out_shape == (2, 8, 6)
    assert lowered(Conv2d(out_channels=2, padding=0), 1, 8, 6).out_shape == (2, 6, 4)
    assert lowered(Conv2d(out_channels=2, padding=1, stride=2), 1, 8, 6).out_shape == (2, 4, 3)


def test_its_cost_counts_every_position():
    assert lowered(Conv2d(out_channels=2, kernel_size=3), 1, 8, 8).flops == 64 * 2 * (2 * 9 + 1)


def test_what_has_no_middle_or_no_room_is_refused():
    assert "odd kernel" in misfit(Conv2d(out_channels=1, kernel_size=4), 1, 8, 8)
    assert "needs stride 1" in misfit(Conv2d(out_channels=1, stride=2), 1, 8, 8)
    assert "at most 8" in misfit(Conv2d(out_channels=1, kernel_size=9, padding=0), 1, 8, 8)
    assert "[channels, height, width]" in misfit(Conv2d(out_channels=1), 64)
