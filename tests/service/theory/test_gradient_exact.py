"""The gradient's components along h and 1, against whole covariance matrices of the gradient of a vector of units.

delta = alpha h + beta 1 + r, where r is isotropic at right angles to h and 1. So a `Gradient` is a covariance matrix
[n, n], and a layer's backward pass multiplies it from both sides.
"""

import numpy as np
import pytest

from gradclinic.theory.gradient import (
    Block,
    Gradient,
    from_loss,
    into_body,
    joined,
    through_normalization,
    through_units,
    through_weights,
)
from gradclinic.theory.moments import Overlaps
from gradclinic.theory.signal import Signal

UNITS = 600
GENERATOR_SEED = 11
OVERLAPS = np.array([[0.021, -0.004], [-0.004, 0.012]])
"""Second moments of (delta . h, delta . 1) / n, of a size at which h and 1 carry a good part of the gradient."""


def drawn(*, mean: float, deviation: float, units: int = UNITS, seed: int = GENERATOR_SEED) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, deviation, units)


def signal_of(h: np.ndarray) -> Signal:
    return Signal(np.asarray((h**2).mean()), np.asarray(h.mean()), np.asarray(h.mean() ** 2))


def frame(h: np.ndarray) -> np.ndarray:
    return np.stack([h, np.ones_like(h)], axis=1)


def covariance(h: np.ndarray, overlaps: np.ndarray, rest: float) -> np.ndarray:
    """[n, n]: of a gradient with these overlaps, and a mean square `rest` at right angles to h and 1."""
    dual = frame(h) @ np.linalg.inv(frame(h).T @ frame(h)) * len(h)
    across = np.eye(len(h)) - frame(h) @ np.linalg.pinv(frame(h))
    return np.asarray(dual @ overlaps @ dual.T + rest * len(h) / (len(h) - 2) * across)


def gradient_of(matrix: np.ndarray, h: np.ndarray, path: np.ndarray | None = None) -> Gradient:
    square, overlaps = np.trace(matrix) / len(h), frame(h).T @ matrix @ frame(h) / len(h) ** 2
    return Gradient(np.asarray(square), overlaps, np.eye(2) if path is None else path)


def assert_alike(found: Gradient, expected: Gradient, *, rel: float = 5e-3) -> None:
    assert found.overlaps is not None
    assert expected.overlaps is not None
    assert float(found.square) == pytest.approx(float(expected.square), rel=rel)
    assert found.overlaps == pytest.approx(expected.overlaps, rel=rel, abs=1e-3 * np.abs(expected.overlaps).max())


PATH = np.array([[0.8, 0.1], [-0.2, 1.1]])


def test_a_gradient_of_the_loss_is_that_of_a_readout_drawn_given_its_outputs() -> None:
    # Given f = V h, each row of V is f h / |h|^2 and a part at right angles to h of variance s^2.
    h, outputs, variance = drawn(mean=0.6, deviation=0.9), 5, 0.7 / UNITS
    second = (h**2).mean()
    delta_f, delta = 3.1, 0.8 * outputs
    known = np.outer(h, h) * delta_f / (UNITS * second) ** 2
    fresh = delta * variance * (np.eye(UNITS) - np.outer(h, h) / (h @ h))
    found = from_loss(delta_f, delta, signal=signal_of(h), weight_variance=variance * UNITS, units=UNITS)
    assert_alike(found, gradient_of(known + fresh, h), rel=1e-9)


def test_a_readout_of_a_zero_signal_sends_back_its_weights_alone() -> None:
    found = from_loss(3.0, 2.0, signal=signal_of(np.zeros(8)), weight_variance=0.5, units=8)
    assert (float(found.square), found.overlaps) == (0.125, None)


@pytest.mark.parametrize("deviation", [0.0, 0.5], ids=["without biases", "with drawn biases"])
def test_weights_send_back_what_is_known_of_them_and_draw_the_rest(deviation: float) -> None:
    before, after, gain = 400, UNITS, 1.6
    h = drawn(mean=0.7, deviation=1.1, units=before, seed=1)
    made = drawn(mean=0.0, deviation=1.0, seed=2)
    bias = drawn(mean=0.0, deviation=1.0, seed=3)
    # W h and the biases have exactly the averages that theory gives them.
    made = exactly(made, np.ones(UNITS), square=gain * (h**2).mean())
    bias = exactly(bias, np.ones(UNITS), made, square=deviation**2)
    z = made + bias
    matrix = covariance(z, OVERLAPS, 0.9)
    across = np.eye(before) - np.outer(h, h) / (h @ h)
    back = np.outer(h, h) * (made @ matrix @ made) / (h @ h) ** 2 + gain / before * np.trace(matrix) * across
    gradient = gradient_of(matrix, z, PATH)
    found = through_weights(gradient, signal_of(h), signal_of(z), gain=gain, units=(before, after))
    assert_alike(found, gradient_of(back, h))
    # What is left of the overlaps (delta . z, delta . 1): the regression on them of (W^T delta . h, W^T delta . 1).
    onto = np.linalg.lstsq(frame(z), made, rcond=None)[0]
    along = np.array([h @ h, h.sum()]) / (h @ h) * after / before
    assert found.path == pytest.approx(np.outer(along, onto) @ PATH, rel=1e-9)


