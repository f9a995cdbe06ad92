import numpy as np
import pytest
import torch

from gradclinic.theory.windows import Windows, axis


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (5, 2, 0), (2, 1, 0)])
def test_a_window_sums_what_torchs_convolution_of_ones_sums_forth_and_back(kernel: int, stride: int, padding: int):
    image = torch.randn(1, 1, 9, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    weight = torch.ones(1, 1, kernel, kernel, dtype=torch.float64)
    out = torch.nn.functional.conv2d(image, weight, stride=stride, padding=padding)
    out.square().sum().div(2).backward()
    windows = Windows(
        [
            axis(size, length, kernel=kernel, stride=stride, padding=padding)
            for size, length in zip((9, 7), out.shape[2:], strict=True)
        ]
    )
    assert windows.places == kernel**2
    assert windows.summed(image.detach().numpy()[0, 0]) == pytest.approx(out.detach().numpy()[0, 0])
    assert windows.spread_back(out.detach().numpy()[0, 0]) == pytest.approx(image.grad.numpy()[0, 0])


def test_the_uneven_part_of_a_mean_is_counted_as_drawn_windows_count_it():
    windows = Windows([axis(8, 8, kernel=3, stride=1, padding="same")] * 2)
    weights = np.random.default_rng(4).standard_normal((20_000, 3, 3))
    drawn = np.einsum("nij,iap,jbq->nab", weights, *windows.axes)
    uneven = ((drawn - drawn.mean(axis=(1, 2), keepdims=True)) ** 2).mean(axis=0)
    assert windows.uneven_means(np.ones((8, 8))) == pytest.approx(uneven, rel=0.05)
