from dataclasses import replace

import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.preflight import NormFacts

from ..records import healthy_record, outcome
from ..seen import CLASSIFIER, but, seen


def test_batch_norm_over_two_samples_is_named():
    look = CLASSIFIER.model_copy(update={"norm": NormFacts(layer="1", values=2), "batch_size": 2})
    finding = diagnose(seen(look)).findings[0]
    assert finding.condition == "too_small_batch"
    assert "2 samples" in finding.summary
    assert finding.blames[0] == "batch_size"


@pytest.mark.parametrize(("samples", "there"), [(0, False), (2, True), (3, True), (4, False)])
def test_a_loss_that_compares_samples_needs_more_than_three_even_where_it_is_low(samples, there):
    look = but(CLASSIFIER, "loss", name="NTXent", takes="unknown", compared_samples=samples)
    found = {each.condition: each for each in diagnose(seen(look, outcome=outcome(), record=healthy_record())).findings}
    assert ("too_small_batch" in found) is there
    if there:
        finding = found["too_small_batch"]
        assert (finding.harm, finding.blames) == (True, ("batch_size",))
        assert "1 other one" in finding.summary or samples == 3


def test_one_image_is_too_few_however_many_pixels_it_has():
    look = CLASSIFIER.model_copy(update={"norm": NormFacts(layer="1", values=64), "batch_size": 1})
    assert diagnose(seen(look)).primary == "too_small_batch"


def test_a_batch_of_64_is_enough_and_without_batch_norm_any_is():
    enough = CLASSIFIER.model_copy(update={"norm": NormFacts(layer="1", values=64)})
    without = CLASSIFIER.model_copy(update={"batch_size": 1})
    for look in (enough, without):
        assert "too_small_batch" not in {finding.condition for finding in diagnose(seen(look)).findings}


@pytest.mark.parametrize(
    ("values", "samples", "there"), [(8, 3, False), (7, 3, True), (8, 2, True), (7, 64, True), (64, 1, True)]
)
def test_eight_values_of_three_samples_are_enough(values, samples, there):
    look = CLASSIFIER.model_copy(update={"norm": NormFacts(layer="1", values=values), "batch_size": samples})
    found = {each.condition: each for each in diagnose(seen(look)).findings}
    assert ("too_small_batch" in found) is there
    if there:
        told = [(each.value, each.threshold) for each in found["too_small_batch"].evidence]
        assert told == [(values, 8.0), (samples, 3.0)]


def test_a_batch_whose_size_was_not_seen_has_that_of_the_training():
    look = CLASSIFIER.model_copy(update={"norm": NormFacts(layer="1", values=64), "batch_size": None})
    assert "too_small_batch" not in {each.condition for each in diagnose(seen(look)).findings}
    small = replace(seen(look), batch_size=2)
    assert diagnose(small).primary == "too_small_batch"


@pytest.mark.parametrize(("values", "harm"), [(2, True), (3, False)])
def test_two_values_become_signs_which_does_harm_also_where_the_loss_fell(values, harm):
    look = CLASSIFIER.model_copy(update={"norm": NormFacts(layer="1", values=values), "batch_size": values})
    found = {each.condition: each for each in diagnose(seen(look, outcome=outcome())).findings}["too_small_batch"]
    assert found.harm is harm
    assert ("turns into -1 and 1" in found.summary) is harm