def test_weights_of_a_zero_signal_send_back_the_size_of_a_gradient_alone() -> None:
    zero = signal_of(np.zeros(8))
    found = through_weights(gradient(2.0), zero, zero, gain=1.5, units=(8, 24))
    assert (float(found.square), found.overlaps) == (pytest.approx(9.0), None)


def exactly(vector: np.ndarray, *across: np.ndarray, square: float) -> np.ndarray:
    """The vector made orthogonal to others, with this mean square."""
    others = np.stack(across, axis=1)
    rest = vector - others @ np.linalg.pinv(others) @ vector
    return np.asarray(rest * np.sqrt(square / (rest**2).mean()))


def test_weights_pass_on_an_isotropic_gradient_and_its_memory_by_their_size() -> None:
    h = signal_of(drawn(mean=0.7, deviation=1.1))
    gradient = Gradient(np.asarray(2.0), memory=4.0)
    found = through_weights(gradient, h, h, gain=1.5, units=(100, 300))
    assert (float(found.square), found.overlaps, found.memory) == (pytest.approx(9.0), None, 4.0)


def test_an_elementwise_function_multiplies_each_unit_by_its_slope() -> None:
    z = drawn(mean=0.3, deviation=1.2)
    x, slope = np.where(z > 0, z, 0.2 * z**2), np.where(z > 0, 1.0, 0.4 * z)
    out, into = frame(x), frame(z)
    own = Overlaps(
        passed=out.T @ (out * (slope**2)[:, None]) / UNITS,
        turned=into.T @ (out * slope[:, None]) / UNITS,
        slopes=into.T @ (into * (slope**2)[:, None]) / UNITS,
    )
    matrix = covariance(x, OVERLAPS, 0.9)
    back = matrix * np.outer(slope, slope)
    found = through_units(gradient_of(matrix, x, PATH), signal_of(x), own, units=UNITS)
    assert_alike(found, gradient_of(back, z))
    turn = own.turned @ np.linalg.inv(out.T @ out / UNITS)
    assert found.path == pytest.approx(turn @ PATH, rel=1e-9)


@pytest.mark.parametrize("centred", [True, False], ids=["layer norm", "rms norm"])
def test_a_normalization_projects_the_gradient_and_divides_it_by_the_size(centred: bool) -> None:
    h = drawn(mean=0.8, deviation=1.3)
    deviation = h - h.mean() if centred else h
    size = np.sqrt((deviation**2).mean())
    y = deviation / size
    removed = frame(y) if centred else y[:, None]
    across = (np.eye(UNITS) - removed @ np.linalg.pinv(removed)) / size
    matrix = covariance(y, OVERLAPS, 0.9)
    expected = gradient_of(across @ matrix @ across.T, h)
    found = through_normalization(gradient_of(matrix, y, PATH), signal_of(y), scale=1 / size**2, centred=centred)
    assert float(found.square) == pytest.approx(float(expected.square), rel=1e-9)
    assert found.overlaps == pytest.approx(expected.overlaps, abs=1e-9)
    regression = frame(h).T @ across @ frame(y) @ np.linalg.inv(frame(y).T @ frame(y))
    assert found.path == pytest.approx(regression @ PATH, abs=1e-9)


def test_a_residual_block_adds_what_returns_through_its_body_to_what_skips_it() -> None:
    scale = 0.6
    h = drawn(mean=0.9, deviation=1.0, seed=4)
    body = 0.5 + exactly(drawn(mean=0.0, deviation=1.0, seed=5), frame(h)[:, 0], np.ones(UNITS), square=0.7)
    after = h + scale * body
    block = Block(signal_of(h), signal_of(body), signal_of(after), scale, UNITS)
    matrix = covariance(after, OVERLAPS, 0.9)
    gradient = gradient_of(matrix, after, PATH)
    into = into_body(gradient, block)
    assert_alike(into, gradient_of(scale**2 * matrix, body))
    assert into.path == pytest.approx(np.eye(2))

    # The body sends back, of its gradient's overlaps (with body and 1), `path` of them along h and 1; and fresh noise.
    path = np.array([[0.7, 0.2], [0.1, 0.4]])
    dual = frame(h) @ np.linalg.inv(frame(h).T @ frame(h)) * UNITS
    through_body = scale * dual @ path @ frame(body).T / UNITS
    noise = covariance(h, np.diag([2e-3, 1e-3]), 0.3)
    at_body = gradient_of(through_body @ matrix @ through_body.T + noise, h, path)
    whole = np.eye(UNITS) + through_body
    found = joined(gradient, at_body, block)
    assert_alike(found, gradient_of(whole @ matrix @ whole.T + noise, h), rel=1e-4)
    regression = frame(h).T @ whole @ frame(after) @ np.linalg.inv(frame(after).T @ frame(after))
    assert found.path == pytest.approx(regression @ PATH, rel=1e-9)


def test_a_block_whose_gradient_is_isotropic_adds_squares() -> None:
    h = signal_of(drawn(mean=0.0, deviation=1.0))
    block = Block(h, h, h, 0.5, UNITS)
    into = into_body(Gradient(np.asarray(3.0)), block)
    assert (float(into.square), into.overlaps) == (0.75, None)
    for whole, body in ((Gradient(np.asarray(3.0)), gradient(0.2)), (gradient(3.0), Gradient(np.asarray(0.2)))):
        found = joined(whole, body, block)
        assert (float(found.square), found.overlaps) == (pytest.approx(3.2), None)


def gradient(square: float) -> Gradient:
    return Gradient(np.asarray(square), 0.1 * np.eye(2))
