from dataclasses import replace

import pytest

from gradclinic.remedies.standardize_inputs import StandardizeInputs

from ..diagnosis.records import healthy_record
from ..diagnosis.seen import CLASSIFIER, but
from .experiments import applied, changes, mlp, refusal


def test_it_standardizes_what_was_not():
    raw = mlp(experiment_changes={"data": {"kind": "digits", "standardize": False, "scale": 100.0}})
    assert changes(StandardizeInputs(), raw) == ["/data/standardize"]
    inputs = applied(StandardizeInputs(), raw).data.sample("flat").train.inputs
    assert abs(inputs.mean()) < 1e-4


def test_standardized_data_is_refused():
    assert "already" in refusal(StandardizeInputs(), mlp())


@pytest.mark.parametrize(
    ("typical", "largest", "offset", "there"),
    [
        (1 / 3, 3.0, 0.9, True),
        (0.33, 3.0, 0.9, False),
        (1 / 3, 3.1, 0.9, False),
        (1.0, 1.0, 0.0, True),
        (1 / 3, 3.0, 1.0, False),
    ],
)
def test_recorded_inputs_near_their_standard_have_it_in_place(typical, largest, offset, there):
    look = but(CLASSIFIER, "inputs", typical_std=typical, largest_std=largest, largest_offset=offset)
    assert StandardizeInputs().in_place(replace(healthy_record(), preflight=look)) == there
