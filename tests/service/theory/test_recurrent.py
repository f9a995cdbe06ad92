"""Recurrent states over time, sample by sample, against single samples and a simulation."""

from typing import Any

import numpy as np
import pytest

from gradclinic.experiments.activations import ACTIVATIONS
from gradclinic.experiments.datasets.digit_rows import DigitRows
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.initializations import Initialization
from gradclinic.experiments.initializations.lecun_normal import LecunNormal
from gradclinic.experiments.layers import Node
from gradclinic.experiments.lowering import lower
from gradclinic.theory import Prediction, predict
from gradclinic.theory.moments import moments
from gradclinic.theory.recurrent import States, unrolled
from gradclinic.theory.start import Setting

STEPS, WIDTH = 8, 64


def experiment(
    *before: dict[str, Any], activation: str = "tanh", data: dict[str, Any] | None = None, gain: float = 1.0
) -> Experiment:
    layers = [
        *before,
        {"kind": "recurrent", "width": WIDTH, "nonlinearity": activation},
        {"kind": "last_step"},
        {"kind": "linear", "out_features": 10},
    ]
    initialization = {"scheme": "lecun_normal", "gain": gain}
    return Experiment.model_validate(
        {
            "model": {"kind": "layers", "layers": layers, "initialization": initialization},
            "data": data or {"kind": "digit_rows"},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
            "training": {"batch_size": 64},
        }
    )


def states(sizes: np.ndarray, *, activation: str = "tanh", gain: float = 1.0) -> States:
    scheme: Initialization = LecunNormal(gain=gain)
    node: Node = next(node for node in lower(experiment(activation=activation)).nodes if node.kind == "recurrent")
    return unrolled(node, sizes, Setting(scheme, 64))


def steps(predicted: Prediction) -> np.ndarray:
    return np.diff([site.log10_relative_gradient for site in predicted.sites])


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_equal_sizes_follow_the_published_map(activation: str) -> None:
    found = states(np.full((3, STEPS), 0.7), activation=activation, gain=1.3)
    q, back = [0.7], 1.0
    for _ in range(STEPS - 1):
        q.append(1.69 * moments(ACTIVATIONS[activation](), 0.0, q[-1]).second + 0.7)
    for value in q[1:]:
        back *= 1.69 * moments(ACTIVATIONS[activation](), 0.0, value).slope
    assert found.q == pytest.approx(q, rel=1e-3)
    assert found.squares[0] == pytest.approx(back, rel=1e-3)


def test_squares_of_the_gradient_are_averaged_over_samples_after_the_last_step_and_not_at_each() -> None:
    sizes = np.random.default_rng(1).chisquare(2, (6, STEPS)) / 2
    each = [states(sample[None, :]).squares for sample in sizes]
    assert states(sizes).squares == pytest.approx(np.mean(each, axis=0))
    assert states(sizes).squares[0] > 1.1 * states(sizes.mean(axis=0)[None, :]).squares[0]


def test_a_sample_of_zeros_leaves_tanh_at_rest_and_its_gradient_to_the_weights() -> None:
    found = states(np.zeros((1, STEPS)), gain=0.5)
    assert found.q == pytest.approx(np.zeros(STEPS), abs=1e-20)
    assert found.squares == pytest.approx(0.25 ** np.arange(STEPS - 1, -1, -1), rel=1e-6)


def test_states_do_to_a_gradient_what_weights_drawn_anew_at_each_step_do() -> None:
    generator = np.random.default_rng(2)
    inputs = generator.standard_normal((40, STEPS, 1))
    found = []
    for _ in range(60):
        drive = inputs @ generator.standard_normal((1, WIDTH))
        state, slopes, weights = np.zeros((40, WIDTH)), [], []
        for step in range(STEPS):
            weights.append(generator.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH))
            state = np.tanh(state @ weights[-1].T + drive[:, step])
            slopes.append(1 - state**2)
        back = [generator.standard_normal((40, WIDTH))]
        for slope, weight in zip(slopes[:0:-1], weights[:0:-1], strict=True):
            back.append((back[-1] * slope) @ weight)
        squares = np.array([(each**2).mean() for each in back[::-1]])
        found.append(squares / squares[-1])
    # The mean of 60 draws at width 64 has a standard error of 2.5 %.
    assert np.mean(found, axis=0) == pytest.approx(states((inputs**2).mean(axis=2)).squares, rel=0.08)


def test_reused_weights_leave_a_doubt_that_falls_with_the_width() -> None:
    doubt = [site.factor_doubt for site in predict(experiment()).sites]
    assert doubt[:-1] == pytest.approx(np.full(STEPS - 1, 3.0 / WIDTH / np.log(10.0)))
    assert doubt[-1] == 0.0


def test_where_samples_cannot_be_drawn_their_sizes_are_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    def undrawable(self: DigitRows) -> None:
        raise ImportError("no scikit-learn here")

    drawn = predict(experiment())
    monkeypatch.setattr(DigitRows, "draw", undrawable)
    guessed = predict(experiment(data={"kind": "digit_rows", "seed": 987}))
    assert "not available here" in guessed.assumptions[0]
    assert np.array([site.factor_doubt for site in guessed.sites[:-1]]).min() > 0.0
    assert guessed.sites[0].factor_doubt > drawn.sites[0].factor_doubt
    missed = np.abs(steps(guessed) - steps(drawn))
    assert missed.max() < 0.02


def test_a_norm_before_the_layer_makes_all_samples_alike_and_other_layers_leave_doubt() -> None:
    normalized = predict(experiment({"kind": "layer_norm"}))
    alike = states(np.ones((1, STEPS)))
    assert steps(normalized) == pytest.approx(np.diff(0.5 * np.log10(alike.squares)), abs=1e-5)
    unchanged = predict(experiment({"kind": "activation", "activation": "identity"}))
    assert steps(unchanged) == pytest.approx(steps(predict(experiment())), abs=1e-5)
    assert unchanged.sites[0].factor_doubt > normalized.sites[0].factor_doubt
