"""Every condition that can do harm says what it blames."""

from dataclasses import replace

import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.rules import RULES

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
    "record", [records.vanishing(), *(records.SICK[name]() for name in sorted(records.SICK) if RULES[name].says_first)]
)
def test_the_first_sentence_of_a_harmful_finding_says_the_suggestion_that_comes_first(record):
    finding = diagnose(record).findings[0]
    wrong, _, outcome = finding.summary.partition("; ")
    assert wrong.endswith(f": first {finding.suggested_remedies[0].advice}")
    assert outcome
    well = replace(record, outcome=records.outcome())
    assert not any(": first " in each.summary for each in diagnose(well).findings if not each.harm)
