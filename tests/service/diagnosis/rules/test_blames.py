"""Every condition that can do harm says what it blames."""

import pytest

from gradclinic.diagnosis import diagnose

from .. import records


@pytest.mark.parametrize(
    ("record", "condition", "blamed"),
    [
        (records.vanishing(), "vanishing_gradients", "initialization"),
        (records.exploding(), "exploding_gradients", "initialization"),
    ],
)
def test_a_harmful_finding_blames_a_part_of_the_training(record, condition, blamed) -> None:
    finding = diagnose(record).findings[0]
    assert (finding.condition, finding.harm) == (condition, True)
    assert finding.blames[0] == blamed


def test_a_healthy_run_blames_nothing() -> None:
    assert all(finding.blames == () for finding in diagnose(records.healthy_record()).findings)
