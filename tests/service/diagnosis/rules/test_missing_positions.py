from gradclinic.diagnosis import diagnose
from gradclinic.measurements.preflight import OrderFacts

from ..records import outcome
from ..seen import CLASSIFIER, seen


def attending(*, blind: bool):
    order = OrderFacts(steps=10, blind=blind, sees_later=True, predicts_next=False)
    return CLASSIFIER.model_copy(update={"order": order})


def test_a_network_that_is_blind_to_the_order_of_steps_wants_positions():
    finding = diagnose(seen(attending(blind=True))).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("missing_positions", True, "architecture")
    assert "add positions" in finding.summary
    assert "the order of the 10 steps" in finding.summary


def test_one_that_tells_their_order_does_not():
    assert "missing_positions" not in {each.condition for each in diagnose(seen(attending(blind=False))).findings}


def test_a_set_that_was_learned_has_no_order_to_see():
    assert diagnose(seen(attending(blind=True), outcome=outcome())).primary == "healthy"
