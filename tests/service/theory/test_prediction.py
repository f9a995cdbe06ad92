"""Predicted profiles of whole networks, by hand where a hand can do it."""

from typing import Any

import numpy as np
import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.theory import Prediction, predict

from .recursion import backward_gain, variance_map


def experiment(model: dict[str, Any], *, data: dict[str, Any] | None = None, batch_size: int = 64) -> Experiment:
    return Experiment.model_validate(
        {
            "model": model,
            "data": data or {"kind": "digits"},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
            "training": {"batch_size": batch_size},
        }
    )


def mlp(
    activation: Any, scheme: str, *, depth: int = 30, width: int = 64, gain: float = 1.0, **knobs: Any
) -> dict[str, Any]:
    initialization = {"scheme": scheme, "gain": gain}
    return {
        "kind": "mlp",
        "depth": depth,
        "width": width,
        "activation": activation,
        "initialization": initialization,
        **knobs,
    }


def slope(model: dict[str, Any]) -> float:
    predicted = predict(experiment(model)).depth_slope
    assert predicted is not None
    return predicted


def test_relu_with_kaiming_is_level_and_at_gain_sqrt_half_loses_half_of_log10_2_a_layer() -> None:
    assert slope(mlp("relu", "kaiming_normal")) == pytest.approx(0.0, abs=1e-9)
    assert slope(mlp("relu", "lecun_normal")) == pytest.approx(29 * 0.5 * np.log10(2.0), rel=1e-6)


@pytest.mark.parametrize(
    ("model", "reference"),
    [
        (mlp("sigmoid", "xavier_normal", depth=12, width=32), 6.947),
        (mlp("tanh", "lecun_normal", depth=30, width=32, gain=0.6), 6.572),
        (mlp("elu", "lecun_normal", depth=30, width=32, gain=0.5), 8.853),
        (mlp("relu", "lecun_normal", depth=14, width=32, gain=2.4), -2.986),
    ],
)
def test_predictions_agree_with_an_independent_implementation(model: dict[str, Any], reference: float) -> None:
    # The other implementation adds up the layers; ours fits the line that a measured profile is judged by.
    assert slope(model) == pytest.approx(reference, rel=0.02)


def test_unequal_widths_change_the_gradient_by_their_ratio() -> None:
    layers = [
        part
        for width in (40, 160, 640, 10)
        for part in ({"kind": "linear", "out_features": width}, {"kind": "activation", "activation": "identity"})
    ][:-1]
    predicted = predict(experiment({"kind": "layers", "layers": layers, "initialization": {"scheme": "lecun_normal"}}))
    ratios = np.diff([site.log10_relative_gradient for site in predicted.sites])
    # g_l / g_{l+1} = sqrt(chi N_{l+1} / N_l) with chi = 1: each layer is 4 times as wide as the one before.
    assert ratios == pytest.approx(-np.log10(2.0) * np.ones(2), rel=1e-9)
    assert [site.chi for site in predicted.sites[:-1]] == pytest.approx([1.0, 1.0])


def test_batch_norm_lets_relu_gradients_grow_by_the_published_factor() -> None:
    # Published for infinite widths and batches; the likeness of real samples adds to the first layers and fades.
    wide = mlp("relu", "xavier_normal", width=4096, gain=3.0, normalization="batch_norm")
    predicted = predict(experiment(wide, batch_size=1400))
    factors = 10 ** -np.diff([site.log10_relative_gradient for site in predicted.sites])
    assert factors[20:] == pytest.approx(np.full(9, 1.2112), rel=5e-3)
    assert factors[0] > 1.03 * 1.2112


def test_alike_samples_leave_doubt_where_batch_norm_meets_them_and_less_further_on() -> None:
    wide = mlp("tanh", "xavier_normal", width=1024, normalization="batch_norm")
    few_features, many_features = predict(experiment(wide, data={"kind": "wine"})), predict(experiment(wide))
    assert few_features.sites[0].factor_doubt > many_features.sites[0].factor_doubt > 0
    assert few_features.sites[10].factor_doubt < 0.5 * few_features.sites[0].factor_doubt
    assert {site.factor_doubt for site in predict(experiment(mlp("tanh", "xavier_normal"))).sites} == {0.0}


