"""Every rule fires on its sick record and is silent on the healthy one; harm and order are right."""

from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose, extract
from gradclinic.diagnosis.rules import RULES
from gradclinic.diagnosis.thresholds import Thresholds

from .records import (
    SICK,
    changed,
    failed,
    healthy_record,
    truncated,
    vanishing,
    with_slope,
)


@pytest.mark.parametrize("condition", SICK)
def test_every_rule_fires_on_its_sick_record(condition: str) -> None:
    diagnosis = diagnose(SICK[condition]())
    assert diagnosis.primary == condition
    finding = diagnosis.findings[0]
    assert finding.condition == condition
    assert finding.harm
    assert 0.5 < finding.confidence <= 1.0
    assert finding.evidence
    assert finding.source


@pytest.mark.parametrize("condition", SICK)
def test_every_rule_is_silent_on_the_healthy_record(condition: str) -> None:
    record = healthy_record()
    assert RULES[condition].judge(extract(record), record, Thresholds()) is None


def test_every_condition_of_a_finding_has_a_rule_and_every_rule_names_thresholds_that_exist() -> None:
    for condition, rule in RULES.items():
        assert rule.condition == condition
        assert rule.source
        assert set(rule.uses) <= set(Thresholds.model_fields)


def test_the_primary_condition_is_the_cause_and_its_symptoms_are_kept() -> None:
    record = with_slope(SICK["saturated_activations"](), 8.0)
    diagnosis = diagnose(record)
    assert diagnosis.primary == "saturated_activations"
    assert [finding.condition for finding in diagnosis.findings[1:]] == ["vanishing_gradients"]


def test_a_network_with_one_layer_has_no_profile_and_is_judged_without_it() -> None:
    assert extract(healthy_record(layers=1)).depth_slope_start is None
    assert diagnose(healthy_record(layers=1)).primary == "healthy"


def test_a_run_that_goes_on_shows_what_is_certain_and_no_more() -> None:
    running = truncated(replace(vanishing(), outcome=None), 60)
    diagnosis = diagnose(running)
    assert diagnosis.primary == "insufficient_evidence"
    early = next(finding for finding in diagnosis.findings if finding.condition == "vanishing_gradients")
    assert not early.harm
    assert "has not finished" in early.summary


@pytest.mark.parametrize(("end", "severity"), [(0.99, "critical")])
def test_a_loss_that_falls_too_slowly_for_a_forecast_is_said_to_fall(end: float, severity: str) -> None:
    def falling(steps: np.ndarray) -> np.ndarray:
        return 2.3 * (1.0 + (end - 1.0) * steps / 300)

    ended = failed(final_train_loss=2.3 * end)
    finding = diagnose(changed(healthy_record(), {"probe_loss": falling}, outcome=ended)).findings[0]
    assert (finding.condition, finding.severity, finding.harm) == ("slow_convergence", severity, True)
    assert "the loss is still falling" in finding.summary


@pytest.mark.parametrize(
    ("condition", "statistic", "sick", "sound"),
    [
        ("saturated_activations", "saturated_fraction", 0.51, 0.49),
        ("dead_units", "dead_fraction", 0.51, 0.49),
        ("vanishing_gradients", None, 1.51, 1.49),
        ("exploding_gradients", None, -1.51, -1.49),
    ],
)
def test_a_condition_begins_at_its_threshold(condition: str, statistic: str | None, sick: float, sound: float) -> None:
    bounded = condition == "saturated_activations"
    base = changed(healthy_record(bounded=bounded, can_die=not bounded), {"probe_loss": 2.3}, outcome=failed())
    for level, there in ((sick, True), (sound, False)):
        record = with_slope(base, level) if statistic is None else changed(base, {statistic: level})
        assert (condition in {finding.condition for finding in diagnose(record).findings}) is there
