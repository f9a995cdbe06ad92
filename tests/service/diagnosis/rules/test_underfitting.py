from dataclasses import replace

import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.preflight import FitFacts

from ..records import changed, healthy_record, outcome
from ..seen import REGRESSION, but, seen

FIT = FitFacts(samples=256, line_left=0.42, curve_left=0.1, error=0.05)


def trained(*, units=1, left=0.4, fit=FIT, look=REGRESSION, **changes):
    """A network whose third hidden layer has that many units, and which left that much of the targets."""
    record = changed(healthy_record(), {"probe_loss": 2.3 * left}, outcome=outcome(final_train_loss=2.3 * left))
    sites = tuple(replace(site, units=units if k == 2 else 32) for k, site in enumerate(record.sites))
    return seen(look.model_copy(update={"fit": fit, **changes}), record=replace(record, sites=sites))


def found(record):
    return next((each for each in diagnose(record).findings if each.condition == "underfitting"), None)


def test_a_layer_of_one_unit_is_blamed_for_what_a_curve_explains_and_the_network_does_not():
    first = diagnose(trained()).findings[0]
    assert (first.condition, first.harm, first.blames) == ("underfitting", True, ("architecture",))
    assert "predicts 30 % more of the targets' variance than the network" in first.summary
    assert "take more units than the 1 of the narrowest hidden layer" in first.summary


def test_without_a_narrow_layer_it_is_a_note_and_health_is_as_likely_as_not():
    first, note = diagnose(trained(units=4)).findings
    assert (first.condition, first.confidence) == ("healthy", 0.5)
    assert (note.condition, note.harm, note.blames[0]) == ("underfitting", False, "steps")


@pytest.mark.parametrize(
    "changes",
    [
        {"left": 0.199},  # learned well
        {"left": 0.41, "fit": FIT.model_copy(update={"curve_left": 0.32})},  # little is left
        {"fit": None},
        {"look": but(REGRESSION, "loss", name="L1Loss")},  # no part of a variance
        {"linear": True},  # that is what it lacks
    ],
)
def test_it_is_silent_where_little_is_left_or_that_is_not_known(changes):
    assert found(trained(**changes)) is None


def test_the_code_of_an_autoencoder_is_narrow_by_design():
    assert found(trained(units=2, look=but(REGRESSION, "targets", columns=64))) is None
