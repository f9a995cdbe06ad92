from dataclasses import replace

import pytest

from gradclinic.comparison import compare, gain, of_one_loss

from .runs import arm

ENTROPY, SQUARES = '{"kind":"cross_entropy"}', '{"kind":"mse"}'


def with_loss(runs, loss, **accuracy):
    return [
        replace(each, loss=loss, metrics=replace(each.metrics, final_validation_accuracy=accuracy.get("accuracy")))
        for each in runs
    ]


def study(*, accuracies=(None, None, None), losses=(ENTROPY, SQUARES, ENTROPY)):
    """A sick baseline; an arm whose loss is a tenth; and one whose loss is a little lower."""
    arms = (
        arm("baseline", [2.301, 2.303, 2.302, 2.304, 2.300], "vanishing_gradients"),
        arm("squares", [0.091, 0.092, 0.090, 0.091, 0.093], "vanishing_gradients"),
        arm("lower rate", [2.001, 2.003, 2.002, 2.004, 2.000]),
    )
    told = zip(arms, losses, accuracies, strict=True)
    return [each for runs, loss, accuracy in told for each in with_loss(runs, loss, accuracy=accuracy)]


def test_the_accuracy_decides_where_arms_minimized_different_losses():
    found = compare(study(accuracies=(0.1, 0.1, 0.4)))
    assert found.metric == "final_validation_accuracy"
    assert "different losses, so the accuracy decides" in found.method
    assert [(each.arm, each.verdict) for each in found.arms] == [("lower rate", "improves"), ("squares", "no_effect")]


def test_without_an_accuracy_an_arm_of_another_loss_is_not_ranked_by_its_value():
    found = compare(study())
    assert found.metric == "final_validation_loss"
    first, last = found.arms
    assert (first.arm, first.verdict) == ("lower rate", "improves")
    assert (last.arm, last.verdict, last.seeds_needed) == ("squares", "inconclusive", None)
    assert "values of different losses cannot be compared" in last.reason
    assert not {"final_validation_loss", "final_train_loss"} & last.effects.keys()
    assert "relative_train_loss" in last.effects


@pytest.mark.parametrize("losses", [(ENTROPY, ENTROPY, ENTROPY), (None, SQUARES, None), (None, None, None)])
def test_one_loss_or_losses_that_are_not_known_are_compared_as_ever(losses):
    found = compare(study(losses=losses))
    assert "final_validation_loss" in {name for each in found.arms for name in each.effects}
    assert found.arms[0].arm == "squares"


def test_the_training_loss_decides_where_no_run_has_a_validation_loss():
    runs = [replace(each, metrics=replace(each.metrics, final_validation_loss=None)) for each in study()]
    same = [replace(each, loss=None) for each in runs]
    assert compare(same).metric == "final_train_loss"
    assert "no run has a validation loss" in compare(same).method
    assert compare([*same[:-1], study()[-1]]).metric == "final_validation_loss"
    assert compare(same, metric="relative_train_loss").metric == "relative_train_loss"


def test_a_metric_that_was_asked_for_and_is_no_loss_is_kept():
    assert compare(study(accuracies=(0.1, 0.1, 0.4)), metric="relative_train_loss").metric == "relative_train_loss"


def test_the_gain_between_two_losses_is_that_of_the_losses_relative_to_a_constant():
    runs = study()
    changed = [
        replace(each, metrics=replace(each.metrics, relative_train_loss=1.0)) if each.arm == "squares" else each
        for each in runs
    ]
    assert gain(changed, baseline="baseline", arm="squares") == pytest.approx(0.0, abs=0.01)
    assert gain(with_loss(runs, ENTROPY), baseline="baseline", arm="squares") < -3


def test_only_runs_of_another_loss_lose_their_losses():
    reference, other, unknown = study()[0], study()[5], replace(study()[5], loss=None)
    kept = of_one_loss([reference, other, unknown], reference=[reference])
    assert [each.metric("final_train_loss") is None for each in kept] == [False, True, False]
    assert other.metric("final_train_loss") is not None
