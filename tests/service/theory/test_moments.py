"""Mean-field quantities against published and independently measured values."""

from math import erfc

import numpy as np
import pytest

from gradclinic.experiments.activations import ACTIVATIONS, Activation
from gradclinic.theory.moments import moments, overlaps, product_moment

from .recursion import backward_gain, fixed_point


def named(name: str) -> Activation:
    return ACTIVATIONS[name]()


@pytest.mark.parametrize(
    ("name", "weight_variance", "q", "chi"),
    [
        ("tanh", 4.0, 2.12, 1.363),
        ("sigmoid", 1.0, 0.265, 0.0557),
        ("sigmoid", 16.0, 5.86, 0.399),
        ("selu", 1.0, 1.0, 1.072),
        ("softplus", 1.0, 0.856, 0.289),
    ],
)
def test_fixed_points_are_the_published_ones(name: str, weight_variance: float, q: float, chi: float) -> None:
    found_q, found_chi = fixed_point(named(name), weight_variance)
    assert found_q == pytest.approx(q, rel=3e-3)
    assert found_chi == pytest.approx(chi, rel=3e-3)


@pytest.mark.parametrize(("name", "factor"), [("relu", 1.211), ("tanh", 1.085), ("sigmoid", 1.017)])
def test_batch_norm_multiplies_the_gradient_by_the_published_factor(name: str, factor: float) -> None:
    own = moments(named(name), 0.0, 1.0)
    assert np.sqrt(own.slope / (own.second - own.mean**2)) == pytest.approx(factor, abs=5e-4)


@pytest.mark.parametrize(("name", "factor"), [("relu", 1.0), ("tanh", 1.085), ("sigmoid", 0.391)])
def test_layer_norm_multiplies_the_gradient_by_the_published_factor(name: str, factor: float) -> None:
    own = moments(named(name), 0.0, 1.0)
    assert np.sqrt(own.slope / own.second) == pytest.approx(factor, abs=5e-4)


@pytest.mark.parametrize(("weight_variance", "chi"), [(2.0, 1.0), (1.0, 0.5), (1.0 / 3.0, 1.0 / 6.0)])
def test_relu_is_critical_at_kaimings_variance_only(weight_variance: float, chi: float) -> None:
    assert backward_gain(named("relu"), weight_variance, 1.7) == pytest.approx(chi, rel=1e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("variance", [1e-4, 1.0, 30.0, 1600.0])
def test_quadrature_agrees_with_brute_force_at_every_scale(name: str, variance: float) -> None:
    activation = named(name)
    z = np.linspace(-12.0, 12.0, 300_001)
    weights = np.exp(-0.5 * z**2)
    weights /= weights.sum()
    u = np.sqrt(variance) * z
    own = moments(activation, 0.0, variance)
    assert own.slope == pytest.approx(float(weights @ activation.squared_derivative(u)), rel=2e-4)
    assert own.mean == pytest.approx(float(weights @ activation.value(u)), rel=2e-4, abs=1e-8)


def test_two_equal_samples_keep_their_second_moment_and_independent_ones_their_mean() -> None:
    relu = named("relu")
    own = moments(relu, 0.0, 1.0)
    assert product_moment(relu, 0.0, 1.0, 1.0) == pytest.approx(own.second)
    assert product_moment(relu, 0.0, 1.0, 0.0) == pytest.approx(own.mean**2)


def test_a_covariance_above_the_variance_by_rounding_is_that_of_one_sample() -> None:
    relu = named("relu")
    assert product_moment(relu, 0.3, 1.0, 1.0 + 1e-12) == moments(relu, 0.3, 1.0).second


def test_correlated_samples_follow_the_arc_cosine_kernel() -> None:
    # Cho and Saul 2009, NeurIPS: E[relu(u) relu(v)] = (sin t + (pi - t) cos t) / (2 pi), cos t the correlation.
    t = np.arccos(0.4)
    expected = (np.sin(t) + (np.pi - t) * np.cos(t)) / (2 * np.pi)
    assert product_moment(named("relu"), 0.0, 1.0, 0.4) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("mean", "variance", "covariance"), [(0.3, 2.0, 0.7), (-1.2, 0.5, 0.45), (0.0, 3.0, 1e-5)])
def test_linear_units_of_two_samples_have_the_product_of_their_means_and_their_covariance(
    mean: float, variance: float, covariance: float
) -> None:
    found = product_moment(named("identity"), mean, variance, covariance)
    assert found == pytest.approx(mean**2 + covariance, rel=1e-9)


def test_correlated_samples_of_a_curved_unit_are_as_drawn_ones() -> None:
    u, noise = np.random.default_rng(8).standard_normal((2, 400_000))
    v = 0.6 * u + 0.8 * noise
    drawn = np.tanh(0.5 + np.sqrt(2.0) * u) * np.tanh(0.5 + np.sqrt(2.0) * v)
    assert product_moment(named("tanh"), 0.5, 2.0, 1.2) == pytest.approx(drawn.mean(), abs=0.003)


@pytest.mark.parametrize("name", ["silu", "leaky_relu", "rrelu"])
def test_overlaps_are_averages_of_products_of_the_unit_its_slope_and_its_input(name: str) -> None:
    activation, mean, variance = named(name), 0.4, 1.7
    t = np.linspace(-12.0, 12.0, 400_001)
    weights = np.exp(-0.5 * t**2)
    weights /= weights.sum()
    z = mean + np.sqrt(variance) * t
    x, slope, square = activation.value(z), activation.derivative(z), activation.squared_derivative(z)
    found = overlaps(activation, mean, variance)
    for (row, column), output, above in [((0, 0), x, z), ((0, 1), 1.0, z), ((1, 0), x, 1.0), ((1, 1), 1.0, 1.0)]:
        assert found.turned[row, column] == pytest.approx(weights @ (slope * output * above), rel=1e-4)
    powers = {(0, 0): 2, (0, 1): 1, (1, 0): 1, (1, 1): 0}
    for place, power in powers.items():
        assert found.passed[place] == pytest.approx(weights @ (square * x**power), rel=1e-4)
        assert found.slopes[place] == pytest.approx(weights @ (square * z**power), rel=1e-4)
    assert found.slope_square == pytest.approx(weights @ square, rel=1e-4)


def test_units_that_nearly_never_act_are_counted_up_to_ten_deviations() -> None:
    # The kink at 0 is 9.6 deviations up: P = 4.0e-22, of which 2 % lies beyond ten deviations.
    assert moments(named("relu"), -0.96, 0.01).slope == pytest.approx(0.5 * erfc(9.6 / np.sqrt(2.0)), rel=0.03, abs=0)


def test_a_unit_that_does_not_vary_has_the_value_of_its_mean() -> None:
    own = moments(named("tanh"), 0.5, 0.0)
    slope = 1 - np.tanh(0.5) ** 2
    assert (own.mean, own.second, own.slope) == pytest.approx((np.tanh(0.5), np.tanh(0.5) ** 2, slope**2))
    assert product_moment(named("tanh"), 0.5, 0.0, 0.0) == pytest.approx(np.tanh(0.5) ** 2)
