"""What is true of every activation, checked numerically on a fine grid; each test adds what is its own."""

import numpy as np

from gradclinic.experiments.activations import Activation

GRID = np.linspace(-12.0, 12.0, 24_001) + 1e-4
"""Away from kinks at whole numbers."""


def check_slopes(activation: Activation) -> None:
    """The declared derivative is the slope of the declared value; the declared bounds are where the slope says."""
    step = 1e-6
    slope = (activation.value(GRID + step) - activation.value(GRID - step)) / (2 * step)
    derivative = activation.derivative(GRID)
    np.testing.assert_allclose(derivative, slope, atol=1e-7)
    low, high = activation.zero_gradient
    off = (low >= GRID) | (high <= GRID)
    assert (derivative[off] == 0).all()
    size = np.abs(derivative) / np.abs(derivative).max()
    low, high = activation.saturation_bounds()
    assert (size[(low - 1e-3 > GRID) | (high + 1e-3 < GRID)] < 0.05).all()
    for edge, inside in ((low, low + 2e-3), (high, high - 2e-3)):
        if np.isfinite(edge):
            assert np.abs(activation.derivative(np.array([inside])))[0] / np.abs(derivative).max() >= 0.05
    check_range(activation)


def check_range(activation: Activation) -> None:
    """No value lies outside the declared range, and both of its ends are approached."""
    values = activation.value(np.concatenate([GRID, [-1e9, 1e9]]))
    low, high = activation.range
    assert (values >= low - 1e-6).all()
    assert (values <= high + 1e-6).all()
    for end, reached in ((low, values.min()), (high, values.max())):
        assert not np.isfinite(end) or abs(end - reached) < 1e-4


def at(activation: Activation, z: float) -> float:
    """phi(z)."""
    return float(activation.value(np.array([z]))[0])


def slope_at(activation: Activation, z: float) -> float:
    """phi'(z)."""
    return float(activation.derivative(np.array([z]))[0])
