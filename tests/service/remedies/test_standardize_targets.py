from dataclasses import replace

import pytest

from gradclinic.remedies.standardize_targets import StandardizeTargets

from ..diagnosis.records import healthy_record
from ..diagnosis.seen import REGRESSION, but
from .experiments import applied, changes, mlp, refusal

LARGE = {"kind": "teacher", "standardize": False, "target_scale": 1000.0}


def test_it_standardizes_the_targets_and_leaves_the_inputs():
    raw = mlp(experiment_changes={"data": LARGE})
    assert changes(StandardizeTargets(), raw) == ["/data/standardize_targets"]
    before, after = raw.data.sample("flat"), applied(StandardizeTargets(), raw).data.sample("flat")
    assert after.train.targets.std() == pytest.approx(1.0, abs=1e-4)
    assert (after.train.inputs == before.train.inputs).all()
    assert after.target_variance == pytest.approx(float(before.train.targets.var()), rel=1e-4)


def test_targets_that_are_standardized_with_the_inputs_or_alone_are_refused():
    assert "already" in refusal(StandardizeTargets(), mlp(experiment_changes={"data": {"kind": "teacher"}}))
    alone = mlp(experiment_changes={"data": {**LARGE, "standardize_targets": True}})
    assert "already" in refusal(StandardizeTargets(), alone)


def test_targets_can_be_left_raw_beside_standardized_inputs():
    raw = mlp(experiment_changes={"data": {**LARGE, "standardize": True, "standardize_targets": False}})
    assert raw.data.sample("flat").train.targets.std() > 100
    assert applied(StandardizeTargets(), raw).data.sample("flat").train.targets.std() == pytest.approx(1.0, abs=1e-4)


def test_classes_have_no_scale():
    assert "classes" in refusal(StandardizeTargets(), mlp())


@pytest.mark.parametrize(
    ("mean", "std", "there"),
    [
        (0.1, 1.0, True),
        (0.0, 1000.0, False),
        (50.0, 1.0, False),
        (0.0, 1 / 3, True),
        (0.0, 0.33, False),
        (0.0, 3.0, True),
        (0.0, 3.1, False),
        (-1.0, 1.0, False),
    ],
)
def test_recorded_targets_near_their_standard_have_it_in_place(mean, std, there):
    seen = but(REGRESSION, "targets", form="numbers", mean=mean, std=std)
    assert StandardizeTargets().in_place(replace(healthy_record(), preflight=seen)) == there
