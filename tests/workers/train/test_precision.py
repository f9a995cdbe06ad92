"""Half precision trains every kind of model; statistics are of the unscaled gradient; an overflow is skipped."""

import numpy as np
import pytest
import torch

from gradclinic.experiments.activations import ACTIVATIONS
from gradclinic.experiments.experiment import Experiment
from gradclinic_workers.train.fit import train
from gradclinic_workers.train.precision import FIRST_SCALE, LossScale

torch.set_num_threads(1)

MODELS = {
    "mlp": ({"kind": "mlp", "depth": 3, "width": 16, "activation": "tanh", "normalization": "layer_norm"}, "moons"),
    "cnn": ({"kind": "cnn", "depth": 2, "channels": 4, "activation": "relu", "normalization": "batch_norm"}, "digits"),
    "rnn": ({"kind": "rnn", "cell": "rnn", "width": 8}, "digit_rows"),
    "gru": ({"kind": "rnn", "cell": "gru", "width": 8}, "digit_rows"),
    "lstm": ({"kind": "rnn", "cell": "lstm", "width": 8}, "digit_rows"),
    "transformer": ({"kind": "transformer", "depth": 1, "width": 8, "heads": 2, "activation": "gelu"}, "digit_rows"),
}


def experiment(kind: str, precision: str, *, steps: int = 10, rate: float = 0.05) -> Experiment:
    model, data = MODELS[kind]
    return Experiment.model_validate(
        {
            "model": {**model, "initialization": {"scheme": "xavier_normal"}},
            "data": {"kind": data},
            "optimizer": {"kind": "sgd", "learning_rate": rate},
            "training": {"steps": steps, "batch_size": 16, "precision": precision},
        }
    )


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_every_kind_of_model_trains_in_half_precision_with_nearly_the_same_statistics(kind: str, precision: str):
    half, full = train(experiment(kind, precision)), train(experiment(kind, "float32"))
    assert {site.dtype for site in full.sites} == {"float32"} == {full.layout.site_dtypes}
    assert {site.dtype for site in half.sites} == {precision} == {half.layout.site_dtypes}
    assert half.outcome.nonfinite_step is None
    assert half.outcome.final_train_loss == pytest.approx(full.outcome.final_train_loss, rel=0.1)
    for statistic in ("site_grad_rms", "site_grad_max_abs", "weight_grad_norm_l2", "grad_norm_l2"):
        measured, exact = half.get(statistic), full.get(statistic)
        common = np.isin(exact.steps, measured.steps)
        assert len(measured.steps) >= 1
        np.testing.assert_allclose(measured.values[0], exact.values[common][0], rtol=0.3)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_trains_in_half_precision(activation: str, precision: str):
    spec = experiment("mlp", precision, steps=3).to_json()
    spec["model"] |= {"activation": activation}
    record = train(Experiment.model_validate(spec))
    assert np.isfinite(record.outcome.final_train_loss)


def test_a_scaled_loss_keeps_gradients_that_would_underflow():
    spec = experiment("mlp", "float16", steps=5).to_json()
    spec["model"] |= {"depth": 8, "activation": "sigmoid", "normalization": None}
    record = train(Experiment.model_validate(spec))
    smallest = record.get("site_grad_rms").values[0].min()
    assert 0 < smallest < 1e-4
    assert record.get("site_grad_zero_fraction").values[0].max() < 0.5


def test_a_skipped_step_is_not_recorded_and_does_not_end_the_training():
    spec = experiment("mlp", "float16", steps=40, rate=1e-9).to_json()
    spec["data"] = {"kind": "teacher", "standardize": False, "target_scale": 1000.0}
    record = train(Experiment.model_validate(spec))
    assert record.outcome.steps_done == 40
    assert 0 < record.get("train_loss").steps[0] < 16
    assert np.isfinite(record.get("grad_norm_l2").values).all()
    assert record.get("grad_norm_l2").values[0] > 10


def test_a_run_in_float16_diverges_as_any_other():
    record = train(experiment("mlp", "float16", steps=60, rate=1e20))
    assert record.outcome.nonfinite_step is not None


def test_the_scale_falls_to_one_and_no_further():
    scale, infinite = LossScale("float16"), torch.tensor(float("inf"))
    skipped = [scale.skips(torch.tensor(1.0), infinite) for _ in range(20)]
    assert scale.value == 1.0
    assert sum(skipped) == np.log2(FIRST_SCALE)


def test_a_loss_that_is_not_finite_is_a_result_at_any_scale():
    assert not LossScale("float16").skips(torch.tensor(float("nan")), torch.tensor(float("nan")))


def test_the_scale_doubles_after_many_finite_steps_and_is_resumed_where_it_was():
    scale, fine = LossScale("float16"), torch.tensor(1.0)
    for _ in range(1999):
        scale.skips(fine, fine)
    resumed = LossScale("float16")
    resumed.resume(scale.state())
    resumed.skips(fine, fine)
    assert (scale.value, resumed.value) == (FIRST_SCALE, 2 * FIRST_SCALE)
