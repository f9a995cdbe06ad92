"""Predicted against measured profiles at step 0, averaged over draws of the weights; errors are stated."""

from typing import Any

import numpy as np
import pytest
import torch

from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.profile import profiles
from gradclinic.theory import predict
from gradclinic_workers.train.fit import train

torch.set_num_threads(1)


def measured(spec: Experiment, draws: int) -> np.ndarray:
    """[draws, L]: log10 of g over g at the last site, at step 0."""
    logs = np.array([profiles(train(spec.with_seed(seed)))[0].log10_gradient[0] for seed in range(draws)])
    return np.asarray(logs - logs[:, -1:])


def network(activation: str, scheme: str, *, depth: int, width: int, **knobs: Any) -> Experiment:
    initialization = {"scheme": scheme, "gain": knobs.pop("gain", 1.0)}
    data = knobs.pop("data", {"kind": "digits"})
    model = {
        "kind": "mlp",
        "depth": depth,
        "width": width,
        "activation": activation,
        "initialization": initialization,
        **knobs,
    }
    return Experiment.model_validate(
        {
            "model": model,
            "data": data,
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
            "training": {"steps": 1, "batch_size": 128},
        }
    )


def recurrent(data: dict[str, Any], *, width: int, gain: float) -> Experiment:
    model = {
        "kind": "rnn",
        "cell": "rnn",
        "width": width,
        "activation": "tanh",
        "initialization": {"scheme": "lecun_normal", "gain": gain},
    }
    return Experiment.model_validate(
        {**network("relu", "kaiming_normal", depth=3, width=8, data=data).to_json(), "model": model}
    )


def convolutional(activation: str, scheme: str, *, channels: int, **knobs: Any) -> Experiment:
    model = {
        "kind": "cnn",
        "depth": 8,
        "channels": channels,
        "activation": activation,
        "initialization": {"scheme": scheme},
        **knobs,
    }
    dense = network("relu", "kaiming_normal", depth=3, width=8).to_json()
    return Experiment.model_validate({**dense, "model": model})


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec",
    [
        network("relu", "kaiming_normal", depth=30, width=256),
        network("tanh", "xavier_normal", depth=30, width=256),
        network("tanh", "torch_default", depth=30, width=256),
        network("sigmoid", "xavier_uniform", depth=20, width=256),
        network("elu", "lecun_normal", depth=30, width=256),
        network("relu", "kaiming_normal", depth=30, width=256, normalization="layer_norm"),
        network("tanh", "xavier_normal", depth=30, width=256, skip={"scale": 0.3}),
        network("relu", "kaiming_normal", depth=30, width=256, skip={"scale": 0.1826}),
        network("relu", "kaiming_normal", depth=30, width=256, skip={"scale": 1.0}),
        network("silu", "kaiming_normal", depth=30, width=256, skip={"scale": 0.3}),
        network("relu", "torch_default", depth=30, width=256, skip={"scale": 1.0}),
        network("relu", "kaiming_normal", depth=30, width=256, normalization="batch_norm"),
        network("tanh", "xavier_normal", depth=30, width=256, normalization="batch_norm"),
        network("elu", "kaiming_normal", depth=30, width=256, normalization="batch_norm"),
        network("relu", "kaiming_normal", depth=30, width=256, normalization="batch_norm", skip={"scale": 0.1826}),
    ],
    ids=[
        *("relu", "tanh", "tanh torch_default", "sigmoid", "elu", "relu layer_norm", "tanh skip"),
        *("relu skip", "relu skip unscaled", "silu skip", "relu skip with biases"),
        *("relu batch_norm", "tanh batch_norm", "elu batch_norm", "relu batch_norm skip"),
    ],
)
def test_per_layer_factors_and_the_whole_depth_agree_with_theory_at_width_256(spec: Experiment) -> None:
    draws = measured(spec, 32)
    predicted = predict(spec)
    theory = np.array([site.log10_relative_gradient for site in predicted.sites])
    centred = np.linspace(-0.5, 0.5, len(theory))
    steps, expected = np.diff(draws, axis=1), np.diff(theory)
    # One draw's factor scatters by about 3.7 % (0.016 decades); the mean of 32 by a standard error of 0.7 %.
    error = steps.std(axis=0, ddof=1) / np.sqrt(len(draws))
    assert error.max() < np.log10(1.012)
    assert np.abs(steps.mean(axis=0) - expected).max() < np.log10(1.02) + error.max()
    assert np.median(np.abs(steps.mean(axis=0) - expected)) < np.log10(1.01)
    # The expected error is stated as a standard deviation; the scatter of most families is smaller.
    slopes = draws @ centred / (centred @ centred)
    assert predicted.depth_slope is not None
    assert predicted.expected_error is not None
    assert np.mean(np.abs(slopes - predicted.depth_slope) < 2 * predicted.expected_error) >= 0.9
    # One draw's ends differ by about 0.11 decades at depth 30; the mean of 32 by a standard error of 0.02.
    assert abs(draws.mean(axis=0)[0] - theory[0]) < 0.1


