"""The labelled cases, their cures and their non-cures are accepted, and train to their end."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from gradclinic.experiments.experiment import Experiment
from gradclinic_workers.train.fit import train

torch.set_num_threads(1)

CASES = json.loads((Path(__file__).parents[2] / "data" / "cases.json").read_text())["cases"]
EXPERIMENTS: dict[str, dict[str, Any]] = {
    f"{case['name']}-{part}": case[part] if part == "experiment" else case[part]["experiment"]
    for case in CASES
    for part in ("experiment", "cure", "no_cure")
    if case.get(part)
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_it_takes_its_first_steps(name: str):
    experiment = Experiment.model_validate(EXPERIMENTS[name])
    short = experiment.model_copy(update={"training": experiment.training.model_copy(update={"steps": 2})})
    record = train(short)
    assert record.outcome.steps_done == 2 or record.outcome.nonfinite_step is not None
    assert record.get("site_grad_rms").values.shape[1] == len(record.sites) > 0
    assert math.isfinite(record.outcome.initial_train_loss)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_it_trains_to_its_end(name: str):
    experiment = Experiment.model_validate(EXPERIMENTS[name])
    outcome = train(experiment).outcome
    assert outcome.steps_done == experiment.training.steps or outcome.nonfinite_step is not None
