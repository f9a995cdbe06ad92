import pytest

from gradclinic.diagnosis import diagnose

from ..records import healthy_record, outcome
from ..seen import CLASSIFIER, but, seen

ALIKE = but(CLASSIFIER, "wiring", alike=True)


def test_weights_that_began_alike_are_named_with_what_to_do():
    finding = diagnose(seen(ALIKE)).findings[0]
    assert (finding.condition, finding.harm, finding.blames) == ("symmetric_initialization", True, ("initialization",))
    assert "draw the initial weights at random" in finding.summary


def test_where_no_gradient_passes_either_it_is_the_reason():
    findings = diagnose(seen(but(ALIKE, "wiring", zero_gradient=True))).findings
    assert [finding.condition for finding in findings][:2] == ["symmetric_initialization", "no_signal"]


def test_it_does_no_harm_to_a_network_that_learned():
    found = {
        each.condition: each for each in diagnose(seen(ALIKE, outcome=outcome(), record=healthy_record())).findings
    }
    assert not found["symmetric_initialization"].harm


def test_weights_that_differ_are_none():
    assert "symmetric_initialization" not in {each.condition for each in diagnose(seen(CLASSIFIER)).findings}


@pytest.mark.parametrize(("left", "harm"), [(0.1, False), (0.11, True)])
def test_random_biases_may_tell_units_apart_in_time_or_too_late(left, harm):
    record = seen(but(CLASSIFIER, "wiring", alike=True), outcome=outcome(final_train_loss=left * 2.3))
    found = {each.condition: each for each in diagnose(record).findings}
    assert found["symmetric_initialization"].harm is harm
