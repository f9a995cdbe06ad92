import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.preflight import OrderFacts

from ..records import outcome
from ..seen import CLASSIFIER, seen


def sequences(**facts):
    order = OrderFacts(steps=10, blind=False, sees_later=None, predicts_next=False, **facts)
    return CLASSIFIER.model_copy(update={"order": order})


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"sees_only": "first"}, "change with the first of 10 steps only"),
        ({"sees_only": "last"}, "change with the last of 10 steps only"),
        ({"content_hidden": True}, "the same in all samples, such as padding"),
        ({"cut": True}, "reaches the last of 10 steps only"),
    ],
)
def test_outputs_that_see_one_step_are_wired_wrongly(facts, said):
    finding = diagnose(seen(sequences(**facts))).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("unseen_steps", True, "wiring")
    assert said in finding.summary


def test_outputs_that_see_all_steps_are_not():
    assert "unseen_steps" not in {each.condition for each in diagnose(seen(sequences())).findings}


def test_one_step_that_was_enough_to_learn_from_is_no_fault():
    assert diagnose(seen(sequences(sees_only="last"), outcome=outcome())).primary == "healthy"


@pytest.mark.parametrize(
    ("padding", "spread", "there"),
    [(0.25, 0.01, True), (0.24, 0.01, False), (0.9, 0.011, False), (0.9, None, False)],
)
def test_padding_after_which_all_samples_are_alike_hides_what_came_before(padding, spread, there):
    findings = diagnose(seen(sequences(padding=padding, spread=spread))).findings
    found = next((each for each in findings if each.condition == "unseen_steps"), None)
    assert (found is not None) is there
    if found is not None:
        assert found.blames[0] == "data"
        assert "pack_padded_sequence" in found.summary
