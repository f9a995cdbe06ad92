import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.base import Order
from gradclinic.diagnosis.rules.unscaled_targets import UnscaledTargets
from gradclinic.diagnosis.thresholds import Thresholds

from ..records import changed, failed, healthy_record, outcome, truncated
from ..seen import CLASSIFIER, REGRESSION, but, seen


def test_large_targets_are_named_with_how_many_steps_it_takes_to_get_there():
    finding = diagnose(seen(but(REGRESSION, "targets", mean=1e6, std=6e4))).findings[0]
    assert finding.condition == "unscaled_targets"
    assert "about 1,000,000,000 steps of 0.001" in finding.summary
    assert finding.blames[0] == "target_scaling"


def test_tiny_targets_are_named():
    assert diagnose(seen(but(REGRESSION, "targets", mean=1e-4, std=1e-4))).primary == "unscaled_targets"


def test_class_numbers_and_standard_targets_are_no_fault():
    for look in (CLASSIFIER, REGRESSION):
        assert "unscaled_targets" not in {finding.condition for finding in diagnose(seen(look)).findings}


def judged(look):
    record = seen(look)
    return UnscaledTargets().judge(extract(record), record, Thresholds())


@pytest.mark.parametrize(
    ("mean", "std", "confidence", "size", "limit"),
    [
        (0.0, 10.0, None, None, None),
        (0.0, 10.1, 0.6, 10.1, 10.0),
        (-20.0, 1.0, 0.6, 20.0, 10.0),
        (-20.1, 1.0, 0.947, 20.1, 10.0),
        (0.01, 0.0, None, None, None),
        (0.0, 0.0099, 0.6, 0.0099, 0.01),
        (0.001, 0.5, None, None, None),
    ],
)
def test_the_larger_of_mean_and_deviation_is_the_size_of_the_targets(mean, std, confidence, size, limit):
    finding = judged(but(REGRESSION, "targets", mean=mean, std=std))
    assert (None if finding is None else finding.confidence) == confidence
    if finding is not None:
        assert (finding.evidence[-1].value, finding.evidence[-1].threshold) == (size, limit)


@pytest.mark.parametrize(("mean", "confidence"), [(15.0, 0.5), (25.0, 0.947)])
def test_a_loss_of_ones_own_may_take_logarithms_so_that_moderate_targets_are_no_more_than_possible(mean, confidence):
    look = but(but(REGRESSION, "targets", mean=mean), "loss", name="Own", takes="unknown")
    assert judged(look).confidence == confidence


@pytest.mark.parametrize(
    ("mean", "optimizer", "said"),
    [
        (30.0, {"name": "Adam", "learning_rate": 0.01}, "so that it takes about 3,000 steps of 0.01"),
        (30.0, {"name": "AdamW", "learning_rate": 0.03}, None),
        (30.0, {"name": "SGD", "learning_rate": 0.01}, None),
        (30.0, {"name": "Adam", "learning_rate": 0.0}, None),
    ],
)
def test_adam_needs_as_many_steps_as_the_mean_holds_of_them(mean, optimizer, said):
    summary = judged(but(but(REGRESSION, "targets", mean=mean), "optimizer", **optimizer)).summary
    assert ("steps of" in summary) is (said is not None)
    assert said is None or said in summary
    unknown = but(REGRESSION, "targets", mean=mean).model_copy(update={"optimizer": None})
    assert "steps of" not in judged(unknown).summary


def test_targets_of_another_kind_or_for_a_loss_of_another_kind_have_no_scale():
    large = but(REGRESSION, "targets", mean=100.0)
    assert judged(but(large, "targets", form="one_hot")) is None
    assert judged(but(large, "loss", takes="probabilities")) is None
    assert judged(but(large, "loss", takes="unknown")) is not None
    assert judged(large.model_copy(update={"loss": None})) is not None
    assert judged(large.model_copy(update={"targets": None})) is None


@pytest.mark.parametrize(("step", "first"), [(0, True), (1, True), (30, False)])
def test_huge_targets_lead_over_a_divergence_of_the_first_steps(step, first):
    ended = failed(steps_done=step, nonfinite_step=step, final_train_loss=float("nan"))
    features = extract(changed(truncated(healthy_record(), step + 1), outcome=ended))
    assert (UnscaledTargets().precedence(features, Thresholds()) < Order.BLOWN_UP) is first


@pytest.mark.parametrize(("first", "harm"), [(3000.0, True), (900.0, False)])
def test_without_a_yardstick_it_does_harm_if_the_loss_came_from_afar(first, harm):
    look = but(but(REGRESSION, "targets", mean=4000.0, std=1200.0), "loss", name="Own", takes="unknown")
    losses = {"train_loss": lambda steps: np.where(steps == 0, first, 2.0 * np.exp(-steps / 100))}
    record = changed(healthy_record(), losses, outcome=outcome(constant_loss=None))
    found = {each.condition: each for each in diagnose(seen(look, record=record)).findings}
    assert found["unscaled_targets"].harm is harm


@pytest.mark.parametrize(("rate", "blamed"), [(4.9e-5, "learning_rate"), (5e-5, "target_scaling")])
def test_a_rate_far_below_the_usual_is_blamed_before_the_scale(rate, blamed):
    look = but(but(REGRESSION, "targets", mean=15.0, std=4.0), "optimizer", name="Adam", learning_rate=rate)
    finding = diagnose(seen(look)).findings[0]
    assert (finding.condition, finding.blames[0]) == ("unscaled_targets", blamed)
