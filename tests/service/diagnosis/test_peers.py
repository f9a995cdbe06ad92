"""The peers' rule sets fire at their published constants, on the same records."""

from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import RULE_SETS, diagnose
from gradclinic.kernel.errors import InvalidSpec
from gradclinic.measurements.record import RunRecord

from .records import SICK, failed, healthy_record, outcome, series_of


def with_weight_gradients(record: RunRecord, levels: np.ndarray) -> RunRecord:
    steps = record.series["weight_norm_l2"].steps
    series = {**record.series, "weight_grad_mean_abs": series_of(steps, levels, 11)}
    return replace(record, series=series, outcome=failed())


@pytest.mark.parametrize("rule_set", ["autotrainer", "sagemaker"])
def test_peers_raise_nothing_on_the_healthy_record(rule_set: str) -> None:
    diagnosis = diagnose(healthy_record(), rule_set=rule_set)
    assert diagnosis.primary == "healthy"
    assert diagnosis.rule_set == rule_set


@pytest.mark.parametrize("rule_set", RULE_SETS)
@pytest.mark.parametrize("condition", SICK)
def test_every_rule_set_judges_every_record(rule_set: str, condition: str) -> None:
    assert diagnose(SICK[condition](), rule_set=rule_set).findings


def test_sagemaker_calls_a_gradient_vanished_below_1e_7_and_not_above() -> None:
    for level, primary in ((0.9e-7, "vanishing_gradients"), (1.1e-7, "healthy")):
        record = with_weight_gradients(healthy_record(), np.full(11, level))
        assert diagnose(record, rule_set="sagemaker").primary == primary


def test_sagemaker_needs_half_a_layer_dead() -> None:
    assert diagnose(SICK["dead_units"](), rule_set="sagemaker").findings[0].rule == "DeadRelu"


def test_autotrainer_looks_at_the_ratio_and_at_the_first_layer() -> None:
    tiny = with_weight_gradients(healthy_record(), np.geomspace(1e-6, 1e-2, 11))
    large = with_weight_gradients(healthy_record(), np.geomspace(1.0, 1e-2, 11))
    assert diagnose(tiny, rule_set="autotrainer").primary == "vanishing_gradients"
    assert diagnose(large, rule_set="autotrainer").primary == "exploding_gradients"


def test_autotrainer_is_silent_once_the_accuracy_is_high() -> None:
    tiny = with_weight_gradients(healthy_record(), np.geomspace(1e-6, 1e-2, 11))
    good = replace(tiny, outcome=outcome(final_validation_accuracy=0.61))
    assert diagnose(good, rule_set="autotrainer").primary == "healthy"


def test_each_rule_set_has_thresholds_of_its_own() -> None:
    with pytest.raises(InvalidSpec):
        diagnose(healthy_record(), rule_set="sagemaker", thresholds={"depth_slope": 1.0})
    record = with_weight_gradients(healthy_record(), np.full(11, 1e-6))
    changed = diagnose(record, rule_set="sagemaker", thresholds={"vanishing_threshold": 1e-5})
    assert changed.primary == "vanishing_gradients"
