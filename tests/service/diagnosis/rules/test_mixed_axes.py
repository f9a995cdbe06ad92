import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.preflight import MixingFacts

from ..records import outcome
from ..seen import CLASSIFIER, seen

RESHAPED = CLASSIFIER.model_copy(update={"mixing": MixingFacts(samples=8, influence=0.0, reshaped=(8, 3, 24))})


def test_a_reshape_in_place_of_a_transpose_is_named_with_what_to_call():
    finding = diagnose(seen(RESHAPED)).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("mixed_axes", True, "wiring")
    assert "makes [8, 3, 24]" in finding.summary
    assert "use transpose or permute" in finding.summary


@pytest.mark.parametrize(("left", "harm"), [(0.19, False), (0.21, True)])
def test_it_does_no_harm_to_a_network_that_learned_well(left, harm):
    found = {
        each.condition: each for each in diagnose(seen(RESHAPED, outcome=outcome(final_train_loss=2.3 * left))).findings
    }
    assert found["mixed_axes"].harm is harm


def test_axes_in_their_order_are_none():
    apart = CLASSIFIER.model_copy(update={"mixing": MixingFacts(samples=8, influence=0.0)})
    assert "mixed_axes" not in {each.condition for each in diagnose(seen(apart)).findings}
