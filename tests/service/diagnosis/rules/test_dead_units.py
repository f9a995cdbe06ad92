from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.base import Order
from gradclinic.diagnosis.rules.dead_units import DeadUnits
from gradclinic.diagnosis.thresholds import Thresholds

from ..records import SICK, changed, failed, healthy_record, truncated, with_levels
from ..seen import CLASSIFIER


def test_layers_that_are_silent_because_the_one_before_died_are_not_blamed() -> None:
    finding = diagnose(SICK["dead_units"]()).findings[0]
    assert finding.layers == ("8.linear",)


@pytest.mark.parametrize(
    ("from_the_start", "blamed", "first"),
    [(True, "initialization", "set_initialization"), (False, "learning_rate", "lower_learning_rate")],
)
def test_units_that_were_alive_before_the_first_step_died_of_a_step(from_the_start, blamed, first) -> None:
    record = changed(
        healthy_record(),
        {"dead_fraction": lambda steps: np.where((steps == 0) & (not from_the_start), 0.02, 1.0)},
        outcome=failed(),
    )
    finding = next(each for each in diagnose(record).findings if each.condition == "dead_units")
    assert finding.blames[0] == blamed
    assert finding.suggested_remedies[0].kind == first


def judged(fractions, record=None, **thresholds):
    record = record if record is not None else healthy_record(layers=4)
    dying = changed(record, {"dead_fraction": fractions}, outcome=failed())
    return DeadUnits().judge(extract(dying), dying, Thresholds(**thresholds))


@pytest.mark.parametrize(
    ("fractions", "layers"),
    [
        ([0.5, 0.5, 0.5, 0.5], ("0.linear", "2.linear", "4.linear", "6.linear")),
        ([0.5, 0.5, 0.5, 0.49], None),
        ([0.0, 0.75, 0.0, 0.0], ("2.linear",)),
        ([0.0, 0.74, 0.0, 0.0], None),
    ],
)
def test_half_of_all_units_or_one_whole_layer_must_be_dead(fractions, layers) -> None:
    finding = judged(np.array(fractions), dead_layer=0.75)
    assert (None if finding is None else finding.layers) == layers
    if finding is not None:
        assert finding.confidence == pytest.approx(32 / 33, abs=1e-3)  # all 31 probes of the second half
        assert (finding.first_step, finding.last_step) == (0, 300)
        assert finding.blames[0] == "initialization"
        assert [(each.value, each.threshold) for each in finding.evidence[:2]] == [
            (max(fractions), 0.75),
            (sum(fractions) / 4, 0.5),
        ]


def test_the_second_half_says_how_sure_it_is_and_the_first_probe_since_when() -> None:
    finding = judged(lambda steps: np.where(steps >= 200, 1.0, 0.0))
    assert finding.confidence == pytest.approx((21 + 1) / (31 + 2), abs=1e-3)
    assert (finding.first_step, finding.last_step) == (200, 300)


@pytest.mark.parametrize(
    ("fractions", "thresholds", "said"),
    [
        ([0, 1, 0, 0], {}, "All relu units of 2.linear are dead"),
        ([0, 0.9921875, 0, 0], {}, "99 % of the relu units of 2.linear are dead"),
        (
            [0.75, 0.5, 0.5, 0.5],
            {},
            "56 % of all relu units are dead (worst: 0.linear, 2.linear, 4.linear and 6.linear)",
        ),
        ([0.25, 0, 0, 0], {"dead_layer": 0.25}, "25 % of the relu units of one layer are dead"),
    ],
)
def test_what_is_dead_is_told_by_how_much_of_it(fractions, thresholds, said) -> None:
    assert judged(np.array(fractions), **thresholds).summary.startswith(f"{said}, off for every sample")


def test_only_kinds_of_units_that_can_die_are_named() -> None:
    record = healthy_record(layers=4)
    sites = (replace(record.sites[0], activation="tanh", can_die=False), *record.sites[1:])
    assert judged(1.0, replace(record, sites=sites)).summary.startswith("All relu units of 2.linear")


