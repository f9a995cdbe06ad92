"""Every condition that can do harm says what it blames."""

from dataclasses import replace

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


@pytest.mark.parametrize(
    ("record", "advice"),
    [
        (records.vanishing(), "; first start from larger weights (He initialization), or add normalization."),
        (records.SICK["exploding_gradients"](), "; first start from smaller weights"),
        (records.SICK["dead_units"](), "; first start from He initialization with biases of 0."),
        (records.SICK["saturated_activations"](), "; first start from smaller weights (Xavier initialization), and"),
    ],
)
def test_the_first_sentence_of_a_harmful_finding_says_what_to_try_first(record, advice):
    finding = diagnose(record).findings[0]
    assert advice in finding.summary
    well = replace(record, outcome=records.outcome())
    assert not any("; first " in each.summary for each in diagnose(well).findings if not each.harm)
