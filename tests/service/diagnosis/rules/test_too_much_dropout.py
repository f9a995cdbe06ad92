import pytest

from gradclinic.diagnosis import diagnose

from ..records import outcome
from ..seen import CLASSIFIER, seen


def found(dropout, **options):
    look = CLASSIFIER.model_copy(update={"dropout": dropout})
    findings = diagnose(seen(look, **options)).findings
    return next((each for each in findings if each.condition == "too_much_dropout"), None)


@pytest.mark.parametrize(("dropout", "there"), [(None, False), (0.5, False), (0.79, False), (0.8, True), (0.98, True)])
def test_dropout_that_leaves_a_fifth_or_less_is_named(dropout, there):
    assert (found(dropout) is not None) == there


def test_it_blames_the_regularization_and_says_how_much_is_dropped():
    finding = found(0.98)
    assert (finding.harm, finding.blames) == (True, ("regularization",))
    assert "98 % of its units" in finding.summary


def test_a_network_that_learned_with_it_is_not_harmed():
    assert not found(0.9, outcome=outcome()).harm
