"""The gradient of the loss at the readout's input, against drawn readouts and targets."""

from typing import Any

import numpy as np
import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.layers.linear import Linear
from gradclinic.theory.loss import at_readout
from gradclinic.theory.signal import Signal

UNITS, OUTPUTS = 12, 3


def experiment(data: dict[str, Any]) -> Experiment:
    return Experiment.model_validate(
        {
            "model": {
                "kind": "mlp",
                "depth": 3,
                "width": UNITS,
                "activation": "relu",
                "initialization": {"scheme": "lecun_normal", "readout": "kaiming_normal"},
            },
            "data": data,
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
        }
    )


def softmax(f: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(f) / np.exp(f).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("data", [{"kind": "teacher"}, {"kind": "digits"}], ids=["squared error", "cross-entropy"])
def test_a_readout_sends_back_what_drawn_readouts_and_targets_send(data: dict[str, Any]) -> None:
    spec = experiment(data)
    generator = np.random.default_rng(7)
    h = generator.normal(1.0, 1.5, UNITS)
    draws = 40_000
    readouts = generator.normal(0.0, np.sqrt(2.0 / UNITS), (draws, OUTPUTS, UNITS))
    f = readouts @ h
    if spec.data.task == "regression":
        delta = f - generator.standard_normal(f.shape)
    else:
        delta = softmax(f) - np.eye(OUTPUTS)[generator.integers(OUTPUTS, size=draws)]
    back = np.einsum("dou,do->du", readouts, delta)
    signal = Signal(np.asarray((h**2).mean()), np.asarray(h.mean()), np.asarray(h.mean() ** 2))
    node = Linear(out_features=OUTPUTS).node((UNITS,), name="9.linear", pointer="")
    found = at_readout(spec, node, signal)
    # 4096 draws of the outputs: a standard error of 2 %.
    assert found.overlaps is not None
    assert float(found.square) == pytest.approx((back**2).mean(), rel=0.06)
    expected = np.stack([back @ h, back.sum(axis=1)]) / UNITS
    assert found.overlaps == pytest.approx(expected @ expected.T / draws, rel=0.08)
