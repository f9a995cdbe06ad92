import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.broken_labels import BrokenLabels
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.preflight import InnerLoss, OrderFacts

from ..records import outcome
from ..seen import CLASSIFIER, REGRESSION, but, seen


def test_a_single_class_is_nothing_to_learn_and_the_only_finding():
    found = diagnose(seen(but(CLASSIFIER, "targets", distinct=1, mean=0.0, most_common=1.0))).findings
    assert next(finding.condition for finding in found if finding.harm) == "broken_labels"
    assert "All 512 targets" in found[0].summary
    assert found[0].blames[0] == "labels"


@pytest.mark.parametrize(
    ("look", "loss", "mean"),
    [(CLASSIFIER, {"name": "TripletLoss", "takes": "unknown"}, 1.0), (REGRESSION, {"residual": True}, 0.0)],
)
def test_targets_that_a_loss_does_not_use_and_residuals_that_should_be_0_are_equal_by_design(look, loss, mean):
    """As the ones that MarginRankingLoss takes, and the zeros that a physics-informed network is compared with."""
    equal = but(but(look, "loss", **loss), "targets", distinct=1, mean=mean, low=mean, high=mean)
    assert judged(equal) is None


def test_amounts_that_are_all_0_were_lost():
    """For example, divided as whole numbers."""
    lost = but(REGRESSION, "targets", distinct=1, mean=0.0, low=0.0, high=0.0)
    assert judged(but(lost, "loss", name="PoissonNLLLoss", takes="unknown")) is not None
    assert judged(lost) is not None


def test_a_single_class_in_few_rows_may_be_chance():
    look = but(CLASSIFIER, "targets", distinct=1, rows=64)
    assert "broken_labels" not in {finding.condition for finding in diagnose(seen(look)).findings}


def test_labels_that_binary_cross_entropy_has_no_place_for_are_named():
    look = but(REGRESSION, "targets", distinct=3, outside_unit=0.31, low=0.0, high=2.0)
    finding = diagnose(seen(but(look, "loss", name="BCELoss", takes="probabilities"))).findings[0]
    assert finding.condition == "broken_labels"
    assert "31 % of the targets lie outside 0 to 1" in finding.summary


def test_targets_that_are_not_finite_are_counted():
    finding = diagnose(seen(but(REGRESSION, "targets", nonfinite_rows=128))).findings[0]
    assert finding.condition == "broken_labels"
    assert "25 % of the targets" in finding.summary


def test_sound_labels_are_none():
    for look in (CLASSIFIER, REGRESSION):
        assert "broken_labels" not in {finding.condition for finding in diagnose(seen(look)).findings}


def judged(look, **ended):
    record = seen(look, outcome=outcome() if ended.get("learned") else None)
    return BrokenLabels().judge(extract(record), record, Thresholds())


@pytest.mark.parametrize(("rows", "there"), [(100, True), (99, False)])
def test_100_rows_of_one_class_are_no_chance(rows, there):
    assert (judged(but(CLASSIFIER, "targets", distinct=1, rows=rows)) is not None) is there
    assert judged(but(CLASSIFIER, "targets", distinct=2, rows=rows)) is None


@pytest.mark.parametrize(
    ("form", "columns", "said"),
    [
        ("indices", 1, "the same class (4.5)"),
        ("numbers", 1, "the same value (4.5)"),
        ("one_hot", 10, "the same class:"),
    ],
)
def test_what_is_the_same_everywhere_is_named(form, columns, said):
    assert said in judged(but(CLASSIFIER, "targets", distinct=1, form=form, columns=columns)).summary


def test_targets_outside_0_to_1_are_a_fault_of_no_other_loss():
    look = but(REGRESSION, "targets", outside_unit=0.31)
    assert judged(look) is None
    assert judged(look.model_copy(update={"loss": None})) is None
    bounded = but(look, "loss", takes="probabilities")
    assert judged(bounded) is not None
    assert judged(but(bounded, "targets", outside_unit=0.0)) is None


def test_the_loss_is_to_blame_too_where_the_training_failed():
    look = but(CLASSIFIER, "targets", distinct=1)
    assert judged(look).blames == ("labels", "data", "loss")
    assert judged(look, learned=True).blames == ("labels", "data")


def test_without_targets_nothing_is_known_of_them():
    assert judged(CLASSIFIER.model_copy(update={"targets": None})) is None


@pytest.mark.parametrize(
    ("name", "there"), [("BCEWithLogitsLoss", True), ("MultiLabelSoftMarginLoss", True), ("SoftMarginLoss", False)]
)
def test_labels_outside_0_to_1_are_broken_for_losses_of_logits_too(name, there):
    look = but(but(CLASSIFIER, "targets", form="numbers", low=1.0, high=2.0, outside_unit=0.4), "loss", name=name)
    assert (diagnose(seen(look)).primary == "broken_labels") == there


