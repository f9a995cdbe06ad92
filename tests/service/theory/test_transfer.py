"""Single layers, forward and back, by hand and against written-out units."""

import numpy as np
import pytest

from gradclinic.experiments.activations.relu import ReLU
from gradclinic.experiments.activations.rrelu import RReLU
from gradclinic.experiments.activations.silu import SiLU
from gradclinic.experiments.initializations.lecun_normal import LecunNormal
from gradclinic.experiments.layers.activation import ActivationLayer
from gradclinic.experiments.layers.base import Layer, Node
from gradclinic.experiments.layers.batch_norm import BatchNorm
from gradclinic.experiments.layers.conv2d import Conv2d
from gradclinic.experiments.layers.dropout import Dropout
from gradclinic.experiments.layers.flatten import Flatten
from gradclinic.experiments.layers.layer_norm import LayerNorm
from gradclinic.experiments.layers.residual import Residual
from gradclinic.experiments.layers.rms_norm import RMSNorm
from gradclinic.theory.batch import Batch
from gradclinic.theory.closed_form import NoClosedForm
from gradclinic.theory.gradient import Gradient
from gradclinic.theory.moments import moments
from gradclinic.theory.signal import Signal, of_batch, uniform
from gradclinic.theory.start import Setting
from gradclinic.theory.transfer import activated, step

SETTING = Setting(LecunNormal(), 64)


def node(layer: Layer, *shape: int) -> Node:
    return layer.node(shape, name="0.layer", pointer="")


def vector(second: float, mean: float, shared: float) -> Signal:
    return Signal(np.asarray(second), np.asarray(mean), np.asarray(shared))


def test_layer_norm_takes_the_mean_and_divides_by_the_deviation() -> None:
    out, back = step(node(LayerNorm(eps=0.5), 16), vector(2.0, 0.5, 1.0), SETTING)
    assert (float(out.second), float(out.mean)) == (pytest.approx(1.75 / 2.25), 0.0)
    assert float(out.shared) == pytest.approx(0.75 / 2.25)
    assert float(back(Gradient(np.asarray(3.0))).square) == pytest.approx(3.0 / 2.25)


def test_rms_norm_keeps_the_mean_and_divides_by_the_size() -> None:
    out, back = step(node(RMSNorm(eps=0.5), 16), vector(2.0, 0.5, 1.0), SETTING)
    assert (float(out.second), float(out.mean)) == (pytest.approx(0.8), pytest.approx(0.5 / np.sqrt(2.5)))
    assert float(out.shared) == pytest.approx(0.4)
    assert float(back(Gradient(np.asarray(3.0))).square) == pytest.approx(1.2)


def test_dropout_divides_what_it_keeps_and_sends_back_what_masks_of_units_send() -> None:
    units, kept = 400, 0.8
    generator = np.random.default_rng(3)
    h = generator.normal(0.7, 1.0, units)
    found = []
    for _ in range(20_000):
        mask = (generator.random(units) < kept) / kept
        # A gradient along the output alone, so that what is lost of its overlaps is seen.
        back = mask * (mask * h)
        found.append([(back**2).mean(), (back @ h / units) ** 2, back.mean() ** 2])
    x = vector(float((h**2).mean()), float(h.mean()), 0.0)
    out, through = step(node(Dropout(p=0.2), units), x, SETTING)
    assert float(out.second) == pytest.approx(float(x.second) / kept)
    second, mean = float(out.second), float(out.mean)
    along = np.outer([second, mean], [second, mean])
    predicted = through(Gradient(np.asarray(second), along))
    assert predicted.overlaps is not None
    assert float(predicted.square) == pytest.approx(np.mean(found, axis=0)[0], rel=0.01)
    assert np.diag(predicted.overlaps) == pytest.approx(np.mean(found, axis=0)[1:], rel=0.01)
    assert float(through(Gradient(np.asarray(3.0))).square) == pytest.approx(3.75)


def test_a_random_slope_counts_with_its_square() -> None:
    own = moments(RReLU(lower=0.1, upper=0.7), 0.0, 2.0)
    square = (0.1**2 + 0.1 * 0.7 + 0.7**2) / 3
    assert (own.second, own.slope) == (pytest.approx(1 + square), pytest.approx(0.5 + 0.5 * square))