def test_samples_that_drift_apart_under_batch_norm_are_not_drawn() -> None:
    predicted = predict(experiment(mlp("silu", "kaiming_normal", normalization="batch_norm")))
    assert predicted.sites == ()
    assert "diverge" in (predicted.reason or "")


def test_unavailable_samples_count_as_uncorrelated_and_the_origin_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradclinic.experiments.datasets.digits import Digits
    from gradclinic.theory.data import input_batch

    def undrawable(self: Digits) -> None:
        raise ImportError("no scikit-learn here")

    monkeypatch.setattr(Digits, "draw", undrawable)
    signal, origin = input_batch(Digits(seed=987), 64)
    assert "uncorrelated" in origin
    assert signal.batch is not None
    assert signal.batch.kernel == pytest.approx(np.eye(64))


def test_a_small_batch_has_no_closed_form_under_batch_norm() -> None:
    predicted = predict(experiment(mlp("relu", "kaiming_normal", normalization="batch_norm"), batch_size=8))
    assert predicted.sites == ()
    assert predicted.reason is not None
    assert "batch norm" in predicted.reason


def test_scaled_skip_connections_keep_a_deep_network_level() -> None:
    a = 30**-0.5
    blocks = slope(mlp("tanh", "xavier_normal", depth=31, skip={"scale": a}))
    assert -0.4 < blocks < 0.0
    assert slope(mlp("relu", "kaiming_normal", depth=31, skip={"scale": 1.0})) < -4.3


def test_zero_last_in_residual_makes_every_block_the_identity() -> None:
    model = mlp("tanh", "xavier_normal", skip={"scale": 1.0})
    model["initialization"]["zero_last_in_residual"] = True
    predicted = predict(experiment(model))
    assert [site.log10_relative_gradient for site in predicted.sites[1:]] == pytest.approx(np.zeros(29), abs=1e-12)


@pytest.mark.parametrize(("gain", "factor"), [(0.5, 0.494), (0.9, 0.868), (1.5, 1.063), (3.0, 1.363)])
def test_recurrent_tanh_with_small_random_inputs_has_the_measured_factor(gain: float, factor: float) -> None:
    # The measured factors are those of inputs of about this variance, which the fixed point depends on at small gains.
    from gradclinic.experiments.activations.tanh import Tanh

    q = 0.01
    for _ in range(200):
        q = variance_map(Tanh(), gain**2, 0.01, q)
    assert np.sqrt(backward_gain(Tanh(), gain**2, q)) == pytest.approx(factor, rel=0.01)


def test_convolutions_count_their_zero_padding() -> None:
    model = {
        "kind": "cnn",
        "depth": 30,
        "channels": 16,
        "activation": "relu",
        "initialization": {"scheme": "kaiming_normal"},
    }
    # Level but for the border: a 3-wide window over 8 pixels has the leading eigenvalue (1 + 2 cos(pi / 9)) / 3.
    border = -np.log10((1 + 2 * np.cos(np.pi / 9)) / 3)
    predicted = predict(experiment(model))
    assert predicted.depth_slope == pytest.approx(29 * border, rel=0.1)


def cnn(activation: str, **knobs: Any) -> dict[str, Any]:
    initialization = {"scheme": "kaiming_normal"}
    return {
        "kind": "cnn",
        "depth": 4,
        "channels": 16,
        "activation": activation,
        "initialization": initialization,
        **knobs,
    }


def test_skips_around_convolutions_add_what_a_dense_network_of_as_many_units_adds_and_say_its_doubt() -> None:
    skip = {"scale": 1.0}
    narrow, wide = (predict(experiment({**cnn("relu", skip=skip), "channels": n})) for n in (16, 4096))
    assert narrow.sites[0].log10_relative_gradient > wide.sites[0].log10_relative_gradient + 0.1
    assert narrow.sites[0].factor_doubt > 10 * wide.sites[0].factor_doubt > 0
    odd = predict(experiment(cnn("tanh", skip=skip)))
    assert odd.sites[1].factor_doubt < 0.01


