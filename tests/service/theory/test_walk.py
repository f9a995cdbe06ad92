"""The signal to the last site and the gradient back, by hand, and what both are in doubt by."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.initializations.lecun_normal import LecunNormal
from gradclinic.experiments.layers.base import Layer, Node, lower_sequence
from gradclinic.experiments.layers.batch_norm import BatchNorm
from gradclinic.experiments.layers.conv2d import Conv2d
from gradclinic.experiments.layers.embedding import Embedding
from gradclinic.experiments.layers.linear import Linear
from gradclinic.experiments.lowering import lower
from gradclinic.theory.batch import Batch
from gradclinic.theory.closed_form import NoClosedForm
from gradclinic.theory.gradient import Gradient
from gradclinic.theory.signal import Signal, of_batch, uniform
from gradclinic.theory.start import Setting
from gradclinic.theory.walk import coherent, embedded, walk

SETTING = Setting(LecunNormal(), 64, batch_normalized=True)


def nodes(layers: Sequence[Layer], in_shape: tuple[int, ...]) -> tuple[Node, ...]:
    return tuple(lower_sequence(layers, in_shape)[0])


def doubling(out_features: int) -> Linear:
    """A linear layer that doubles E[h^2]."""
    return Linear.model_validate(
        {"out_features": out_features, "initialization": {"scheme": "lecun_normal", "gain": 2**0.5}}
    )


def test_sites_have_the_size_on_the_way_there_and_the_gradient_on_the_way_back() -> None:
    found = walk(
        nodes([doubling(20), doubling(40), doubling(10), Linear(out_features=3)], (8,)),
        ["0.linear", "1.linear", "2.linear"],
        uniform((), second=3.0),
        SETTING,
    )
    assert found.q == pytest.approx([6.0, 12.0, 24.0])
    # Back through n' x n weights of variance 2 / n, a gradient's mean square grows by 2 n' / n.
    assert found.back(Gradient(np.asarray(5.0))) == pytest.approx([4 * 10 / 20, 2 * 10 / 40, 1.0])
    assert found.doubts == pytest.approx(np.zeros(3), abs=0)
    assert [node.name for node in found.following] == ["3.linear"]


def test_a_batch_norm_of_uncorrelated_samples_is_in_doubt_by_half_its_first_order() -> None:
    # B samples of one size have t = 1 / (B - 1), and the factor's logarithm is wrong by up to t / 2.
    layers = [doubling(20), BatchNorm(), doubling(20), doubling(20), BatchNorm(), doubling(20)]
    found = walk(
        nodes(layers, (8,)),
        ["0.linear", "2.linear", "3.linear", "5.linear"],
        of_batch(Batch(np.eye(64), 64)),
        SETTING,
    )
    half = 0.5 / 63 / np.log(10.0)
    assert found.doubts == pytest.approx([half, 0.0, half, 0.0], rel=1e-4)


def test_a_batch_norm_over_pixels_is_in_doubt_by_six_percent_and_a_fifth_of_what_differs_between_them() -> None:
    convolution = Conv2d(out_channels=4, kernel_size=1)
    even, uneven = np.zeros((1, 2)), np.array([[1.0, 0.25]])
    sites = ["0.conv2d", "2.conv2d"]
    for shared, share in ((even, 0.0), (uneven, 0.0625 / (0.0625 + 1.875))):
        # Means of 1 and 0.5 lie 0.25 from their own mean, and samples vary by 2 and 1.75 around them.
        signal = Signal(np.array([[3.0, 2.0]]) if share else np.ones((1, 2)), np.zeros((1, 2)), shared)
        found = walk(nodes([convolution, BatchNorm(), convolution], (4, 1, 2)), sites, signal, SETTING)
        assert found.doubts == pytest.approx([np.log10(1.06 + 0.2 * share), 0.0], rel=1e-4)


def test_a_signal_that_overflows_has_no_closed_form() -> None:
    with pytest.raises(NoClosedForm, match=r"overflows at 1\.linear"), np.errstate(over="ignore"):
        walk(nodes([doubling(8)] * 3, (8,)), ["2.linear"], uniform((), second=6e307), SETTING)


def test_an_embedding_starts_from_the_variance_of_its_table() -> None:
    table = Embedding(symbols=9, width=16).node((5,), name="0.embedding", pointer="")
    found = embedded(table)
    assert found is not None
    signal, back = found
    assert (signal.second.tolist(), signal.shared.tolist()) == ([1.0] * 5, [0.0] * 5)
    gradient = Gradient(np.asarray(2.0))
    assert back(gradient) is gradient
    assert embedded(nodes([Linear(out_features=3)], (8,))[0]) is None


CONVOLUTION = {"kind": "conv2d", "out_channels": 32, "kernel_size": 1}
RELU = {"kind": "activation", "activation": "relu"}
POOL = {"kind": "global_avg_pool"}


def skipped(weights: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "residual", "scale": 1.0, "body": [weights, RELU, weights, RELU]}


def experiment(*layers: dict[str, Any]) -> Experiment:
    return Experiment.model_validate(
        {
            "model": {
                "kind": "layers",
                "layers": [*layers, {"kind": "linear", "out_features": 10}],
                "initialization": {"scheme": "kaiming_normal"},
            },
            "data": {"kind": "digits"},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
        }
    )


def factors(*layers: dict[str, Any]) -> np.ndarray | None:
    spec = experiment(*layers)
    network = lower(spec)
    taps = [site.tap for site in network.sites if site.in_profile]
    return coherent(spec, network, taps, uniform((8, 8)), Setting(spec.model.initialization, 64))


def test_only_skips_before_a_global_pool_and_without_batch_norm_have_a_coherent_part_to_follow() -> None:
    blocks = [CONVOLUTION, *[skipped(CONVOLUTION)] * 3]
    assert factors(*blocks, POOL) is not None
    assert factors(*blocks, {"kind": "flatten"}) is None
    assert factors(*[CONVOLUTION, RELU] * 4, POOL) is None
    assert factors(*blocks, {"kind": "batch_norm"}, POOL) is None
    assert factors(*blocks, {"kind": "flatten"}, {"kind": "linear", "out_features": 8}) is None


def test_the_coherent_part_is_that_of_drawn_blocks_of_as_many_units() -> None:
    # With windows of one pixel and all pixels alike, a channel is a unit of a dense network.
    found = factors(CONVOLUTION, *[skipped(CONVOLUTION)] * 3, POOL)
    assert found is not None
    generator = np.random.default_rng(11)
    squares = []
    for _ in range(1500):
        h = generator.standard_normal(32)
        weights = generator.normal(0.0, (2 / 32) ** 0.5, (3, 2, 32, 32))
        steps = []
        for first, second in weights:
            z = first @ h
            y = second @ np.maximum(z, 0.0)
            h = h + np.maximum(y, 0.0)
            steps.append((first, z > 0, second, y > 0))
        readout = generator.normal(0.0, 32**-0.5, (10, 32))
        f = readout @ h
        delta = np.exp(f - f.max()) / np.exp(f - f.max()).sum() - np.eye(10)[generator.integers(10)]
        gradient = readout.T @ delta
        own = [(gradient**2).mean()]
        for first, active, second, alive in reversed(steps):
            gradient = gradient + first.T @ (active * (second.T @ (alive * gradient)))
            own.append((gradient**2).mean())
        squares.append(own[::-1])
    drawn = np.mean(squares, axis=0)
    # A gradient without coherent part doubles its square in each block.
    assert found == pytest.approx(drawn / drawn[-1] / 2.0 ** np.arange(3, -1, -1), rel=0.1)
    assert found[0] > 1.3
