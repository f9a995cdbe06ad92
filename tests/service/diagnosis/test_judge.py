"""Every rule fires on its sick record and is silent on the healthy one; harm and order are right."""

from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose, extract
from gradclinic.diagnosis.rules import NOTHING_WRONG, RULES
from gradclinic.diagnosis.rules.slow_convergence import SlowConvergence
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.record import RunRecord

from .records import (
    SICK,
    changed,
    failed,
    healthy_record,
    outcome,
    truncated,
    vanishing,
    with_slope,
)
from .seen import CLASSIFIER, REGRESSION, but, seen


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
    levels = {"probe_loss": falling, "update_to_weight_ratio": 0.001}
    finding = diagnose(changed(healthy_record(), levels, outcome=ended)).findings[0]
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


def test_a_training_that_only_needs_more_steps_is_told_so_unless_something_else_did_harm() -> None:
    falling = changed(
        healthy_record(),
        {"probe_loss": lambda steps: 2.3 * (1 - 0.2 * steps / 300)},
        outcome=failed(final_train_loss=2.3 * 0.8),
    )
    looked = seen(CLASSIFIER, record=falling)
    assert [finding.condition for finding in diagnose(looked).findings] == ["too_short"]
    dying = diagnose(changed(looked, {"dead_fraction": 1.0}))
    assert [finding.condition for finding in dying.findings] == ["dead_units"]


def test_findings_that_do_harm_come_first_and_each_kind_in_the_order_of_causes() -> None:
    sick = seen(but(CLASSIFIER, "inputs", rms=80.0), record=with_slope(SICK["dead_units"](), 6.0))
    found = diagnose(sick).findings
    assert [finding.condition for finding in found] == ["unscaled_inputs", "dead_units", "vanishing_gradients"]
    well = replace(sick, outcome=outcome())
    assert [finding.condition for finding in diagnose(well).findings] == [
        "healthy", "unscaled_inputs", "dead_units", "vanishing_gradients",
    ]  # fmt: skip
    uncleared = seen(but(CLASSIFIER, "wiring", uncleared=True), record=well)
    assert [finding.condition for finding in diagnose(uncleared).findings] == [
        "not_trained", "dead_units", "vanishing_gradients",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"slope": 0.75}, 0.5**2),
        ({"slope": -0.9}, 0.6**2),
        ({"dead_fraction": 0.25}, 0.5**2),
        ({"dead_fraction": np.append(np.zeros(9), 0.66)}, (2 / 3) ** 2),
        ({"saturated_fraction": 0.3}, 0.6**2),
    ],
)
def test_what_is_left_is_the_less_sure_the_nearer_another_condition_came(changes, doubt) -> None:
    bounded = "saturated_fraction" in changes
    record = changed(healthy_record(bounded=bounded, can_die=not bounded), {"probe_loss": 2.3}, outcome=failed())
    statistics = {name: level for name, level in changes.items() if name != "slope"}
    if "dead_fraction" not in statistics and not bounded:
        statistics["dead_fraction"] = 0.0
    found = diagnose(with_slope(changed(record, statistics), changes.get("slope", 0.0))).findings
    (finding,) = (each for each in found if each.condition != "insufficient_evidence")
    probes = 31  # from step 150 to 300, none of which has learned
    assert finding.condition == "slow_convergence"
    assert finding.confidence == pytest.approx(min(1 - doubt, 0.67) * (probes + 1) / (probes + 2), abs=1e-3)


def test_a_finding_without_a_span_holds_for_all_steps_and_its_confidence_is_a_probability() -> None:
    features = extract(healthy_record())
    for confidence, told in ((1.2, 1.0), (-0.2, 0.0), (0.12345, 0.123)):
        finding = RULES["healthy"].finding(features, harm=False, confidence=confidence, evidence=(), summary="")
        assert finding.confidence == told
        assert (finding.first_step, finding.last_step, finding.severity) == (0, 299, "warning")
    nothing = replace(features, steps_done=0)
    finding = RULES["healthy"].finding(nothing, harm=True, confidence=1, evidence=(), summary="", span=None)
    assert (finding.first_step, finding.last_step, finding.severity) == (0, 0, "critical")
    told = RULES["healthy"].finding(features, harm=True, confidence=1, evidence=(), summary="", severity="info")
    assert told.severity == "info"


