import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.preflight import OrderFacts, PairingFacts

from ..records import outcome, stuck
from ..seen import CLASSIFIER, seen


def attending(*, sees_later: bool | None, predicts_next: bool):
    order = OrderFacts(steps=10, blind=False, sees_later=sees_later, predicts_next=predicts_next)
    return CLASSIFIER.model_copy(update={"order": order})


def named(look, **ended):
    found = {each.condition: each for each in diagnose(seen(look, **ended)).findings}
    return found.get("wrong_mask")


def test_a_network_that_sees_its_answer_does_harm_also_where_the_loss_fell():
    finding = named(attending(sees_later=True, predicts_next=True), outcome=outcome())
    assert finding is not None
    assert (finding.harm, finding.blames[0]) == (True, "architecture")
    assert "give the attention a causal mask" in finding.summary
    assert "does not show that the network learned" in finding.summary


def test_a_mask_that_is_missing_in_training_only_is_named_so():
    look = attending(sees_later=True, predicts_next=True)
    look = look.model_copy(update={"order": look.order.model_copy(update={"in_training_only": True})})
    finding = named(look, outcome=outcome())
    assert finding.harm
    assert "sees the next step in training, although not in evaluation, which is its target" in finding.summary


def test_a_mask_that_hides_steps_is_named_where_nothing_was_learned():
    look = attending(sees_later=False, predicts_next=False)
    assert "leave out the causal mask" in named(look, record=stuck()).summary
    assert named(look, outcome=outcome()) is None


def test_of_the_mask_of_a_causal_network_that_still_learns_no_harm_is_said():
    finding = named(attending(sees_later=False, predicts_next=False))
    assert not finding.harm
    assert named(attending(sees_later=False, predicts_next=False), record=stuck()).harm


@pytest.mark.parametrize(("sees_later", "predicts_next"), [(False, True), (True, False), (None, True), (None, False)])
def test_masks_that_fit_the_targets_are_right(sees_later, predicts_next):
    assert named(attending(sees_later=sees_later, predicts_next=predicts_next)) is None


def test_targets_that_depend_on_no_input_need_no_other_mask():
    look = attending(sees_later=False, predicts_next=False)
    pairing = PairingFacts(samples=400, correlation=0.0, p_value=0.4, amounts=False)
    assert named(look.model_copy(update={"pairing": pairing})) is None
    related = pairing.model_copy(update={"p_value": 0.001})
    assert named(look.model_copy(update={"pairing": related})) is not None
