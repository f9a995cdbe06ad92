import torch

from gradclinic.experiments.layers.max_pool2d import MaxPool2d

from .built import computed, lowered, misfit, samples


def test_it_reduces_each_window():
    inputs = samples(2, 4, 6)
    windows = inputs.unflatten(3, (3, 2)).unflatten(2, (2, 2))
    torch.testing.assert_close(computed(MaxPool2d(), inputs), windows.amax(dim=(3, 5)))


def test_windows_may_overlap():
    assert lowered(MaxPool2d(kernel_size=3, stride=1), 2, 4, 6).out_shape == (2, 2, 4)


def test_a_window_larger_than_the_image_is_refused():
    assert "at most 4" in misfit(MaxPool2d(kernel_size=5), 2, 4, 6)
    assert "[channels, height, width]" in misfit(MaxPool2d(), 6)
