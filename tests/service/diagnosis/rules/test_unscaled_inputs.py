from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.base import Order
from gradclinic.diagnosis.rules.unscaled_inputs import UnscaledInputs
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.remedies.network import Network

from ..records import changed, failed, healthy_record, outcome, truncated
from ..seen import CLASSIFIER, REGRESSION, but, seen


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rms": 80.0}, "RMS 80 instead of about 1"),
        ({"rms": 3e4, "largest_std": 1e5}, "standard deviation of 1e+05, the typical one of 0.9"),
        ({"largest_offset": 40.0}, "40 of their deviations away from 0"),
        ({"rms": 0.002}, "RMS 0.002"),
    ],
)
def test_each_kind_of_scale_is_named_with_its_number(changes, said):
    finding = diagnose(seen(but(CLASSIFIER, "inputs", **changes))).findings[0]
    assert finding.condition == "unscaled_inputs"
    assert said in finding.summary
    assert finding.blames[0] == "input_scaling"


def test_pixels_between_0_and_1_are_no_fault():
    look = but(CLASSIFIER, "inputs", rms=0.33, largest_std=0.45, typical_std=0.3, largest_offset=2.0)
    assert "unscaled_inputs" not in {finding.condition for finding in diagnose(seen(look)).findings}


def test_a_network_that_learned_all_the_same_is_healthy_with_a_note():
    found = diagnose(seen(but(CLASSIFIER, "inputs", rms=80.0), outcome=outcome()))
    assert found.primary == "healthy"
    assert [finding.harm for finding in found.findings if finding.condition == "unscaled_inputs"] == [False]


def test_standardizing_is_suggested():
    record = seen(but(CLASSIFIER, "inputs", rms=50.0))
    finding = UnscaledInputs().judge(extract(record), record, Thresholds())
    assert [each.kind for each in UnscaledInputs().remedies(finding, Network.recorded(record))] == [
        "standardize_inputs"
    ]


@pytest.mark.parametrize(
    ("changes", "confidence"),
    [
        ({"rms": 10.0}, None),
        ({"rms": 10.1}, 0.6),
        ({"rms": 20.0}, 0.6),
        ({"rms": 20.1}, 0.97),
        ({"rms": 0.01}, None),
        ({"rms": 0.0099}, 0.6),
        ({"rms": 0.0}, None),
        ({"largest_offset": 10.0}, None),
        ({"largest_offset": 10.1}, 0.6),
        ({"largest_std": 20.0, "typical_std": 1.0}, None),
        ({"largest_std": 20.1, "typical_std": 1.0}, 0.9),
        ({"largest_std": 1.0, "typical_std": 0.01}, None),
        ({"largest_std": 1.1, "typical_std": 0.01}, 0.9),
        ({"largest_std": 100.0, "typical_std": 0.0}, None),
    ],
)
def test_a_scale_is_a_fault_beyond_its_limit_and_surer_the_further_beyond(changes, confidence):
    record = seen(but(CLASSIFIER, "inputs", **changes))
    finding = UnscaledInputs().judge(extract(record), record, Thresholds())
    assert (None if finding is None else finding.confidence) == confidence


def test_each_number_is_evidence_with_its_limit():
    record = seen(but(CLASSIFIER, "inputs", rms=80.0, largest_std=3.0, typical_std=2.0, largest_offset=4.0))
    finding = UnscaledInputs().judge(extract(record), record, Thresholds())
    assert [(each.name, each.value, each.threshold) for each in finding.evidence] == [
        ("input_rms", 80.0, 10.0),
        ("input_spread", 1.5, 20.0),
        ("input_offset", 4.0, 10.0),
    ]


@pytest.mark.parametrize(("step", "initial", "first"), [(0, None, True), (30, 3.1, True), (30, 3.0, False)])
def test_huge_inputs_lead_over_a_divergence_that_no_step_began(step, initial, first):
    ended = failed(steps_done=step, nonfinite_step=step, final_train_loss=float("nan"))
    features = extract(changed(truncated(healthy_record(), step + 1), outcome=ended))
    features = replace(features, relative_initial_loss=initial)
    order = UnscaledInputs().precedence(features, Thresholds())
    assert (order < Order.BLOWN_UP) is first


@pytest.mark.parametrize(("saturated", "rms", "harm"), [(0.91, 80.0, True), (0.89, 80.0, False), (0.91, 15.0, False)])
def test_large_inputs_that_saturate_a_layer_hurt_also_without_a_loss_to_compare_with(saturated, rms, harm):
    record = changed(
        healthy_record(bounded=True, can_die=False),
        {"saturated_fraction": saturated},
        outcome=outcome(constant_loss=None),
    )
    found = {
        each.condition: each for each in diagnose(seen(but(CLASSIFIER, "inputs", rms=rms), record=record)).findings
    }
    assert found["unscaled_inputs"].harm is harm


@pytest.mark.parametrize(("first", "harm"), [(3000.0, True), (900.0, False)])
def test_without_a_yardstick_it_does_harm_if_the_loss_came_from_afar(first, harm):
    look = but(but(REGRESSION, "inputs", rms=3000.0, largest_offset=7.0), "loss", name="Own", takes="unknown")
    losses = {"train_loss": lambda steps: np.where(steps == 0, first, 2.0 * np.exp(-steps / 100))}
    record = changed(healthy_record(), losses, outcome=outcome(constant_loss=None))
    found = {each.condition: each for each in diagnose(seen(look, record=record)).findings}
    assert found["unscaled_inputs"].harm is harm


@pytest.mark.parametrize(("saturated", "harm"), [(0.9, True), (0.89, False)])
def test_a_layer_is_saturated_from_nine_tenths_on(saturated, harm):
    record = seen(but(CLASSIFIER, "inputs", rms=80.0))
    unknown = {"relative_train_loss": None, "saturated_start": np.array([np.nan, saturated])}
    finding = UnscaledInputs().judge(replace(extract(record), **unknown), record, Thresholds())
    assert finding.harm is harm
    running = replace(extract(record), **unknown, finished=False)
    assert not UnscaledInputs().judge(running, record, Thresholds()).harm
