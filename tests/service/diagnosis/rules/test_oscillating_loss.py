from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.base import Order
from gradclinic.diagnosis.rules.oscillating_loss import OscillatingLoss, under_large_steps
from gradclinic.diagnosis.thresholds import Thresholds

from ..records import (
    SICK,
    changed,
    evidence_of,
    failed,
    healthy_record,
    restless,
    with_slope,
)


def test_swings_hurt_a_network_that_learned_only_where_it_has_not_learned_at_their_peaks() -> None:
    hurt, calm = diagnose(restless(height=0.5)), diagnose(restless(height=0.2))
    assert (hurt.primary, hurt.findings[0].severity) == ("oscillating_loss", "warning")
    assert "at its peaks (60 %) it has not" in hurt.findings[0].summary
    assert (calm.primary, calm.findings[1].condition, calm.findings[1].harm) == ("healthy", "oscillating_loss", False)
    assert "learned anyway" in calm.findings[1].summary


def test_a_learned_loss_that_falls_more_than_it_rises_does_not_oscillate() -> None:
    falling = diagnose(restless(height=0.1, net_fall=0.9))
    assert [finding.condition for finding in falling.findings] == ["healthy"]


def test_the_share_of_rises_is_held_against_what_a_learned_and_a_failed_network_may_have() -> None:
    learned, lost = restless(height=0.5), replace(restless(height=0.5), outcome=failed())
    assert evidence_of(learned, "oscillating_loss")["rise_share"][1] == Thresholds().rise_share_learned
    assert evidence_of(lost, "oscillating_loss")["rise_share"][1] == Thresholds().rise_share


def swinging(share, *, record=None, height=0.4, base=0.9):
    """Probes that rise so often at the end, every second time, in a run that did not learn unless told otherwise."""
    record = record if record is not None else changed(healthy_record(), outcome=failed())
    rises = np.zeros(61)
    rises[-1 : -2 * share : -2] = height
    old = record.series["probe_loss"]
    values = 2.3 * (base + rises)
    return replace(
        record, series={**record.series, "probe_loss": replace(old, values=values[:, None].astype(np.float32))}
    )


def judged(record, **features):
    return OscillatingLoss().judge(replace(extract(record), **features), record, Thresholds())


def test_swings_are_counted_added_and_held_against_what_is_gained() -> None:
    """Probes every 5 steps; of those from 75 to 300 there are 45 intervals, of which 9 rise by .4."""
    finding = judged(swinging(9))
    told = {each.name: (each.value, each.threshold) for each in finding.evidence}
    assert told["rise_share"] == (pytest.approx(0.2), 0.1)
    assert told["rises"] == (9.0, 3)
    assert told["total_rise"] == (pytest.approx(3.6, rel=1e-4), pytest.approx(2 * 0.4, rel=1e-4))
    assert told["net_change"] == (pytest.approx(-0.4, rel=1e-4), None)
    assert told["total_update"] == (pytest.approx(1.5), Thresholds().large_update)
    assert "it rose in 9 of 45 intervals between probes. All rises together are 3.6 times" in finding.summary
    assert "it ended only 0.4 times that above its start" in finding.summary
    assert (finding.first_step, finding.last_step) == (220, 300)
    # Five thirds of an error of sqrt(.2 x .8 / 45) = .0596 above a tenth: Phi(1.677) = .9532.
    assert finding.confidence == pytest.approx(0.99 * 0.9532, abs=1e-3)
    assert (finding.harm, finding.severity) == (True, "critical")


def test_a_loss_that_ends_where_it_began_fell_by_nothing() -> None:
    old = swinging(9).series["probe_loss"]
    level = np.array(old.values)
    level[15] = level[-1]
    record = replace(swinging(9), series={**swinging(9).series, "probe_loss": replace(old, values=level)})
    assert "it ended only 0 times that below its start" in judged(record).summary


@pytest.mark.parametrize(
    ("features", "why"),
    [({"finished": False}, "it goes on"), ({"nonfinite_step": 3}, "it broke off"), ({"steps_done": 10}, "it is short")],
)
def test_a_run_that_goes_on_broke_off_or_is_short_does_not_oscillate(features, why) -> None:
    assert judged(swinging(9), **features) is None, why


def test_a_loss_that_does_not_swing_is_none() -> None:
    assert judged(swinging(9, height=0.0)) is None
    few = swinging(9)
    assert judged(few, probe_loss=np.ones(7), probe_steps=np.arange(7)) is None


@pytest.mark.parametrize(("peak", "probes_there", "harm"), [(0.5, 2, False), (0.51, 2, True), (0.51, 1, False)])
def test_a_network_that_learned_is_hurt_where_two_late_probes_are_above_the_threshold(peak, probes_there, harm) -> None:
    learned = restless(height=0.4)  # swings between .1 and .5
    probes = extract(learned).probe_loss
    losses = np.where(probes > 0.3, 0.5, 0.125)
    losses[np.isin(extract(learned).probe_steps, (150, 160)[:probes_there])] = peak
    losses[:10] = 3.0
    finding = judged(learned, probe_loss=losses)
    assert (finding.harm, finding.severity) == (harm, "warning")
    told = {each.name: (each.value, each.threshold) for each in finding.evidence}
    assert told["highest_late_loss"] == (peak, 0.5)
    assert told["rises"][1] is None
    if harm:
        assert "it learned (down to 2.0 % of" in finding.summary
        assert "at its peaks (51 %) it has not, so the final loss depends on when training stops" in finding.summary
    else:
        assert "the network learned anyway (its training loss fell to 2.0 % of" in finding.summary
        assert f"at peaks {100 * peak:.0f} %)" in finding.summary


@pytest.mark.parametrize(
    ("features", "is_so"),
    [
        ({"total_update": 4.0}, True),
        ({"total_update": Thresholds().large_update}, False),
        ({"total_update": None}, False),
        ({"depth_slope_start": -1.5}, False),
        ({"depth_slope_start": -1.4}, True),
        ({"depth_slope_start": 1.5}, True),
        ({"depth_slope_start": None}, True),
        ({"saturated_start": np.array([0.5])}, False),
        ({"saturated_start": np.array([0.4])}, True),
        ({"saturated_start": np.array([np.nan])}, True),
    ],
)
def test_swings_are_the_steps_own_doing_where_they_are_large_and_nothing_was_wrong_before_them(features, is_so) -> None:
    found = replace(extract(SICK["oscillating_loss"]()), **{"total_update": 100.0, **features})
    if features.get("total_update") == 4.0:
        found = replace(found, total_update=Thresholds().large_update + 0.1)
    assert under_large_steps(found, Thresholds()) is is_so
    place = Order.SWINGS_UNDER_LARGE_STEPS if is_so else Order.SWINGS
    assert OscillatingLoss().precedence(found, Thresholds()) == place
    learned = replace(found, relative_train_loss=0.1)
    assert OscillatingLoss().precedence(learned, Thresholds()) == Order.SWINGS_THOUGH_LEARNED


def test_a_slope_near_its_threshold_is_told_with_the_swings_of_a_failed_run() -> None:
    finding = judged(with_slope(swinging(9), 1.2))
    assert "may contribute" in finding.summary
    assert "learned nothing" in finding.summary
    assert {each.name for each in finding.evidence} >= {"depth_slope", "relative_train_loss"}
    assert "depth_slope" not in {each.name for each in judged(with_slope(restless(height=0.5), 1.2)).evidence}
