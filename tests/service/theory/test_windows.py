import numpy as np
import pytest
import torch

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.layers.conv2d import Conv2d
from gradclinic.theory import predict
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


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
def test_padding_to_the_same_size_is_torchs(kernel: int):
    line = torch.randn(1, 1, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    weight = torch.randn(1, 1, kernel, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    out = torch.nn.functional.conv1d(line, weight, padding="same")[0, 0].numpy()
    places = axis(9, 9, kernel=kernel, stride=1, padding="same")
    assert places.shape == (kernel, 9, 9)
    assert np.einsum("k,koi,i->o", weight[0, 0].numpy(), places, line[0, 0].numpy()) == pytest.approx(out)


def test_the_windows_of_a_layer_are_those_of_its_sizes_stride_and_padding():
    node = Conv2d(out_channels=5, kernel_size=3, stride=2, padding=1).node((4, 9, 6), name="0.conv2d", pointer="")
    windows = Windows.of(node, (9, 6))
    assert [each.shape for each in windows.axes] == [(3, 5, 9), (3, 3, 6)]
    assert windows.places == 9
    # A corner sees 2 x 2 of its 3 x 3 places, an edge 2 x 3.
    assert windows.summed(np.ones((9, 6)))[:2, :2] == pytest.approx(np.array([[4.0, 6.0], [6.0, 9.0]]))


def test_the_uneven_part_follows_the_roots_of_what_samples_share():
    # One place of weight w over activations of means 1 and 3: deviations of -w and w from their own mean.
    windows = Windows([axis(2, 2, kernel=1, stride=1, padding=0)])
    assert windows.uneven_means(np.array([1.0, 9.0])) == pytest.approx(np.array([1.0, 1.0]))
    assert windows.uneven_means(np.array([-1e-18, 4.0])) == pytest.approx(np.array([1.0, 1.0]))


@pytest.mark.parametrize("channels", [[16] * 4, [8] * 4, [64, 32, 16, 32]])
def test_convolutions_over_a_sequence_are_predicted_by_its_steps_and_not_by_its_channels(channels: list[int]) -> None:
    """Trained networks show -.38, -.21 and -.09 (8 draws of 16 channels); a narrowing layer adds half log10 of it."""
    layers: list[dict[str, object]] = []
    for count in channels:
        layers += [{"kind": "conv1d", "out_channels": count, "kernel_size": 3}]
        layers += [{"kind": "activation", "activation": "tanh"}]
    layers += [{"kind": "flatten"}, {"kind": "linear", "out_features": 10}]
    experiment = Experiment.model_validate(
        {
            "model": {"kind": "layers", "layers": layers, "initialization": {"scheme": "lecun_normal"}},
            "data": {"kind": "digit_rows"},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
            "training": {"steps": 1, "batch_size": 64},
        }
    )
    widths = 0.5 * np.log10(np.array(channels[-1]) / np.array(channels))
    measured = np.array([-0.38, -0.209, -0.094, 0.0]) + widths
    predicted = [site.log10_relative_gradient for site in predict(experiment).sites]
    assert predicted == pytest.approx(measured, abs=0.03)
