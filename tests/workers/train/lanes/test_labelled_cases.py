"""The sick networks of the labelled cases are diagnosed in a lane as in a lone run."""

from dataclasses import replace

import pytest
import torch

from gradclinic.diagnosis import Diagnosis, diagnose
from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.ensemble import Form, form_of
from gradclinic.measurements.estimate import estimate
from gradclinic.measurements.record import RunRecord
from gradclinic_workers.train.fit import train
from gradclinic_workers.train.lanes import LaneRun, train_together
from tests.workers.train.test_cases import EXPERIMENTS

torch.set_num_threads(1)

DECLARED = {
    name: Experiment.model_validate(declared) for name, declared in EXPERIMENTS.items() if name.endswith("-experiment")
}
SICK = {name: each for name, each in DECLARED.items() if isinstance(form_of(each, estimate(each)), Form)}


def judged(record: RunRecord, experiment: Experiment) -> Diagnosis:
    return diagnose(replace(record, environment={}), experiment=experiment)


@pytest.mark.slow
@pytest.mark.parametrize("name", SICK)
def test_the_diagnosis_of_a_lane_is_that_of_its_lone_run(name: str) -> None:
    experiment = SICK[name]
    record = dict(train_together([LaneRun(experiment.with_seed(77)), LaneRun(experiment)]))[1]
    assert isinstance(record, RunRecord)
    found, expected = judged(record, experiment), judged(train(experiment), experiment)
    assert found.primary == expected.primary
    assert [finding.condition for finding in found.findings] == [finding.condition for finding in expected.findings]
