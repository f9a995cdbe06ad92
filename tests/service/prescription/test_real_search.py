"""The search with real trainings; what it finds on labelled sick networks is what the product is for."""

import json

import pytest
import torch

from gradclinic.comparison import RunResult
from gradclinic.diagnosis import diagnose
from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.metrics import metrics_of
from gradclinic.prescription import Budget, SearchTask, advance, report
from gradclinic_workers.train.fit import train


def trained(trial):
    record = train(trial.experiment)
    diagnosis = diagnose(record, experiment=trial.experiment)
    return RunResult("run", trial.arm, trial.seed, metrics=metrics_of(record), diagnosis=diagnosis)


def prescribed(experiment, *, runs):
    torch.set_num_threads(1)
    task, results = SearchTask(Experiment.model_validate(experiment), budget=Budget(runs=runs)), {}
    while (state := advance(task, results)).waiting:
        results |= {trial.key: trained(trial) for trial in state.waiting}
    return report(state)


def sick(model, *, data="moons", learning_rate=0.1, **more):
    return {
        "model": {"kind": "mlp", "width": 16, **model},
        "data": {"kind": data, **more},
        "optimizer": {"kind": "sgd", "learning_rate": learning_rate},
        "training": {"steps": 150, "batch_size": 64},
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("experiment", "condition"),
    [
        (sick({"depth": 10, "activation": "sigmoid"}), "vanishing_gradients"),
        (sick({"depth": 4, "activation": "relu", "initialization": {"scheme": "kaiming_normal", "bias": -3.0}}), None),
        (sick({"depth": 3, "activation": "relu"}, learning_rate=1e-5), "slow_convergence"),
    ],
    ids=["vanishing", "dead", "slow"],
)
def test_a_sick_network_is_cured_and_the_random_control_is_beaten(experiment, condition):
    answer = prescribed(experiment, runs=60)
    assert answer.ending == "cured", answer.why
    assert answer.cure.evidence.verdict == "cures"
    assert condition is None or condition in answer.diagnosis.conditions
    assert answer.control.cured < answer.control.runs
    Experiment.model_validate_json(json.dumps(answer.cure.resolved_experiment))


@pytest.mark.slow
def test_nothing_cures_labels_that_are_noise():
    experiment = sick({"depth": 2, "activation": "relu"}, data="blobs", label_noise=1.0)
    answer = prescribed(experiment, runs=60)
    assert (answer.cure, answer.ending) == (None, "not_cured"), answer.why
