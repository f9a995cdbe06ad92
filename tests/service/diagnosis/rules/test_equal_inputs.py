import pytest

from gradclinic.diagnosis import diagnose

from ..records import failed, outcome
from ..seen import CLASSIFIER, but, seen


def test_equal_samples_are_named_where_nothing_was_learned():
    finding = diagnose(seen(but(CLASSIFIER, "inputs", alike=True))).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("equal_inputs", True, "data")
    assert "a buffer that is reused" in finding.summary


def test_they_do_no_harm_where_the_network_learned():
    assert diagnose(seen(but(CLASSIFIER, "inputs", alike=True), outcome=outcome())).primary == "healthy"


@pytest.mark.parametrize(("unexplained", "there"), [(0.5, True), (0.49, False), (None, False)])
def test_many_equal_inputs_with_different_targets_are_named_where_nothing_was_learned(unexplained, there):
    look = CLASSIFIER.model_copy(update={"unexplained": unexplained})
    finding = diagnose(seen(look, outcome=failed())).findings[0]
    assert (finding.condition == "equal_inputs") is there
    if there:
        assert (finding.harm, finding.blames[0]) == (True, "data")
        assert "50 % of the targets' variance" in finding.summary
    assert diagnose(seen(look, outcome=outcome())).primary == "healthy"
