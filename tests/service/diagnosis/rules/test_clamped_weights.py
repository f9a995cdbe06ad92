from gradclinic.diagnosis import diagnose

from ..records import outcome
from ..seen import CLASSIFIER, but, seen


def test_clamped_weights_are_named_where_nothing_was_learned():
    finding = diagnose(seen(but(CLASSIFIER, "wiring", clamped_at=0.01))).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("clamped_weights", True, "clipping")
    assert "at most 0.01" in finding.summary


def test_a_bound_under_which_a_network_learned_is_no_fault():
    assert diagnose(seen(but(CLASSIFIER, "wiring", clamped_at=0.5), outcome=outcome())).primary == "healthy"
