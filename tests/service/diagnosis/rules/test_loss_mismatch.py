import math

import pytest

from gradclinic.diagnosis import diagnose

from ..seen import CLASSIFIER, REGRESSION, but, seen


@pytest.mark.parametrize(("classes", "floor"), [(10, 1.4612), (3, 0.5514)])
def test_probabilities_before_a_loss_of_logits_are_named_with_the_floor_of_the_loss(classes, floor):
    """The best that probabilities can do is one at the right class: ln(e + C - 1) - 1."""
    look = but(CLASSIFIER, "outputs", activation="softmax", form="probabilities", columns=classes)
    finding = diagnose(seen(look)).findings[0]
    assert finding.condition == "loss_mismatch"
    assert finding.evidence[0].value == pytest.approx(floor, abs=1e-4)
    assert finding.evidence[0].value == pytest.approx(math.log(math.e + classes - 1) - 1)
    assert "drop the softmax" in finding.summary


def test_cross_entropy_over_one_output_is_zero_whatever_the_weights_are():
    finding = diagnose(seen(but(CLASSIFIER, "outputs", columns=1))).findings[0]
    assert (finding.condition, finding.blames[0]) == ("loss_mismatch", "loss")
    assert "BCEWithLogitsLoss" in finding.summary


def test_plain_numbers_before_a_loss_of_log_probabilities_have_no_lower_bound():
    finding = diagnose(seen(but(CLASSIFIER, "loss", name="NLLLoss", takes="log_probabilities"))).findings[0]
    assert finding.condition == "loss_mismatch"
    assert "log_softmax" in finding.summary


def test_log_probabilities_are_what_it_takes():
    look = but(CLASSIFIER, "outputs", form="log_probabilities", activation="log_softmax", high=-0.1)
    look = but(look, "loss", name="NLLLoss", takes="log_probabilities")
    assert "loss_mismatch" not in {finding.condition for finding in diagnose(seen(look)).findings}


def test_shapes_that_are_broadcast_are_named():
    finding = diagnose(seen(but(REGRESSION, "loss", broadcasts=True))).findings[0]
    assert finding.condition == "loss_mismatch"
    assert "same shape" in finding.summary


def test_classes_treated_as_numbers_are_named():
    look = but(REGRESSION, "targets", whole=True, distinct=10, low=0.0, high=9.0)
    finding = next(each for each in diagnose(seen(look)).findings if each.condition == "loss_mismatch")
    assert "10 different ones" in finding.summary


def test_sound_losses_are_none():
    for look in (CLASSIFIER, REGRESSION):
        assert "loss_mismatch" not in {finding.condition for finding in diagnose(seen(look)).findings}
