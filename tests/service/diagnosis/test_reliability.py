"""A finding about a recorded program is no more certain than its condition has been right."""

from dataclasses import replace

import pytest

from gradclinic.diagnosis import diagnose, extract
from gradclinic.diagnosis.reliability import IN_PROGRAMS, RARE, Led, bounded
from gradclinic.diagnosis.rules import NOTHING_WRONG, RULES
from gradclinic.measurements.record import RunRecord

from .records import SICK, healthy_record


def of_a_program(record: RunRecord) -> RunRecord:
    return replace(record, weights=tuple(replace(weight, module="Linear") for weight in record.weights))


def test_a_record_of_right_diagnoses_follows_the_rule_of_succession() -> None:
    assert Led(0, 0).rightly == 0.5
    assert Led(26, 32).rightly == pytest.approx(27 / 34)


def test_every_condition_that_was_counted_is_one_of_the_rules_and_more_likely_right_than_not() -> None:
    assert set(IN_PROGRAMS) <= set(RULES)
    assert all(led.right <= led.trainings and led.rightly > 0.5 for led in IN_PROGRAMS.values())


@pytest.mark.parametrize("condition", sorted(set(RULES) - NOTHING_WRONG))
def test_no_harmful_condition_of_a_program_is_more_certain_than_its_record(condition) -> None:
    features = extract(healthy_record())
    certain = RULES[condition].finding(features, harm=True, confidence=1.0, evidence=(), summary="")
    most = IN_PROGRAMS.get(condition, RARE).rightly
    assert bounded(certain, of_a_program(healthy_record())).confidence == round(most, 3) < 1.0
    assert bounded(certain, healthy_record()).confidence == 1.0


@pytest.mark.parametrize("condition", ["divergence", "vanishing_gradients", "dead_units"])
def test_a_finding_about_a_program_is_bounded_by_what_was_counted_and_about_a_declared_network_is_not(
    condition,
) -> None:
    own = SICK[condition]()
    (of_own, *_), (of_program, *_) = diagnose(own).findings, diagnose(of_a_program(own)).findings
    assert of_own.condition == of_program.condition == condition
    assert of_own.confidence > IN_PROGRAMS[condition].rightly
    assert of_program.confidence == round(IN_PROGRAMS[condition].rightly, 3)


def test_what_does_no_harm_is_not_bounded() -> None:
    record = healthy_record()
    assert diagnose(of_a_program(record)).findings[0].confidence == diagnose(record).findings[0].confidence
