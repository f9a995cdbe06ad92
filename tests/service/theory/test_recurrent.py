"""Recurrent states over time, sample by sample, against single samples and a simulation."""

from typing import Any

import numpy as np
import pytest

from gradclinic.experiments.activations import ACTIVATIONS
from gradclinic.experiments.datasets.digit_rows import DigitRows
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.initializations import Initialization
from gradclinic.experiments.initializations.lecun_normal import LecunNormal
from gradclinic.experiments.initializations.lsuv import LSUV
from gradclinic.experiments.layers import Node
from gradclinic.experiments.lowering import lower
from gradclinic.theory import Prediction, predict
from gradclinic.theory.closed_form import NoClosedForm
from gradclinic.theory.data import input_sizes
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


def test_sizes_between_the_grid_points_follow_the_map_as_closely_as_stated() -> None:
    q = [0.7123]
    for _ in range(STEPS - 1):
        q.append(1.69 * moments(ACTIVATIONS["tanh"](), 0.0, q[-1]).second + 0.7123)
    chi = [1.69 * moments(ACTIVATIONS["tanh"](), 0.0, value).slope for value in q]
    found = states(np.full((2, STEPS), 0.7123), gain=1.3)
    assert found.q == pytest.approx(q, rel=5e-5)
    assert found.squares == pytest.approx(np.cumprod([1.0, *chi[:0:-1]])[::-1], rel=5e-5 * STEPS)


def test_inputs_are_multiplied_by_weights_of_their_own_gain() -> None:
    node = next(node for node in lower(experiment()).nodes if node.kind == "recurrent")
    sizes = np.random.default_rng(3).chisquare(2, (4, STEPS))
    found = unrolled(node, sizes, Setting(LecunNormal(input_gain=0.5), 64))
    assert found.q == pytest.approx(states(sizes / 4).q)
    assert found.squares == pytest.approx(states(sizes / 4).squares)


def test_states_that_overflow_or_are_scaled_on_samples_have_no_closed_form() -> None:
    with pytest.raises(NoClosedForm, match="overflow"), np.errstate(over="ignore", invalid="ignore"):
        states(np.full((1, STEPS), 1e300), activation="relu", gain=1e20)
    node = next(node for node in lower(experiment()).nodes if node.kind == "recurrent")
    with pytest.raises(NoClosedForm, match="lsuv"):
        unrolled(node, np.ones((1, STEPS)), Setting(LSUV(), 64))


def test_each_step_back_multiplies_the_total_of_the_gradient_by_chi() -> None:
    sites = predict(experiment({"kind": "layer_norm"}, gain=0.8)).sites
    squares = states(np.ones((1, STEPS)), gain=0.8).squares
    assert [site.chi for site in sites[:-1]] == pytest.approx(squares[:-1] / squares[1:], rel=1e-4)


def test_states_of_relu_only_scale_with_their_inputs_so_one_draw_scatters_with_its_length_alone() -> None:
    found = predict(experiment(activation="relu")).expected_error
    assert found == pytest.approx(0.2 * (STEPS - 1) / 29 * (256 / WIDTH) ** 0.5, rel=1e-3)


def test_what_a_states_scatter_changes_adds_to_the_expected_error() -> None:
    # Inputs vary by a factor of 1 + sqrt(2 / width) up and down, and each sample is followed by hand from both.
    sizes, _, _ = input_sizes(DigitRows())
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    change, slopes = 1 + (2 / WIDTH) ** 0.5, []
    for factor in (change, 1 / change):
        state, chi = np.zeros(len(sizes)), []
        for driven in factor * sizes.T:
            values = np.tanh(np.sqrt(state + driven)[:, None] * nodes)
            state = values**2 @ weights
            chi.append((1 - values**2) ** 2 @ weights)
        squares = [np.prod(chi[step + 1 :], axis=0).mean() for step in range(STEPS)]
        slopes.append(np.polyfit(np.linspace(0, 1, STEPS), 0.5 * np.log10(squares), 1)[0])
    scatter = 0.2 * (STEPS - 1) / 29 * (256 / WIDTH) ** 0.5
    found = predict(experiment()).expected_error
    assert found == pytest.approx(np.hypot(scatter, 0.5 * (slopes[0] - slopes[1])), rel=2e-3)


def test_samples_keep_their_ratios_behind_other_layers_which_are_doubted_by_what_these_change() -> None:
    halved = predict(experiment({"kind": "dropout", "p": 0.5}))
    doubled = predict(experiment(data={"kind": "digit_rows", "standardize": False, "scale": 2**0.5}))
    plain = predict(experiment(data={"kind": "digit_rows", "standardize": False}))
    behind = predict(experiment({"kind": "dropout", "p": 0.5}, data={"kind": "digit_rows", "standardize": False}))
    assert steps(behind) == pytest.approx(steps(doubled), abs=1e-5)
    assert np.abs(steps(behind) - steps(plain)).max() > 0.01
    sizes, _, _ = input_sizes(DigitRows())
    alike = states(2 * sizes.mean(axis=0)[None, :]).squares
    reused = 3.0 / WIDTH / np.log(10.0)
    expected = reused + np.abs(steps(halved) - np.diff(0.5 * np.log10(alike)))
    assert [site.factor_doubt for site in halved.sites[:-1]] == pytest.approx(expected, abs=1e-5)


def test_stacked_layers_and_a_readout_of_all_steps_have_no_closed_form() -> None:
    recurrent = {"kind": "recurrent", "width": WIDTH, "nonlinearity": "tanh"}
    assert "stacked" in (predict(experiment(recurrent)).reason or "")
    spec = experiment().to_json()
    spec["model"]["layers"][1] = {"kind": "flatten"}
    assert "only the last" in (predict(Experiment.model_validate(spec)).reason or "")
