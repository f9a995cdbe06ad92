from gradclinic.diagnosis import diagnose

from ..records import outcome
from ..seen import CLASSIFIER, but, seen


def test_equal_samples_are_named_where_nothing_was_learned():
    finding = diagnose(seen(but(CLASSIFIER, "inputs", alike=True))).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("equal_inputs", True, "data")
    assert "a buffer that is reused" in finding.summary


def test_they_do_no_harm_where_the_network_learned():
    assert diagnose(seen(but(CLASSIFIER, "inputs", alike=True), outcome=outcome())).primary == "healthy"
