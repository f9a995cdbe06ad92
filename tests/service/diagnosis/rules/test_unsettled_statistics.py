from dataclasses import replace

import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.unsettled_statistics import UnsettledStatistics
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.preflight import NormFacts

from ..records import healthy_record, outcome, truncated
from ..seen import CLASSIFIER, seen


def found(momentum, *, record=None):
    norm = NormFacts(layer="1", values=64, least_momentum=momentum)
    look = CLASSIFIER.model_copy(update={"norm": norm})
    ended = record if record is not None else healthy_record()
    return {each.condition: each for each in diagnose(seen(look, record=ended)).findings}


def test_statistics_that_hardly_moved_do_harm_although_the_loss_fell():
    """.9999^300 = .97."""
    finding = found(1e-4)["unsettled_statistics"]
    assert (finding.harm, finding.blames[0]) == (True, "normalization")
    assert "after 300 steps 97 % of the running statistics" in finding.summary
    assert finding.evidence[0].value == pytest.approx(0.9999**300)


@pytest.mark.parametrize(("momentum", "there"), [(0.1, False), (0.0054, False), (0.0053, True), (None, False)])
def test_a_fifth_of_their_start_may_be_left(momentum, there):
    """.9946^300 = .196, .9947^300 = .202."""
    assert ("unsettled_statistics" in found(momentum)) is there


def test_a_training_that_goes_on_may_still_settle_them():
    assert "unsettled_statistics" not in found(1e-4, record=replace(truncated(healthy_record(), 150), outcome=None))


def test_a_network_that_learned_is_no_longer_healthy_then():
    assert outcome().final_train_loss < 1.0
    assert "healthy" not in found(1e-4)


@pytest.mark.parametrize(("steps", "there"), [(20, True), (19, False)])
def test_twenty_steps_are_enough_to_settle_them(steps, there):
    norm = NormFacts(layer="1", values=64, least_momentum=1e-4)
    record = seen(CLASSIFIER.model_copy(update={"norm": norm}))
    features = replace(extract(record), steps_done=steps)
    assert (UnsettledStatistics().judge(features, record, Thresholds()) is not None) is there


@pytest.mark.parametrize(("momentum", "harm"), [(0.01, False), (0.0099, True)])
def test_of_a_momentum_that_published_networks_have_only_the_steps_are_few(momentum, harm):
    norm = NormFacts(layer="1", values=64, least_momentum=momentum)
    record = seen(CLASSIFIER.model_copy(update={"norm": norm}))
    features = replace(extract(record), steps_done=60)
    assert UnsettledStatistics().judge(features, record, Thresholds()).harm is harm
