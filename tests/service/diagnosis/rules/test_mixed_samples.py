import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.preflight import MixingFacts

from ..records import healthy_record, outcome
from ..seen import CLASSIFIER, seen


def mixing(*, influence: float = 0.8, **changes: bool):
    return CLASSIFIER.model_copy(update={"mixing": MixingFacts(samples=8, influence=influence, **changes)})


def test_mixed_samples_are_named_before_what_follows_from_them():
    finding = diagnose(seen(mixing())).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("mixed_samples", True, "wiring")
    assert "view or reshape where transpose or permute is meant" in finding.summary


def test_what_is_taken_for_what_is_said():
    assert "batch_first=True" in diagnose(seen(mixing(later_only=True))).findings[0].summary
    over_batch = diagnose(seen(mixing(over_samples=True))).findings[0]
    assert over_batch.blames[0] == "output_activation"
    assert "dim=1" in over_batch.summary


def test_where_samples_have_no_axes_to_mistake_it_is_a_possibility_that_does_not_lead():
    found = diagnose(seen(mixing(has_axes=False)))
    (finding,) = (each for each in found.findings if each.condition == "mixed_samples")
    assert found.primary != "mixed_samples"
    assert (finding.confidence, finding.severity) == (0.5, "warning")
    assert "unless samples are meant to interact" in finding.summary


def test_in_a_network_that_learned_samples_without_axes_do_no_harm():
    found = diagnose(seen(mixing(has_axes=False), outcome=outcome(), record=healthy_record()))
    (finding,) = (each for each in found.findings if each.condition == "mixed_samples")
    assert (found.primary, finding.harm) == ("healthy", False)


def test_samples_that_are_kept_apart_are_none():
    assert "mixed_samples" not in {each.condition for each in diagnose(seen(mixing(influence=0.0))).findings}


@pytest.mark.parametrize("later_only", [True, False])
def test_confused_axes_do_harm_even_where_the_loss_falls(later_only):
    found = diagnose(seen(mixing(later_only=later_only), outcome=outcome(), record=healthy_record()))
    assert (found.primary, found.findings[0].harm) == ("mixed_samples", True)


def test_one_sample_for_all_is_told_from_axes_that_are_mistaken():
    finding = diagnose(seen(mixing(of_ends=True, has_axes=False))).findings[0]
    assert (finding.condition, finding.blames) == ("mixed_samples", ("wiring", "architecture"))
    assert "such as [0], [:1] or [-1]" in finding.summary
