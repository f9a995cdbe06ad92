from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.base import Order
from gradclinic.diagnosis.rules.saturated_activations import SaturatedActivations
from gradclinic.diagnosis.thresholds import Thresholds

from ..records import changed, failed, healthy_record, truncated


def test_a_single_saturated_layer_is_named_although_the_mean_is_low() -> None:
    record = healthy_record(activation="tanh", bounded=True, can_die=False)
    levels = np.full(10, 0.02)
    levels[5] = 0.98
    diagnosis = diagnose(changed(record, {"saturated_fraction": levels}, outcome=failed()))
    assert diagnosis.primary == "saturated_activations"
    assert diagnosis.findings[0].layers == ("10.linear",)


def test_saturation_from_the_start_counts_every_record_and_lasts_until_the_last_step() -> None:
    flat = healthy_record(activation="tanh", bounded=True, can_die=False)
    finding = diagnose(changed(flat, {"saturated_fraction": 0.95}, outcome=failed())).findings[0]
    records = len(flat.series["saturated_fraction"])
    assert (finding.condition, finding.first_step, finding.last_step) == ("saturated_activations", 0, 299)
    assert finding.confidence == pytest.approx((records + 1) / (records + 2), abs=1e-3)


def test_saturation_that_passes_ends_with_the_last_record_that_shows_it() -> None:
    flat = healthy_record(activation="tanh", bounded=True, can_die=False)
    passing = changed(flat, {"saturated_fraction": lambda steps: np.where(steps < 100, 0.95, 0.0)})
    finding = next(each for each in diagnose(passing).findings if each.condition == "saturated_activations")
    assert (finding.first_step, finding.last_step) == (0, 90)


FLAT = changed(healthy_record(layers=4, activation="tanh", bounded=True, can_die=False), outcome=failed())


def judged(fractions, record=FLAT, **thresholds):
    saturated = changed(record, {"saturated_fraction": fractions})
    return SaturatedActivations().judge(extract(saturated), saturated, Thresholds(**thresholds))


@pytest.mark.parametrize(
    ("fractions", "layers", "said"),
    [
        ([0.5, 0.5, 0.5, 0.5], ("0.linear", "2.linear", "4.linear", "6.linear"), "50 % of the tanh activations are"),
        ([0.5, 0.5, 0.5, 0.49], None, ""),
        ([0.0, 0.75, 0.0, 0.0], ("2.linear",), "75 % of the tanh activations of 2.linear are"),
        ([0.0, 0.74, 0.0, 0.0], None, ""),
        ([1.0, 0.6, 0.45, 0.0], ("0.linear", "2.linear"), "51 % of the tanh activations are"),
    ],
)
def test_half_of_all_activations_or_most_of_one_layer_must_be_saturated(fractions, layers, said) -> None:
    finding = judged(np.array(fractions), saturated_layer=0.75)
    assert (None if finding is None else finding.layers) == layers
    if finding is not None:
        assert finding.summary.startswith(f"{said} saturated from the start")
        assert finding.harm
        assert finding.blames[0] == "initialization"
        assert [(each.value, each.threshold) for each in finding.evidence[:2]] == [
            (pytest.approx(sum(fractions) / 4), 0.5),
            (max(fractions), 0.75),
        ]


def test_saturation_that_comes_later_is_as_sure_as_the_second_half_and_ends_with_the_training() -> None:
    finding = judged(lambda steps: np.where(steps >= 180, 0.95, 0.1))
    records = 15  # 150, 160 ... 290, of which the first three are sound
    assert finding.confidence == pytest.approx((12 + 1) / (records + 2), abs=1e-3)
    assert (finding.first_step, finding.last_step) == (180, 299)
    assert "95 % of the tanh activations are saturated in the second half of training" in finding.summary
    assert finding.blames[0] == "learning_rate"


@pytest.mark.parametrize(("level", "there"), [(0.5, True), (0.49, False)])
def test_later_half_of_all_activations_must_be_saturated(level, there) -> None:
    finding = judged(lambda steps: np.where(steps >= 100, level, 0.1))
    assert (finding is not None) is there


def test_only_bounded_layers_are_counted_and_named() -> None:
    sites = (replace(FLAT.sites[0], activation="relu", bounded=False), *FLAT.sites[1:])
    finding = judged(np.array([1.0, 0.6, 0.6, 0.6]), replace(FLAT, sites=sites))
    assert finding.layers == ("2.linear", "4.linear", "6.linear")
    assert "60 % of the tanh activations" in finding.summary


def test_too_few_steps_say_nothing_about_activations_unless_the_training_broke_off() -> None:
    short = replace(truncated(FLAT, 10), outcome=failed(steps_done=10))
    assert judged(0.95, short) is None
    assert judged(0.95, replace(short, outcome=failed(steps_done=10, nonfinite_step=10))) is not None


@pytest.mark.parametrize(
    ("start", "place"),
    [
        ([0.5, 0.5], Order.SATURATED),
        ([0.4, 0.5], Order.SATURATED_LATE),
        ([0.0, 0.9], Order.SATURATED),
        ([np.nan, np.nan], Order.SATURATED_LATE),
    ],
)
def test_saturation_from_the_start_explains_more_than_one_that_comes_later(start, place) -> None:
    features = replace(extract(FLAT), saturated_start=np.array(start))
    assert SaturatedActivations().precedence(features, Thresholds()) == place
