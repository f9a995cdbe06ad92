from dataclasses import replace
from math import nan

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.origin import NonFiniteOrigin
from gradclinic.measurements.record import Series

from ..records import changed, failed, healthy_record, with_slope
from ..seen import CLASSIFIER, but, seen

HALF = but(CLASSIFIER, "precision", lowest="float16")


def underflowing(fraction: float):
    record = changed(healthy_record(), outcome=failed())
    lost = Series(np.zeros(1, np.int32), np.full((1, len(record.sites)), fraction, np.float32))
    return replace(record, series={**record.series, "site_grad_underflow_fraction": lost})


def test_a_gradient_below_what_float16_holds_is_named_with_what_to_do():
    finding = diagnose(seen(HALF, record=underflowing(0.6))).findings[0]
    assert finding.condition == "low_precision"
    assert "GradScaler" in finding.summary
    assert finding.blames == ("precision",)


def test_with_a_scaler_or_little_underflow_it_is_none():
    scaled = but(HALF, "precision", scaled=True)
    for look, record in ((scaled, underflowing(0.6)), (HALF, underflowing(0.05)), (CLASSIFIER, underflowing(0.6))):
        assert "low_precision" not in {finding.condition for finding in diagnose(seen(look, record=record)).findings}


@pytest.mark.parametrize(
    ("under", "zero", "lost"),
    [
        (0.125, 0.125, 0.25),
        (0.2, None, 0.2),
        (0.125, 0.0625, None),
        (0.25, None, 0.25),
        (None, 0.25, 0.25),
        (None, None, None),
    ],
)
def test_what_is_too_small_and_what_is_zero_add_up_in_the_worst_layer(under, zero, lost):
    record = changed(healthy_record(layers=3), outcome=failed())
    for name, fraction in (("site_grad_underflow_fraction", under), ("site_grad_zero_fraction", zero)):
        if fraction is not None:
            lost_there = Series(np.zeros(1, np.int32), np.array([[0.0, fraction, nan]]))
            record = replace(record, series={**record.series, name: lost_there})
    found = {each.condition: each for each in diagnose(seen(HALF, record=record)).findings}
    assert ("low_precision" in found) is (lost is not None)
    if lost is not None:
        assert found["low_precision"].evidence[0].value == lost


def test_a_training_that_broke_off_in_float16_overflowed():
    broken = changed(healthy_record(), outcome=failed(nonfinite_step=9))
    found = {each.condition: each for each in diagnose(seen(HALF, record=broken)).findings}
    assert "values beyond 65,504 became infinite" in found["low_precision"].summary
    sound = changed(healthy_record(), outcome=failed())
    assert "low_precision" not in {each.condition for each in diagnose(seen(HALF, record=sound)).findings}


@pytest.mark.parametrize(
    ("where", "first", "scaler"),
    [("forward", "low_precision", False), ("backward", "low_precision", True), ("inputs", "non_finite_origin", None)],
)
def test_what_overflows_in_float16_is_the_precisions_fault_and_a_scaler_helps_gradients_only(where, first, scaler):
    ended = failed(steps_done=0, nonfinite_step=0, nonfinite_origin=NonFiniteOrigin(step=0, where=where, module="4"))
    record = changed(healthy_record(), outcome=ended)
    steep = Series(np.zeros(1, np.int32), np.full((1, len(record.sites)), np.inf, np.float32))
    record = replace(record, series={**record.series, "site_grad_rms": steep})
    findings = diagnose(seen(HALF, record=record)).findings
    assert findings[0].condition == first
    assert ("low_precision" in {each.condition for each in findings}) is (scaler is not None)
    if scaler is not None:
        assert findings[0].layers == ("4",)
        assert ("GradScaler" in findings[0].summary) is scaler
        assert not {"exploding_gradients", "non_finite_origin"} & {each.condition for each in findings}


@pytest.mark.parametrize(("optimizer", "said"), [("AdamW", "an eps of 1e-8 is 0 in float16"), ("SGD", "beyond 65,504")])
def test_a_step_that_divides_by_a_rounded_eps_is_told_from_values_that_are_too_large(optimizer, said):
    ended = failed(
        steps_done=1, nonfinite_step=1, nonfinite_origin=NonFiniteOrigin(step=1, where="weights", module="4")
    )
    look = but(HALF, "optimizer", name=optimizer)
    findings = diagnose(seen(look, record=changed(healthy_record(), outcome=ended))).findings
    assert ("divergence" in {each.condition for each in findings}) is (optimizer == "SGD")
    finding = findings[0]
    assert finding.condition == "low_precision"
    assert said in finding.summary
    assert ("an eps of 1e-4" in finding.summary) is ("optimizer" in finding.blames) is (optimizer == "AdamW")
    assert "GradScaler" not in finding.summary


def test_gradients_that_float16_lost_at_the_output_did_not_vanish_and_need_no_remedies():
    whole = with_slope(underflowing(0.6), 6.0)
    first, second = diagnose(seen(HALF, record=whole)).findings
    assert (first.condition, second.condition) == ("low_precision", "vanishing_gradients")
    assert first.suggested_remedies
    assert not second.suggested_remedies
    assert second.summary.endswith("; this follows from low precision, so mend that first.")


def test_gradients_that_it_lost_at_the_input_only_vanished_first():
    whole = with_slope(underflowing(0.6), 6.0)
    lost = whole.series["site_grad_underflow_fraction"].values.copy()
    lost[0, -3:] = 0.0
    series = {**whole.series, "site_grad_underflow_fraction": Series(np.zeros(1, np.int32), lost)}
    second = diagnose(seen(HALF, record=replace(whole, series=series))).findings[1]
    assert second.condition == "vanishing_gradients"
    assert second.suggested_remedies