@pytest.mark.parametrize(
    ("whole", "blamed", "said"),
    [(True, "labels", "give the 400 classes as many outputs"), (False, "loss", "take a loss of numbers (MSELoss)")],
)
def test_numbers_in_a_loss_of_probabilities_have_the_wrong_loss_and_classes_the_wrong_labels(whole, blamed, said):
    look = but(but(REGRESSION, "targets", whole=whole, outside_unit=0.6), "loss", name="BCELoss", takes="probabilities")
    finding = judged(look)
    assert finding.blames[0] == blamed
    assert ("target_scaling" in finding.blames) is not whole
    assert said in finding.summary


@pytest.mark.parametrize("copies", [True, False])
def test_targets_that_are_the_inputs_of_their_own_steps_are_not_shifted(copies):
    order = OrderFacts(steps=10, blind=False, sees_later=False, predicts_next=not copies, repeats_input=copies)
    finding = judged(CLASSIFIER.model_copy(update={"order": order}), learned=True)
    assert (finding is not None) is copies
    assert finding is None or "shift the targets by one" in finding.summary


@pytest.mark.parametrize(("name", "low", "there"), [("SoftMarginLoss", 0, True), ("SoftMarginLoss", -1, False)])
def test_losses_of_signs_take_no_zeros(name, low, there):
    look = but(but(CLASSIFIER, "targets", form="multi_hot", low=low, high=1.0, outside_unit=0.0), "loss", name=name)
    finding = judged(look)
    assert (finding is not None) is there
    assert finding is None or "2 * targets - 1" in finding.summary


PIXELS = {"mean": 51.0, "std": 102.0, "low": 0.0, "high": 255.0, "whole": True}


@pytest.mark.parametrize(
    ("targets", "loss", "said"),
    [
        (
            PIXELS,
            {"takes": "unknown"},
            "divide them by 255",
        ),
        ({**PIXELS, "std": 80.0}, {"takes": "unknown"}, None),
        (PIXELS, {"takes": "numbers"}, None),
        ({**PIXELS, "low": -1.0}, {"takes": "unknown"}, None),
        ({**PIXELS, "high": 254.0}, {"takes": "unknown"}, None),
        ({**PIXELS, "whole": False}, {"takes": "unknown"}, None),
        ({"low": -1.2}, {"name": "PoissonNLLLoss", "takes": "unknown"}, "give it the counts as they are"),
        ({"low": 0.0}, {"name": "PoissonNLLLoss", "takes": "unknown"}, None),
        (
            {},
            {
                "takes": "unknown",
                "inner": (InnerLoss(function="ctc_loss", form="log_probabilities", high=-0.1, blank_in_targets=True),),
            },
            "number the symbols from 1",
        ),
    ],
)
def test_targets_that_the_loss_does_not_take_are_named(targets, loss, said):
    """Of numbers between 0 and 255, only zeros and 255s with the mean 51 have the deviation sqrt(51 x 204) = 102."""
    look = but(but(REGRESSION, "targets", **targets), "loss", **loss)
    found = {each.condition: each for each in diagnose(seen(look)).findings}
    assert ("broken_labels" in found) is (said is not None)
    if said is not None:
        assert said in found["broken_labels"].summary


def test_labels_that_were_scaled_like_an_input_have_two_values_that_are_not_0_and_1():
    look = but(REGRESSION, "loss", name="BCEWithLogitsLoss", takes="logits")
    scaled = but(look, "targets", distinct=2, low=-0.57, high=1.74, outside_unit=1.0)
    finding = diagnose(seen(scaled)).findings[0]
    assert (finding.condition, finding.blames[:2]) == ("broken_labels", ("labels", "target_scaling"))
    assert "labels that were scaled like an input" in finding.summary
    several = but(scaled, "targets", distinct=3)
    assert "scaled like an input" not in diagnose(seen(several)).findings[0].summary


@pytest.mark.parametrize(("low", "high", "there"), [(-9.0, 10.0, True), (-9.0, 0.0, False), (0.0, 1.0, False)])
def test_targets_of_both_signs_are_neither_probabilities_nor_their_logarithms(low, high, there):
    look = but(REGRESSION, "loss", name="KLDivLoss", takes="log_probabilities")
    found = {each.condition: each for each in diagnose(seen(but(look, "targets", low=low, high=high))).findings}
    assert ("broken_labels" in found) is there
    if there:
        assert found["broken_labels"].blames[0] == "labels"
