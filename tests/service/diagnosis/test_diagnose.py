"""The face of the package: rule sets, thresholds, suggested remedies."""

from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import RULE_SETS, Evidence, Thresholds, diagnose
from gradclinic.experiments.experiment import Experiment
from gradclinic.kernel.errors import InvalidSpec
from gradclinic.remedies.swap_activation import SwapActivation

from .records import SICK, changed, healthy_record, vanishing, with_slope, with_weight_gradients
from .seen import CLASSIFIER, but, seen


def test_a_diagnosis_says_what_by_which_evidence_and_what_to_try() -> None:
    found = diagnose(vanishing())
    assert (found.primary, found.rule_set) == ("vanishing_gradients", "1")
    finding = found.findings[0]
    assert (finding.rule, finding.harm, finding.severity) == ("vanishing_gradients", True, "critical")
    assert finding.evidence[0] == Evidence("depth_slope", pytest.approx(6.0, abs=1e-4), "orders of magnitude", 1.5)
    assert SwapActivation() not in finding.suggested_remedies  # it is ReLU already


def test_another_threshold_judges_a_stored_run_otherwise() -> None:
    record = with_slope(changed(vanishing(), {"probe_loss": 2.3}), 1.8)
    assert diagnose(record).primary == "vanishing_gradients"
    assert diagnose(record, thresholds={"depth_slope": 8.0}).primary == "slow_convergence"


@pytest.mark.parametrize("thresholds", [{"depth_slop": 1.0}, {"depth_slope": -1.0}, {"learned": float("nan")}])
def test_unknown_thresholds_and_impossible_ones_are_refused_with_their_name(thresholds: dict[str, float]) -> None:
    with pytest.raises(InvalidSpec) as refused:
        diagnose(healthy_record(), thresholds=thresholds)
    assert refused.value.problems[0].pointer == f"/thresholds/{next(iter(thresholds))}"


def test_an_unknown_rule_set_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="no rule set"):
        diagnose(healthy_record(), rule_set="9")


def test_every_threshold_states_unit_meaning_and_source() -> None:
    for threshold in Thresholds.listing():
        assert threshold["unit"]
        assert threshold["source"]
        assert threshold["help"]


@pytest.mark.parametrize("condition", SICK)
def test_every_sickness_has_remedies_to_try(condition: str) -> None:
    assert diagnose(SICK[condition]()).findings[0].suggested_remedies


def test_remedies_that_the_experiment_would_refuse_are_not_suggested() -> None:
    experiment = Experiment.model_validate(
        {
            "model": {"kind": "mlp", "depth": 10, "width": 32, "activation": "sigmoid", "normalization": "batch_norm"},
            "data": {"kind": "digits"},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
        }
    )
    kinds = [remedy.kind for remedy in diagnose(vanishing(), experiment=experiment).findings[0].suggested_remedies]
    assert kinds
    assert "add_batch_norm" not in kinds


def test_without_a_yardstick_what_is_found_is_said_but_not_whether_it_hurt() -> None:
    record = vanishing()
    assert record.outcome is not None
    unknown = replace(record, outcome=replace(record.outcome, constant_loss=None))
    first, second = diagnose(unknown).findings[:2]
    assert (first.condition, second.condition, second.harm) == ("insufficient_evidence", "vanishing_gradients", False)
    assert "the loss of always predicting the average is not known" in first.summary
    assert "it is not known whether this hurts" in second.summary


def test_a_run_that_probed_nothing_is_as_sure_as_such_programs_are_right() -> None:
    record = healthy_record()
    unprobed = replace(record, series={name: each for name, each in record.series.items() if name != "probe_loss"})
    found = diagnose(unprobed).findings[0]
    assert (found.condition, found.confidence) == ("healthy", 0.87)
    assert diagnose(record).findings[0].confidence > 0.9


@pytest.mark.parametrize("rule_set", ["autotrainer", "sagemaker"])
def test_peers_raise_nothing_on_the_healthy_record(rule_set: str) -> None:
    diagnosis = diagnose(healthy_record(), rule_set=rule_set)
    assert diagnosis.primary == "healthy"
    assert diagnosis.rule_set == rule_set


@pytest.mark.parametrize("rule_set", RULE_SETS)
@pytest.mark.parametrize("condition", SICK)
def test_every_rule_set_judges_every_record(rule_set: str, condition: str) -> None:
    assert diagnose(SICK[condition](), rule_set=rule_set).findings


def test_each_rule_set_has_thresholds_of_its_own() -> None:
    with pytest.raises(InvalidSpec):
        diagnose(healthy_record(), rule_set="sagemaker", thresholds={"depth_slope": 1.0})
    record = with_weight_gradients(healthy_record(), np.full(11, 1e-6))
    changed = diagnose(record, rule_set="sagemaker", thresholds={"vanishing_threshold": 1e-5})
    assert changed.primary == "vanishing_gradients"


def test_what_follows_from_weights_that_are_all_equal_brings_no_remedies_of_its_own():
    alike = seen(but(CLASSIFIER, "wiring", alike=True), record=vanishing())
    first, second = diagnose(alike).findings
    assert (first.condition, second.condition) == ("symmetric_initialization", "vanishing_gradients")
    assert first.suggested_remedies
    assert not second.suggested_remedies
    unexplained = seen(but(CLASSIFIER, "inputs", rms=80.0), record=vanishing())
    assert diagnose(unexplained).findings[1].suggested_remedies
