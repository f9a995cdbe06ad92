import pytest

from gradclinic.diagnosis import diagnose

from ..records import changed, failed, healthy_record, outcome
from ..seen import CLASSIFIER, REGRESSION, but, seen


def conditions(look, **ended):
    return {each.condition: each for each in diagnose(seen(look, outcome=outcome(**ended) if ended else None)).findings}


def test_one_class_that_is_nearly_all_explains_what_was_not_learned():
    finding = conditions(but(CLASSIFIER, "targets", most_common=0.96))["imbalanced_classes"]
    assert (finding.harm, finding.blames) == (True, ("data", "labels", "loss"))
    assert finding.summary.startswith("96 % of the targets are one class")


@pytest.mark.parametrize(
    ("targets", "loss", "there"),
    [
        ({"most_common": 0.9}, {}, True),
        ({"most_common": 0.89}, {}, False),
        ({"rows": 99}, {}, False),
        ({"distinct": 1}, {}, False),
        ({"form": "multi_hot", "high": 1.0, "outside_unit": 0.0}, {}, True),
        ({"form": "multi_hot", "high": 1.0, "outside_unit": 0.0, "columns": 8}, {}, False),
        ({"form": "numbers", "whole": False}, {}, False),
        ({}, {"rare_weight": 2.0, "rare_fraction": 0.04}, False),
        ({}, {"rare_weight": 1.9, "rare_fraction": 0.04}, True),
    ],
)
def test_only_of_classes_and_where_the_loss_does_not_weigh_the_rare_ones_up(targets, loss, there):
    look = but(but(CLASSIFIER, "targets", **{"most_common": 0.96, **targets}), "loss", **loss)
    assert ("imbalanced_classes" in conditions(look)) is there


def test_a_network_that_learned_learned_the_others_too():
    rare = but(CLASSIFIER, "targets", most_common=0.96)
    assert "imbalanced_classes" not in conditions(rare, final_train_loss=1.0)


def test_it_is_named_only_where_nothing_else_is():
    rare = but(but(CLASSIFIER, "targets", most_common=0.96), "outputs", activation="softmax", form="probabilities")
    assert "imbalanced_classes" not in conditions(rare)


def test_class_numbers_are_off_for_the_rare_classes_where_one_is_nearly_all():
    """The mean error of .19 is that of a twenty-fifth, .19 / .2 = .95."""
    look = but(REGRESSION, "targets", whole=True, low=0.0, high=2.0, distinct=3, most_common=0.96, std=0.3)
    learned = changed(healthy_record(), outcome=failed(final_train_loss=0.4 * 2.3))
    finding = diagnose(seen(look, record=learned)).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("loss_mismatch", True, "loss")
    assert "off by up to 0.95" in finding.summary
    assert "labels" in finding.blames


@pytest.mark.parametrize(("loss", "first"), [("L1Loss", "loss"), ("MSELoss", "data")])
def test_an_absolute_error_is_to_blame_itself_since_the_median_of_zeros_and_ones_is_the_common_class(loss, first):
    zeros_and_ones = but(REGRESSION, "targets", form="multi_hot", distinct=2, high=1.0, low=0.0, whole=True)
    look = but(but(zeros_and_ones, "targets", most_common=0.96, outside_unit=0.0), "loss", name=loss)
    finding = conditions(look)["imbalanced_classes"]
    assert finding.blames[0] == first
    assert ("their absolute error is least where the output is always that class" in finding.summary) is (
        loss == "L1Loss"
    )