def test_too_few_steps_say_nothing_about_units_unless_the_training_broke_off() -> None:
    short = changed(truncated(healthy_record(), 10), {"dead_fraction": 1.0}, outcome=failed(steps_done=10))
    assert DeadUnits().judge(extract(short), short, Thresholds()) is None
    broken = replace(short, outcome=failed(steps_done=10, nonfinite_step=10))
    assert DeadUnits().judge(extract(broken), broken, Thresholds()) is not None


@pytest.mark.parametrize(
    ("slope", "dead_start", "place"),
    [
        (None, [0.0, 0.0], Order.DEAD),
        (1.49, [0.0, 0.0], Order.DEAD),
        (1.5, [0.0, 0.0], Order.DEAD_AS_CONSEQUENCE),
        (-1.5, [0.0, 0.98], Order.DEAD_AS_CONSEQUENCE),
        (-1.5, [0.0, 0.99], Order.DEAD),
        (-1.5, [0.5, 0.5], Order.DEAD),
        (-1.5, [np.nan, 0.5], Order.DEAD),
        (-1.5, [np.nan, np.nan], Order.DEAD_AS_CONSEQUENCE),
    ],
)
def test_units_that_lived_while_gradients_were_broken_died_of_that(slope, dead_start, place) -> None:
    features = replace(extract(healthy_record()), depth_slope_start=slope, dead_start=np.array(dead_start))
    assert DeadUnits().precedence(features, Thresholds()) == place


def test_units_that_died_of_steps_from_enlarged_outputs_died_of_the_initialization() -> None:
    dying = {"dead_fraction": lambda steps: np.where(steps == 0, 0.02, 1.0)}
    record = with_levels(changed(healthy_record(), dying, outcome=failed()), 40.0)
    blames = {
        look: next(
            each for each in diagnose(replace(record, preflight=look)).findings if each.condition == "dead_units"
        ).blames[0]
        for look in (CLASSIFIER, None)
    }
    assert blames == {CLASSIFIER: "initialization", None: "learning_rate"}


@pytest.mark.parametrize(("units", "blamed"), [(3, "architecture"), (4, "initialization")])
def test_a_layer_of_so_few_units_is_dead_by_chance(units, blamed) -> None:
    record = healthy_record(layers=4)
    record = replace(record, sites=(replace(record.sites[0], units=units), *record.sites[1:]))
    finding = judged(1.0, record)
    assert finding.blames[0] == blamed
    assert ("has 3 units only: take more" in finding.summary) is (blamed == "architecture")


@pytest.mark.parametrize(("late_gradient", "harm"), [(0.0, True), (1e-9, False)])
def test_a_dead_layer_behind_which_no_weight_has_a_gradient_hurts_whatever_the_loss_says(late_gradient, harm):
    """Where another way leads around the dead layer, as in a residual network, other weights have a gradient."""
    record = changed(
        healthy_record(),
        {"dead_fraction": 1.0, "weight_grad_norm_l2": lambda steps: np.where(steps < 200, 0.3, late_gradient)},
    )
    finding = next(each for each in diagnose(record).findings if each.condition == "dead_units")
    assert finding.harm is harm
    assert ("the same for all inputs" in finding.summary) is harm


@pytest.mark.parametrize(("dead", "said"), [(0.9995, "100 % of the relu units"), (0.9996, "All relu units")])
def test_beyond_all_but_one_in_two_thousand_a_layer_is_dead_as_a_whole(dead, said):
    still = {"dead_fraction": 1.0, "weight_grad_norm_l2": 0.0}
    record = changed(healthy_record(layers=4), still)
    finding = DeadUnits().judge(replace(extract(record), dead=np.array([0.0, dead, 0.0, 0.0])), record, Thresholds())
    assert finding.summary.startswith(said)
    assert finding.harm is (dead > 0.9995)
