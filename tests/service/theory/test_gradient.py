"""The coherent part of the gradient, which theory follows besides its size, against identities and a simulation."""

import numpy as np
import pytest

from gradclinic.experiments.activations.relu import ReLU
from gradclinic.experiments.activations.silu import SiLU
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
from gradclinic.theory.moments import overlaps
from gradclinic.theory.signal import Signal
from gradclinic.theory.transfer import activated

UNITS = 128


def signal(second: float, mean: float) -> Signal:
    return Signal(np.asarray(second), np.asarray(mean), np.asarray(mean**2))


def along_the_outputs(stream: Signal, *, outputs: int) -> Gradient:
    """dL/dh for a readout of variance 1 / UNITS and dL/df = f: E[(f . f)^2] = (N^2 + 2 N) v^2 and E|f|^2 = N v."""
    v = float(stream.second)
    return from_loss((outputs**2 + 2 * outputs) * v**2, outputs * v, signal=stream, weight_variance=1.0, units=UNITS)


def through_a_block(activation: ReLU | SiLU, stream: Signal, *, gain: float, scale: float) -> tuple[Gradient, Gradient]:
    """The gradient at a block's output and at its input."""
    hidden = signal(gain * float(stream.second), 0.0)
    body, _ = activated(activation, hidden, alike=False)
    block = Block(stream, body, stream.plus(body, scale), scale, UNITS)
    after = along_the_outputs(block.after, outputs=4)
    own = overlaps(activation, 0.0, float(hidden.variance))
    back = through_units(into_body(after, block), body, own, units=UNITS)
    back = through_weights(back, stream, hidden, gain=gain, units=(UNITS, UNITS))
    return after, joined(after, back, block)


def test_relu_blocks_keep_the_overlap_with_the_signal_as_euler_says() -> None:
    # f(c h) = c f(h) for layers of ReLU's kind without biases, so dL/dh . h is the same at every depth.
    after, before = through_a_block(ReLU(), signal(3.0, 0.8), gain=2.0, scale=0.7)
    assert after.overlaps is not None
    assert before.overlaps is not None
    assert before.overlaps[0, 0] == pytest.approx(after.overlaps[0, 0], rel=1e-6)


@pytest.mark.parametrize("activation", [ReLU(), SiLU()], ids=["relu", "silu"])
def test_one_block_does_to_a_gradient_what_drawn_weights_do(activation: ReLU | SiLU) -> None:
    gain, scale = 2.0, 0.8
    generator = np.random.default_rng(3)
    found = []
    for _ in range(2000):
        h = generator.normal(1.0, 1.0, UNITS)
        weights = generator.normal(0.0, np.sqrt(gain / UNITS), (UNITS, UNITS))
        z = weights @ h
        output = h + scale * activation.value(z)
        readout = generator.normal(0.0, UNITS**-0.5, (4, UNITS))
        delta = readout.T @ (readout @ output)
        back = delta + scale * weights.T @ (activation.derivative(z) * delta)
        found.append([(delta**2).mean(), (back**2).mean(), (back @ h / UNITS) ** 2, back.mean() ** 2])
    size, back_size, along, ones = np.mean(found, axis=0)
    after, before = through_a_block(activation, signal(2.0, 1.0), gain=gain, scale=scale)
    assert before.overlaps is not None
    assert back_size / size == pytest.approx(float(before.square / after.square), rel=0.03)
    assert along / size == pytest.approx(float(before.overlaps[0, 0] / after.square), rel=0.1)
    assert ones / size == pytest.approx(float(before.overlaps[1, 1] / after.square), rel=0.1)


def test_a_normalization_takes_away_what_points_along_its_output() -> None:
    output = signal(1.0, 0.0)
    gradient = along_the_outputs(output, outputs=4)
    back = through_normalization(gradient, output, scale=4.0, centred=True)
    assert gradient.overlaps is not None
    assert float(back.square) == pytest.approx(4.0 * (float(gradient.square) - np.trace(gradient.overlaps)))
    assert back.overlaps == pytest.approx(np.zeros((2, 2)))


def test_between_layers_of_unlike_width_a_gradient_across_the_signal_stays_across_it() -> None:
    # g is drawn at right angles to z = W h and to 1, so that nothing of it comes back along h; its mean still does.
    before, after, gain = 40, 160, 1.5
    generator = np.random.default_rng(5)
    found = []
    for _ in range(3000):
        h = generator.normal(1.0, 1.0, before)
        weights = generator.normal(0.0, np.sqrt(gain / before), (after, before))
        across, _ = np.linalg.qr(np.stack([weights @ h, np.ones(after)], axis=1))
        delta = generator.normal(0.0, 1.0, after)
        delta -= across @ (across.T @ delta)
        back = weights.T @ delta
        found.append([(delta**2).mean(), (back**2).mean(), (back @ h / before) ** 2, back.mean() ** 2])
    size, back_size, along, ones = np.mean(found, axis=0)
    stream = signal(2.0, 1.0)
    gradient = Gradient(np.asarray(size), np.zeros((2, 2)))
    predicted = through_weights(gradient, stream, signal(gain * 2.0, 0.0), gain=gain, units=(before, after))
    assert predicted.overlaps is not None
    assert back_size == pytest.approx(float(predicted.square), rel=0.05)
    assert along == pytest.approx(float(predicted.overlaps[0, 0]), abs=1e-12)
    assert ones == pytest.approx(float(predicted.overlaps[1, 1]), rel=0.1)
