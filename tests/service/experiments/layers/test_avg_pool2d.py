import torch

from gradclinic.experiments.layers.avg_pool2d import AvgPool2d

from .built import computed, lowered, misfit, samples


def test_it_reduces_each_window():
    inputs = samples(2, 4, 6)
    windows = inputs.unflatten(3, (3, 2)).unflatten(2, (2, 2))
    torch.testing.assert_close(computed(AvgPool2d(), inputs), windows.mean(dim=(3, 5)))


def test_windows_may_overlap():
    assert lowered(AvgPool2d(kernel_size=3, stride=1), 2, 4, 6).out_shape == (2, 2, 4)


def test_a_window_larger_than_the_image_is_refused():
    assert "at most 4" in misfit(AvgPool2d(kernel_size=5), 2, 4, 6)
    assert "[channels, height, width]" in misfit(AvgPool2d(), 6)