@pytest.mark.parametrize("centred", [True, False])
def test_a_scaled_signal_is_that_of_its_scaled_units(centred: bool) -> None:
    h = np.random.default_rng(2).normal(0.6, 1.0, (2, 50))
    h += 0.6 - h.mean(axis=1, keepdims=True)
    scaled = (h - (0.6 if centred else 0.0)) * np.sqrt(3.0)
    found = vector(float((h[0] ** 2).mean()), 0.6, float((h[0] * h[1]).mean())).scaled(3.0, centred=centred)
    assert float(found.second) == pytest.approx((scaled[0] ** 2).mean())
    assert float(found.mean) == pytest.approx(scaled[0].mean(), abs=1e-12)
    assert float(found.shared) == pytest.approx((scaled[0] * scaled[1]).mean())


def test_a_branch_adds_its_squares_and_twice_the_product_of_means() -> None:
    found = vector(2.0, 0.5, 1.0).plus(vector(3.0, -0.4, 0.2), 0.5)
    assert float(found.second) == pytest.approx(2.0 + 0.75 - 0.2)
    assert float(found.mean) == pytest.approx(0.3)
    assert float(found.shared) == pytest.approx(1.0 + 0.05 - 0.2)
    assert float(vector(2.0, 0.5, 1.0).variance) == 1.75
    assert float(vector(2.0, 0.5, 1.0).covariance) == 0.75


def test_a_sum_has_a_batch_only_if_both_parts_have_one() -> None:
    with_batch, without = of_batch(Batch(np.eye(4), 4)), vector(1.0, 0.0, 0.0)
    assert with_batch.plus(with_batch, 0.5).batch is not None
    assert with_batch.plus(without, 0.5).batch is None
    assert without.plus(with_batch, 0.5).batch is None


def test_batch_norm_removes_two_of_a_batchs_directions_and_twice_one_in_its_units() -> None:
    # Uncorrelated samples of variance 2: the square grows by (1 + 2 / 63) / (2 x 63 / 64), less 2 of 64 and 2 of 16.
    signal = of_batch(Batch(2.0 * np.eye(64), 64))
    _, back = step(node(BatchNorm(eps=1e-12), 16), signal, SETTING)
    once = back(Gradient(np.asarray(1.0)))
    grown = (1 + 2 / 63) / (2.0 * 63 / 64)
    assert float(once.square) == pytest.approx(grown * (1 - 2 / 64) * (1 - 2 / 16))
    assert once.memory == 2.0
    # A gradient that later batch norms took 4 / n of loses half as much again here, and one less direction of it.
    later = back(Gradient(np.asarray(1.0), memory=4.0, removed=1.0))
    assert float(later.square) == pytest.approx(grown * (1 - 1 / 64) * (1 - 4 / 16))
    assert later.memory == 6.0


def test_batch_norm_over_pixels_keeps_what_differs_between_them() -> None:
    second, shared = np.array([3.0, 2.0]), np.array([1.0, 0.25])
    signal = Signal(second, np.zeros(2), shared)
    out, back = step(node(BatchNorm(eps=0.5), 16, 1, 2), signal, SETTING)
    # Means over the samples of 1 and 0.5 lie 0.25 from their own mean, and vary by 2 and 1.75 around them.
    variance = (2.0 + 1.75) / 2 + 0.0625 + 0.5
    assert out.second == pytest.approx(np.array([2.0625, 1.8125]) / variance)
    assert out.shared == pytest.approx(np.full(2, 0.0625) / variance)
    assert back(Gradient(np.ones(2))).square == pytest.approx(np.full(2, 1 / variance))