def test_zero_padding_leaves_batch_norm_a_mean_that_differs_at_the_border() -> None:
    normalized = cnn("sigmoid", normalization="batch_norm")
    doubts = [site.factor_doubt for site in predict(experiment(normalized)).sites[:-1]]
    even = [site.factor_doubt for site in predict(experiment({**normalized, "activation": "tanh"})).sites[:-1]]
    assert min(doubts) > 2 * max(even)
    assert min(even) > 0


@pytest.mark.parametrize(
    ("model", "data", "says"),
    [
        ({"kind": "rnn", "cell": "gru", "width": 16}, {"kind": "digit_rows"}, "gated"),
        (
            {"kind": "transformer", "depth": 3, "width": 16, "heads": 2, "mlp_ratio": 2, "activation": "relu"},
            {"kind": "digit_rows"},
            "no closed form for",
        ),
        (mlp("relu", "kaiming_normal", depth=2), {"kind": "digits"}, "at least 3 sites"),
    ],
)
def test_where_theory_has_no_answer_it_says_why(model: dict[str, Any], data: dict[str, Any], says: str) -> None:
    predicted = predict(experiment(model, data=data))
    assert predicted.depth_slope is None
    assert says in (predicted.reason or "")


def test_gelu_near_its_unstable_fixed_point_is_not_drawn() -> None:
    predicted = predict(experiment(mlp("gelu", "lecun_normal", width=32, gain=1.4)))
    assert "unstable" in (predicted.reason or "")


def test_a_sick_network_is_warned_about_before_it_is_trained() -> None:
    sick = predict(experiment(mlp("sigmoid", "xavier_uniform", depth=12)))
    assert "shrink by a factor of 10^6.9" in (sick.warning or "")
    assert predict(experiment(mlp("relu", "kaiming_normal", depth=12))).warning is None


@pytest.mark.parametrize(
    ("depth", "width", "skip", "error"),
    [(30, 256, None, 0.11), (30, 64, None, 0.22), (10, 256, None, 0.11 * (9 / 29) ** 0.5), (30, 256, 1.0, 0.2)],
)
def test_the_expected_error_grows_with_the_root_of_depth_over_width(
    depth: int, width: int, skip: float | None, error: float
) -> None:
    # A network of ReLUs without biases only scales with its input, so nothing else adds to the measured scatter.
    knobs = {} if skip is None else {"skip": {"scale": skip}}
    predicted = predict(experiment(mlp("relu", "kaiming_normal", depth=depth, width=width, **knobs)))
    assert predicted.expected_error == pytest.approx(error, rel=1e-3)


def test_what_a_layers_scatter_of_q_changes_adds_to_the_expected_error() -> None:
    from gradclinic.experiments.activations.tanh import Tanh

    # Inputs vary q by a factor of 1 + sqrt(5 / width) up and down; D is followed by hand from both.
    change, slopes = 1 + (5 / 64) ** 0.5, []
    for q in (change, 1 / change):
        logs = [0.0]
        for _ in range(11):
            logs.append(logs[-1] - 0.5 * np.log10(backward_gain(Tanh(), 1.0, q)))
            q = variance_map(Tanh(), 1.0, 0.0, q)  # noqa: PLW2901  # the recursion
        slopes.append(np.polyfit(np.linspace(0, 1, 12), logs, 1)[0])
    found = predict(experiment(mlp("tanh", "lecun_normal", depth=12))).expected_error
    scatter = 0.11 * (11 / 29 * 256 / 64) ** 0.5
    assert found == pytest.approx(np.hypot(scatter, 0.5 * (slopes[0] - slopes[1])), rel=1e-3)


def test_a_planted_gain_shows_as_a_step_in_the_profile() -> None:
    layers: list[dict[str, Any]] = []
    for index in range(8):
        gain = 0.01 if index == 4 else 1.0
        layers.append(
            {"kind": "linear", "out_features": 64, "initialization": {"scheme": "kaiming_normal", "gain": gain}}
        )
        layers.append({"kind": "activation", "activation": "relu"})
    layers.append({"kind": "linear", "out_features": 10})
    predicted = predict(experiment({"kind": "layers", "layers": layers}))
    steps = np.diff([site.log10_relative_gradient for site in predicted.sites])
    assert steps[3] == pytest.approx(2.0, rel=1e-6)
    assert np.delete(steps, 3) == pytest.approx(np.zeros(6), abs=1e-9)


