"""Single layers, forward and back, by hand and against written-out units."""

import numpy as np
import pytest

from gradclinic.experiments.activations.rrelu import RReLU
from gradclinic.experiments.initializations.lecun_normal import LecunNormal
from gradclinic.experiments.layers.base import Layer, Node
from gradclinic.experiments.layers.batch_norm import BatchNorm
from gradclinic.experiments.layers.dropout import Dropout
from gradclinic.experiments.layers.layer_norm import LayerNorm
from gradclinic.experiments.layers.rms_norm import RMSNorm
from gradclinic.theory.batch import Batch
from gradclinic.theory.gradient import Gradient
from gradclinic.theory.moments import moments
from gradclinic.theory.signal import Signal, of_batch
from gradclinic.theory.start import Setting
from gradclinic.theory.transfer import step

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