@pytest.mark.slow
def test_batch_norm_over_few_features_agrees_within_its_stated_doubt() -> None:
    few = {"kind": "wine"}
    spec = network("tanh", "kaiming_normal", depth=15, width=256, normalization="batch_norm", data=few)
    draws, predicted = measured(spec, 32), predict(spec)
    steps = np.diff(draws, axis=1)
    error = steps.std(axis=0, ddof=1) / np.sqrt(len(draws))
    missed = np.abs(steps.mean(axis=0) - np.diff([site.log10_relative_gradient for site in predicted.sites]))
    doubt = np.array([site.factor_doubt for site in predicted.sites[:-1]])
    assert (missed < np.log10(1.02) + 2 * error + doubt).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "gain"),
    [
        ({"kind": "digit_rows"}, 1.0),
        ({"kind": "first_token", "length": 20}, 0.8),
        ({"kind": "adding_problem", "length": 20}, 1.2),
    ],
    ids=["rows of pixels", "one value a step", "values with a mean"],
)
def test_every_step_of_a_recurrent_layer_and_its_whole_length_agree_with_theory(
    data: dict[str, Any], gain: float
) -> None:
    spec = recurrent(data, width=256, gain=gain)
    draws, predicted = measured(spec, 24), predict(spec)
    theory = np.array([site.log10_relative_gradient for site in predicted.sites])
    steps = np.diff(draws, axis=1)
    error = steps.std(axis=0, ddof=1) / np.sqrt(len(draws))
    missed = np.abs(steps.mean(axis=0) - np.diff(theory))
    doubt = np.array([site.factor_doubt for site in predicted.sites[:-1]])
    assert doubt.max() < np.log10(1.012)
    assert np.median(missed) < np.log10(1.01)
    assert (missed < doubt + 2.5 * error).all()
    assert abs(draws.mean(axis=0)[0] - theory[0]) < 0.1
    centred = np.linspace(-0.5, 0.5, len(theory))
    slopes = draws @ centred / (centred @ centred)
    assert predicted.depth_slope is not None
    assert predicted.expected_error is not None
    assert np.mean(np.abs(slopes - predicted.depth_slope) < 2 * predicted.expected_error) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("activation", "knobs"),
    [
        ("relu", {"skip": {"scale": 1.0}}),
        ("silu", {"skip": {"scale": 0.5}}),
        ("relu", {"normalization": "batch_norm"}),
        ("sigmoid", {"normalization": "batch_norm"}),
    ],
    ids=["relu skip unscaled", "silu skip", "relu batch_norm", "sigmoid batch_norm"],
)
def test_convolutions_with_skips_or_batch_norm_agree_within_their_stated_doubt(
    activation: str, knobs: dict[str, Any]
) -> None:
    spec = convolutional(activation, "kaiming_normal", channels=32, **knobs)
    draws, predicted = measured(spec, 10), predict(spec)
    theory = np.array([site.log10_relative_gradient for site in predicted.sites])
    steps = np.diff(draws, axis=1)
    error = steps.std(axis=0, ddof=1) / np.sqrt(len(draws))
    doubt = np.array([site.factor_doubt for site in predicted.sites[:-1]])
    assert doubt.min() > 0
    assert (np.abs(steps.mean(axis=0) - np.diff(theory)) < np.log10(1.02) + 2 * error + doubt).all()
    assert abs(draws.mean(axis=0)[0] - theory[0]) < 0.1 + doubt.sum()


def test_a_small_network_is_predicted_within_its_stated_error() -> None:
    spec = network("sigmoid", "xavier_normal", depth=8, width=64)
    predicted = predict(spec)
    assert predicted.depth_slope is not None
    assert predicted.expected_error is not None
    slopes = [float(profiles(train(spec.with_seed(seed)))[0].slope[0]) for seed in range(6)]
    assert abs(np.mean(slopes) - predicted.depth_slope) < 2 * predicted.expected_error


def test_a_convolution_is_predicted_by_its_fan_in() -> None:
    spec = convolutional("sigmoid", "xavier_normal", channels=16)
    predicted = predict(spec)
    assert predicted.depth_slope is not None
    slopes = [float(profiles(train(spec.with_seed(seed)))[0].slope[0]) for seed in range(6)]
    assert np.mean(slopes) == pytest.approx(predicted.depth_slope, abs=0.2)


def test_recurrent_states_are_predicted_from_the_sampled_inputs() -> None:
    spec = recurrent({"kind": "adding_problem", "length": 20}, width=128, gain=0.5)
    predicted = predict(spec)
    assert predicted.depth_slope is not None
    slopes = [float(profiles(train(spec.with_seed(seed)))[0].slope[0]) for seed in range(4)]
    assert np.mean(slopes) == pytest.approx(predicted.depth_slope, rel=0.05)