def test_a_convolution_sums_its_windows_and_sends_back_to_every_pixel_that_they_contain() -> None:
    # Three channels to six, scheme variance 1, so each of nine places has 1 / 9; a column of pixels has one in three.
    convolution = node(Conv2d(out_channels=6, kernel_size=3), 3, 3, 1)
    column = Signal(np.array([[1.0], [2.0], [4.0]]), np.zeros((3, 1)), np.array([[0.0], [1.0], [4.0]]))
    out, back = step(convolution, column, Setting(LecunNormal(bias=0.5), 64))
    assert out.second.ravel() == pytest.approx([3 / 9 + 0.25, 7 / 9 + 0.25, 6 / 9 + 0.25])
    assert out.shared.ravel() == pytest.approx([1 / 9 + 0.25, 5 / 9 + 0.25, 5 / 9 + 0.25])
    assert out.mean.ravel() == pytest.approx([0.5] * 3)
    assert out.uneven is None
    assert back(Gradient(np.array([[1.0], [2.0], [4.0]]))).square.ravel() == pytest.approx([6 / 9, 14 / 9, 12 / 9])
    # Roots 0, 1 and 2 of what is shared: a window's places see (0, 0, 1), (0, 1, 2) and (1, 2, 0).
    uneven = step(convolution, column, Setting(LecunNormal(), 64, batch_normalized=True))[0].uneven
    assert uneven is not None
    assert uneven.sum() == pytest.approx((2 / 3 + 2 + 2) / 9)


def test_a_convolution_over_pixels_that_are_alike_is_a_matrix_over_its_channels() -> None:
    _, back = step(node(Conv2d(out_channels=6, kernel_size=3), 3, 8, 8), vector(2.0, 0.0, 0.0), SETTING)
    assert float(back(Gradient(np.asarray(1.0))).square) == pytest.approx(2.0)


def test_an_activation_sends_back_the_overlaps_of_its_slopes() -> None:
    # A gradient along the output phi(z) alone: phi' phi, whose averages with z and 1 are those of one long line of z.
    z = 0.3 + np.sqrt(1.7) * np.linspace(-10.0, 10.0, 200_001)
    weights = np.exp(-((z - 0.3) ** 2) / 3.4)
    weights /= weights.sum()
    silu = SiLU()
    value, slope = silu.value(z), silu.derivative(z)
    out, back = step(node(ActivationLayer(activation=silu), 10**9), vector(1.7 + 0.09, 0.3, 0.09), SETTING)
    second, mean = float(weights @ value**2), float(weights @ value)
    assert (float(out.second), float(out.mean)) == (pytest.approx(second, rel=1e-6), pytest.approx(mean, rel=1e-6))
    found = back(Gradient(np.asarray(second), np.outer([second, mean], [second, mean])))
    assert found.overlaps is not None
    assert float(found.square) == pytest.approx(weights @ (slope * value) ** 2, rel=1e-4)
    along = np.array([weights @ (slope * value * z), weights @ (slope * value)])
    assert found.overlaps == pytest.approx(np.outer(along, along), rel=1e-4)
    assert float(back(Gradient(np.asarray(3.0))).square) == pytest.approx(3 * (weights @ slope**2), rel=1e-4)


def test_an_activation_keeps_part_of_what_batch_norms_remember_of_its_batch() -> None:
    batch = Batch(np.eye(64), 64)
    passed = batch.activated(SiLU(), 16)
    out, back = step(node(ActivationLayer(activation=SiLU()), 16), of_batch(batch), SETTING)
    assert out.batch is not None
    assert np.array_equal(out.batch.kernel, passed.batch.kernel)
    found = back(Gradient(np.asarray(3.0), memory=4.0, removed=2.0))
    assert float(found.square) == pytest.approx(3 * passed.slope)
    assert (found.memory, found.removed) == (pytest.approx(4 * passed.kept), passed.removed)


def test_each_position_has_the_averages_of_its_own_mean_and_variance_at_every_scale() -> None:
    sizes = np.array([0.0, 1e-310, 3e-7, 2.5, 2.5 * (1 + 1e-6), 2.5 * (1 + 1e-14), 7e200])
    with np.errstate(over="ignore"):  # as predictions do
        out, slope = activated(ReLU(), Signal(sizes, np.zeros(7), np.zeros(7)), alike=False)
    assert out.second[2:] == pytest.approx(sizes[2:] / 2, rel=1e-8)
    assert out.second[:2].max() <= 1e-310
    assert out.second[5] == out.second[3]
    assert slope[1:] == pytest.approx(np.full(6, 0.5))
    assert out.shared == pytest.approx(out.mean**2)