SCATTER = 0.5 * np.array([1, -1, -1, 1, 1, -1, -1, 1, 0, 0])
"""Orders of magnitude around a line, which change neither its slope nor its level."""


def steep_at_first(decades: float, **changes: object) -> RunRecord:
    """A network that learned nothing; its gradients grew that much over the depth at step 0, with scatter, then not."""
    record = changed(healthy_record(), {"probe_loss": 2.3, **changes}, outcome=failed())
    gradients = record.series["site_grad_rms"]
    values = gradients.values.copy()
    values[0] = 10.0 ** (np.linspace(decades, 0, values.shape[1]) + SCATTER)
    return replace(record, series={**record.series, "site_grad_rms": replace(gradients, values=values)})


def test_what_is_no_more_likely_than_not_is_named_and_does_not_lead() -> None:
    findings = diagnose(steep_at_first(1.505)).findings
    assert [finding.condition for finding in findings] == ["slow_convergence", "exploding_gradients"]
    assert findings[1].confidence <= 0.5
    assert (findings[1].harm, findings[1].severity) == (True, "warning")
    certain = diagnose(steep_at_first(6.0)).findings
    assert (certain[0].condition, certain[0].severity) == ("exploding_gradients", "critical")


def test_a_possibility_takes_no_more_than_half_of_the_confidence_of_what_is_left() -> None:
    assert diagnose(steep_at_first(1.505)).findings[0].confidence >= 0.48


@pytest.mark.parametrize("condition", RULES)
@pytest.mark.parametrize(("confidence", "led"), [(0.3, False), (0.5, False), (0.51, True)])
def test_no_condition_leads_that_is_no_more_likely_than_not(condition, confidence, led, monkeypatch) -> None:
    """Each condition in turn is the only one that is found, in a training that ended badly."""
    stuck = changed(healthy_record(), {"probe_loss": 2.3}, outcome=failed())
    found = RULES["healthy"].finding(
        extract(stuck), harm=True, confidence=confidence, evidence=(), summary="Said.", severity="critical"
    )
    found = replace(found, condition=condition, rule=condition, blames=("data",), harm=condition not in NOTHING_WRONG)
    for name, rule in RULES.items():
        monkeypatch.setattr(type(rule), "judge", lambda *_, own=found if name == condition else None: own)
    monkeypatch.setattr(SlowConvergence, "remainder", lambda *_, **__: None)
    first, *others = diagnose(stuck).findings
    if led or condition in NOTHING_WRONG:
        assert (first.condition, others) == (condition, [])
        return
    assert (first.condition, first.harm) == ("insufficient_evidence", False)
    assert [(finding.condition, finding.severity) for finding in others] == [(condition, "warning")]
    assert first.summary.endswith(f"is {100 * confidence:.0f} % sure: Said.")


def test_a_possibility_does_not_hide_that_more_steps_would_do() -> None:
    falling = {"probe_loss": lambda steps: 2.3 * (1 - 0.2 * steps / 300)}
    short = changed(steep_at_first(1.505, **falling), outcome=failed(final_train_loss=2.3 * 0.8))
    conditions = [finding.condition for finding in diagnose(seen(CLASSIFIER, record=short)).findings]
    assert conditions == ["too_short", "exploding_gradients"]


def test_of_two_findings_with_the_same_place_the_more_certain_one_leads() -> None:
    """Counts up to 11 under a sigmoid look like classes, perhaps; that the sigmoid cannot produce them is certain."""
    look = but(REGRESSION, "targets", whole=True, distinct=11, low=1.0, high=11.0, mean=6.0)
    look = but(look, "outputs", activation="sigmoid", low=0.3, high=0.6, unreachable=0.9, unreachable_error=3.0)
    found = [finding.condition for finding in diagnose(seen(look)).findings]
    assert found[:2] == ["output_mismatch", "loss_mismatch"]