@pytest.mark.parametrize(("width", "change"), [(4, 2.0), (20, 1.5)])
def test_a_narrow_layers_scatter_changes_q_by_at_most_its_double(width: int, change: float) -> None:
    from gradclinic.experiments.activations.tanh import Tanh

    slopes = []
    for factor in (change, 1 / change):
        q, logs = factor, [0.0]
        for _ in range(5):
            logs.append(logs[-1] - 0.5 * np.log10(backward_gain(Tanh(), 1.0, q)))
            q = variance_map(Tanh(), 1.0, 0.0, q)
        slopes.append(np.polyfit(np.linspace(0, 1, 6), logs, 1)[0])
    found = predict(experiment(mlp("tanh", "lecun_normal", depth=6, width=width))).expected_error
    scatter = 0.11 * (5 / 29 * 256 / width) ** 0.5
    assert found == pytest.approx(np.hypot(scatter, 0.5 * (slopes[0] - slopes[1])), rel=1e-3)


def test_a_network_without_activations_is_stable_whatever_its_layers_scatter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradclinic.theory.prediction.UNSTABLE", 0.0)
    layers = [{"kind": "linear", "out_features": width} for width in (37, 37, 37, 37, 10)]
    assert predict(experiment({"kind": "layers", "layers": layers})).reason is None


def test_a_stride_leaves_gradient_to_few_pixels_and_keeps_the_total() -> None:
    # Windows of one pixel, every second in each direction: a quarter of the pixels get 8 / 4 of the channels' squares.
    strided = {"kind": "conv2d", "kernel_size": 1, "stride": 2, "padding": 0}
    layers = [
        {**strided, "stride": 1, "out_channels": 4},
        {**strided, "out_channels": 8},
        {**strided, "out_channels": 32},
        {"kind": "flatten"},
        {"kind": "linear", "out_features": 10},
    ]
    spec = experiment({"kind": "layers", "layers": layers, "initialization": {"scheme": "lecun_normal"}})
    sites = predict(spec).sites
    assert [site.log10_relative_gradient for site in sites] == pytest.approx([-0.5 * np.log10(2.0), 0.0, 0.0])
    assert [site.chi for site in sites[:-1]] == pytest.approx([1.0, 1.0])
    assert sites[-1].chi is None


def test_gradients_that_vanish_in_floating_point_are_at_the_measured_floor_and_grow_without_bound() -> None:
    sites = predict(experiment(mlp("relu", "lecun_normal", depth=40, gain=1e-6))).sites
    assert sites[0].log10_relative_gradient == -45.0
    assert sites[0].chi == float("inf")
    assert sites[-2].chi == pytest.approx(0.5e-12)


@pytest.mark.parametrize(
    ("decay", "says"), [(1.4999, None), (-1.4999, None), (1.5, "shrink by a factor of 10^1.5"), (-2.26, "10^2.3")]
)
def test_a_warning_starts_at_one_and_a_half_orders_of_magnitude(decay: float, says: str | None) -> None:
    warning = Prediction((), decay, 0.1, None).warning
    assert warning is None if says is None else says in (warning or "")
    assert ("grow" in (warning or "")) == (decay <= -1.5)


def test_skips_around_convolutions_are_in_doubt_by_a_third_of_what_they_add() -> None:
    # The addition falls with 1 / channels, so what many channels leave is the isotropic part, doubted by nothing.
    skip = {"scale": 1.0}
    narrow, wide = (predict(experiment({**cnn("relu", skip=skip), "channels": n})) for n in (16, 4096))
    added = [
        few.log10_relative_gradient - many.log10_relative_gradient
        for few, many in zip(narrow.sites, wide.sites, strict=True)
    ]
    doubts = [site.factor_doubt for site in narrow.sites]
    assert doubts[:-1] == pytest.approx(0.35 * np.abs(np.diff(added)), rel=0.02)
    assert doubts[-1] == 0.0