def test_samples_that_are_alike_stay_so_only_where_batch_norm_asks() -> None:
    signal = vector(2.0, 0.5, 1.2)
    alike, apart = (activated(ReLU(), signal, alike=each)[0] for each in (True, False))
    u, noise = np.random.default_rng(5).standard_normal((2, 400_000))
    likeness = 0.95 / 1.75
    v = likeness * u + np.sqrt(1 - likeness**2) * noise
    drawn = np.maximum(0.5 + np.sqrt(1.75) * u, 0) * np.maximum(0.5 + np.sqrt(1.75) * v, 0)
    assert float(alike.shared) == pytest.approx(drawn.mean(), rel=0.01)
    assert float(apart.shared) == pytest.approx(float(apart.mean) ** 2)


@pytest.mark.parametrize(("samples", "positions", "enough"), [(32, (), 1), (31, (), 0), (8, (4,), 1), (10, (3,), 0)])
def test_batch_norm_counts_the_values_of_a_unit_over_samples_and_positions(
    samples: int, positions: tuple[int, ...], enough: int
) -> None:
    batch_norm = node(BatchNorm(), *positions, 16)
    setting = Setting(LecunNormal(), samples)
    if enough:
        assert step(batch_norm, uniform(positions), setting)[0].second == pytest.approx(np.ones(positions), rel=1e-4)
        return
    with pytest.raises(NoClosedForm, match=f"over {samples * max(1, *positions, 1)} values"):
        step(batch_norm, uniform(positions), setting)


@pytest.mark.parametrize("norm", [LayerNorm(eps=1e-12), RMSNorm(eps=1e-12)], ids=["layer_norm", "rms_norm"])
def test_norms_divide_each_step_of_a_sequence_by_its_own_size_and_an_image_by_that_of_all_pixels(norm: Layer) -> None:
    sizes = np.array([1.0, 4.0])
    out, back = step(node(norm, 2, 16), Signal(sizes, np.zeros(2), np.zeros(2)), SETTING)
    assert out.second == pytest.approx(np.ones(2))
    assert back(Gradient(np.ones(2))).square == pytest.approx(1 / sizes)
    image = Signal(sizes[None, :], np.zeros((1, 2)), np.zeros((1, 2)))
    out, back = step(node(norm, 16, 1, 2), image, SETTING)
    assert out.second == pytest.approx(np.array([[0.4, 1.6]]))
    assert back(Gradient(np.ones((1, 2)))).square == pytest.approx(np.full((1, 2), 0.4))


def test_flattening_averages_over_the_positions_and_sends_back_the_same_to_each() -> None:
    image = Signal(np.array([[1.0, 3.0]]), np.array([[0.2, 0.4]]), np.array([[0.5, 0.1]]))
    out, back = step(node(Flatten(), 16, 1, 2), image, SETTING)
    assert (float(out.second), float(out.mean), float(out.shared)) == pytest.approx((2.0, 0.3, 0.3))
    assert back(Gradient(np.asarray(3.0))).square.tolist() == [[3.0, 3.0]]


def test_a_block_adds_its_scaled_branch_there_and_back() -> None:
    body = [{"kind": "linear", "out_features": 16, "initialization": {"scheme": "lecun_normal", "gain": 3.0}}]
    block = Residual.model_validate({"body": body, "scale": 0.5})
    out, back = step(node(block, 16), vector(2.0, 0.4, 0.16), SETTING)
    assert float(out.second) == pytest.approx(2.0 * (1 + 0.25 * 9))
    assert float(out.mean) == pytest.approx(0.4)
    assert float(back(Gradient(np.asarray(1.0))).square) == pytest.approx(1 + 0.25 * 9)
    projected = Residual.model_validate({"body": body, "shortcut": "projection"})
    with pytest.raises(NoClosedForm, match="projected shortcut"):
        step(node(projected, 16), vector(2.0, 0.4, 0.16), SETTING)


def test_two_samples_never_have_more_or_less_in_common_than_their_variance_or_nothing() -> None:
    assert float(vector(1.0, 0.5, 3.0).covariance) == 0.75
    assert float(vector(1.0, 0.5, 0.1).covariance) == 0.0
    assert float(vector(0.1, 0.5, 0.1).variance) == 0.0
    even = uniform((2, 3), second=0.7)
    assert (even.second.tolist(), even.mean.tolist(), even.shared.tolist()) == ([[0.7] * 3] * 2, *[[[0.0] * 3] * 2] * 2)
