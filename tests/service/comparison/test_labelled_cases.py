"""On labelled sick networks: what cures them is said to help, what does not cure them is never said to cure."""

import json
from pathlib import Path

import pytest
import torch

from gradclinic.comparison import RunResult, compare
from gradclinic.diagnosis import diagnose
from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.metrics import metrics_of
from gradclinic_workers.train.fit import train

CASES = json.loads((Path(__file__).parents[2] / "data" / "cases.json").read_text())["cases"]
SICK = [case for case in CASES if "cure" in case]


def trained(arm, specification, seed):
    experiment = Experiment.model_validate_json(json.dumps(specification)).with_seed(seed)
    record = train(experiment)
    diagnosis = diagnose(record, experiment=experiment)
    return RunResult(f"{arm} {seed}", arm, seed, metrics=metrics_of(record), diagnosis=diagnosis)


@pytest.mark.slow
@pytest.mark.parametrize("case", SICK, ids=[case["name"] for case in SICK])
def test_a_verified_cure_helps_and_a_non_cure_never_cures(case):
    torch.set_num_threads(1)
    arms = {name: case[name]["experiment"] for name in ("cure", "no_cure")} | {"baseline": case["experiment"]}
    comparison = compare(trained(arm, spec, seed) for arm, spec in arms.items() for seed in case["seeds"])
    if case["cure"]["verified"]:
        assert comparison.arm("cure").verdict in ("cures", "improves"), comparison.arm("cure").reason
    assert comparison.arm("no_cure").verdict != "cures", comparison.arm("no_cure").reason
