"""Layer-sequential unit variance: real samples give every hidden layer outputs of the asked deviation."""

import pytest
import torch

from gradclinic.experiments.experiment import Experiment
from gradclinic_workers.train.fit import train

torch.set_num_threads(1)


def record(model: dict, data: str, *, gain: float = 1.0, **changes):
    scheme = {"scheme": "lsuv", "gain": gain}
    spec = {
        "model": {**model, "initialization": scheme},
        "data": {"kind": data},
        "optimizer": {"kind": "sgd", "learning_rate": 1e-6},
        "training": {"steps": 1, "batch_size": 256},
        **changes,
    }
    return train(Experiment.model_validate(spec))


@pytest.mark.parametrize(
    ("model", "data"),
    [
        ({"kind": "mlp", "depth": 12, "width": 32, "activation": "tanh"}, "digits"),
        ({"kind": "mlp", "depth": 12, "width": 32, "activation": "relu"}, "teacher"),
        ({"kind": "cnn", "depth": 6, "channels": 8, "activation": "sigmoid"}, "digits"),
    ],
)
@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_every_hidden_layers_outputs_have_the_asked_deviation(model, data, gain):
    measured = record(model, data, gain=gain)
    rms, mean = measured.get("preactivation_rms").values[0], measured.get("preactivation_mean").values[0]
    deviation = (rms**2 - mean**2) ** 0.5
    assert deviation == pytest.approx(gain, rel=0.2)


def test_a_layer_that_gets_only_zeros_keeps_its_orthogonal_start():
    silent = {"kind": "linear", "out_features": 16, "initialization": {"scheme": "normal", "bias": -1000.0}}
    relu, linear = {"kind": "activation", "activation": "relu"}, {"kind": "linear", "out_features": 16}
    readout = {"kind": "linear", "out_features": 10}
    measured = record({"kind": "layers", "layers": [silent, relu, linear, relu, readout]}, "digits")
    assert measured.get("weight_norm_l2").values[0][1] == pytest.approx(4.0, rel=1e-3)
