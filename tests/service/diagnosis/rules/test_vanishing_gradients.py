from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose, extract
from gradclinic.diagnosis.rules.base import Order
from gradclinic.diagnosis.rules.vanishing_gradients import VanishingGradients
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.record import RunRecord, Series, SiteInfo

from ..records import (
    changed,
    failed,
    healthy_record,
    stuck,
    vanishing,
    with_slope,
)


def test_vanishing_gradients_in_a_network_that_learned_are_a_finding_without_harm() -> None:
    diagnosis = diagnose(with_slope(healthy_record(), 4.0))
    assert diagnosis.primary == "healthy"
    harmless = next(finding for finding in diagnosis.findings if finding.condition == "vanishing_gradients")
    assert not harmless.harm
    assert "learned anyway" in harmless.summary


def test_the_layer_whose_gain_is_bad_is_the_culprit() -> None:
    levels = np.ones(10)
    levels[:6] = 1e-3
    diagnosis = diagnose(changed(healthy_record(), {"site_grad_rms": levels}, outcome=failed()))
    assert diagnosis.primary == "vanishing_gradients"
    assert diagnosis.findings[0].layers == ("12.linear",)
    assert "12.linear" in diagnosis.findings[0].summary


def test_an_even_loss_over_the_depth_is_blamed_on_many_layers() -> None:
    finding = diagnose(vanishing()).findings[0]
    assert len(finding.layers) >= 5


def test_an_exact_zero_gradient_everywhere_is_infinitely_steep() -> None:
    record = changed(healthy_record(), {"site_grad_rms": 0.0}, outcome=failed())
    features = extract(record)
    assert features.depth_slope_start == np.inf
    finding = diagnose(record).findings[0]
    assert finding.condition == "vanishing_gradients"
    assert "exactly zero" in finding.summary


def test_time_steps_share_their_weights_so_the_recurrent_layer_is_named() -> None:
    sites = tuple(
        SiteInfo(
            f"0.recurrent.t{t}",
            "state",
            in_profile=True,
            units=32,
            activation="tanh",
            bounded=True,
            group="0.recurrent",
        )
        for t in range(10)
    )
    diagnosis = diagnose(replace(vanishing(), sites=sites))
    assert diagnosis.findings[0].layers == ("0.recurrent",)
    assert "each step of 0.recurrent" in diagnosis.findings[0].summary


def test_late_vanishing_is_found_after_a_sound_start() -> None:
    record = healthy_record()
    profile = record.series["site_grad_rms"]
    values = np.array(profile.values)
    values[150:] *= 10.0 ** np.linspace(-5.0, 0.0, 10, dtype=np.float32)
    late = replace(record, series={**record.series, "site_grad_rms": replace(profile, values=values)}, outcome=failed())
    finding = diagnose(late).findings[0]
    assert finding.condition == "vanishing_gradients"
    assert finding.first_step == 150
    assert "late in training" in finding.summary


def _margin(record: RunRecord) -> float:
    return diagnose(record).findings[0].confidence


def test_confidence_grows_with_the_margin_to_the_threshold() -> None:
    base = changed(healthy_record(), outcome=failed())
    noisy = np.random.default_rng(0).normal(0.0, 0.5, 10)
    levels = {d: 10.0 ** (np.linspace(-d, 0.0, 10) + noisy) for d in (2.0, 6.0)}
    near, far = (changed(base, {"site_grad_rms": level}) for level in levels.values())
    assert _margin(near) < _margin(far)


def test_vanishing_from_the_start_is_as_sure_as_the_first_quarter_shows_whatever_comes_later() -> None:
    steps = np.arange(300)
    levels = 10.0 ** np.where(steps[:, None] < 80, np.linspace(-6.0, 0.0, 10), np.zeros(10))
    old = stuck().series["site_grad_rms"]
    series = {**stuck().series, "site_grad_rms": replace(old, values=levels.astype(np.float32))}
    finding = diagnose(replace(stuck(), series=series)).findings[0]
    assert (finding.condition, finding.last_step) == ("vanishing_gradients", 79)
    assert finding.confidence == pytest.approx(76 / 77, abs=1e-2)


def judged(record, **features):
    return VanishingGradients().judge(replace(extract(record), **features), record, Thresholds())


def place(**features):
    return VanishingGradients().precedence(replace(extract(stuck()), **features), Thresholds())


def slopes(start, early, *, late=0.0, at_start=0.0, at_early=0.0):
    return {
        "depth_slope_start": start,
        "depth_slope_early": early,
        "depth_slope_late": late,
        "local_loss_start": at_start,
        "local_loss_early": at_early,
    }


@pytest.mark.parametrize(
    ("features", "there", "lasting", "shown"),
    [
        (slopes(1.5, 0.75), True, True, 1.5),
        (slopes(0.75, 1.5), True, True, 1.5),
        (slopes(1.49, 1.49), False, False, None),
        (slopes(1.5, 0.74), True, False, 1.5),
        (slopes(0.74, 1.5), True, False, 1.5),
        (slopes(0.0, 0.0, late=1.5), True, False, 1.5),
        (slopes(0.0, 0.0, late=1.49), False, False, None),
        (slopes(2.0, 1.0, late=9.0), True, True, 2.0),
        (slopes(0.5, 0.4, late=9.0), True, False, 9.0),
        (slopes(None, 1.5), True, True, 1.5),
        (slopes(None, 1.4), False, False, None),
        (slopes(None, None, late=None), False, False, None),
        (slopes(0.3, 0.2, at_start=1.5, at_early=0.75), True, True, 0.3),
        (slopes(0.3, 0.2, at_start=1.5, at_early=0.74), True, False, 0.3),
        (slopes(0.3, None, at_start=1.5, at_early=0.75), True, True, 0.3),
    ],
)
def test_a_slope_lasts_where_start_and_first_quarter_are_steep_and_counts_late_where_the_run_failed(
    features, there, lasting, shown
) -> None:
    finding = judged(stuck(), **features)
    assert (finding is not None) is there
    assert place(**features) == (Order.VANISHING if lasting else Order.VANISHING_LATE)
    if finding is None:
        return
    late = not lasting and (features["depth_slope_late"] or 0.0) >= 1.5
    assert finding.harm is (lasting or late)
    assert (" late in training, though not at the start" in finding.summary) is late
    assert (" at the start, and then recover" in finding.summary) is (not lasting and not late)
    told = {each.name: (each.value, each.threshold) for each in finding.evidence}
    assert told["depth_slope"] == (shown, 1.5)
    start = features["depth_slope_start"]
    assert told.get("depth_slope_start") == (None if start is None else (start, 1.5))
    local = features["local_loss_start"]
    assert told.get("loss_at_one_layer") == ((local, 1.5) if local else None)


def test_late_gradients_of_a_run_that_learned_count_for_nothing() -> None:
    record = healthy_record()
    assert judged(record, **slopes(0.0, 0.0, late=9.0)) is None
    assert judged(record, **slopes(3.0, 3.0)).harm is False


@pytest.mark.parametrize("features", [{"steps_done": 10}, {"nonfinite_step": 100}, {"profile": None}])
def test_too_few_steps_a_loss_that_ran_away_and_too_few_layers_say_nothing(features) -> None:
    assert judged(stuck(), **slopes(3.0, 3.0), **features) is None


def test_a_gradient_that_shrinks_evenly_is_told_by_what_a_typical_layer_passes_on() -> None:
    """Nine orders of magnitude over nine layers: a tenth at each."""
    finding = judged(with_slope(stuck(), 9.0))
    assert finding.summary.startswith(
        "Gradients shrink by a factor of 10^9.0 from output to input (a typical layer passes on only 10 %); the network"
    )
    told = {each.name: each.value for each in finding.evidence}
    assert (told["factor_per_layer"], told["factor_at_worst_layer"]) == pytest.approx((0.1, 0.1), rel=1e-3)
    assert (finding.first_step, finding.last_step) == (0, 299)
    assert finding.confidence == pytest.approx(76 / 77, abs=1e-3)


def with_rows(record, rows):
    old = record.series["site_grad_rms"]
    return replace(record, series={**record.series, "site_grad_rms": replace(old, values=rows.astype(np.float32))})


def test_it_is_as_sure_as_the_first_quarter_and_lasts_as_long_as_it_is_steep() -> None:
    steep = np.where(np.arange(300)[:, None] < 50, np.linspace(-3.0, 0.0, 10), np.zeros(10))
    finding = judged(with_rows(stuck(), 10.0**steep))
    assert finding.confidence == pytest.approx(51 / 77, abs=1e-3)
    assert (finding.first_step, finding.last_step) == (0, 49)


def test_one_layer_that_swallows_the_gradient_is_as_sure_as_its_own_records() -> None:
    lost = np.where((np.arange(300)[:, None] < 60) & (np.arange(10) < 1), -1.6, 0.0)
    finding = judged(with_rows(stuck(), 10.0**lost))
    assert finding.confidence == pytest.approx(61 / 77, abs=1e-3)
    assert (finding.first_step, finding.last_step) == (0, 59)
    assert "most of it at 2.linear (which passes on only 2.5 %)" in finding.summary  # 10^-1.6 = .025


def test_late_gradients_are_as_sure_as_the_records_of_the_last_quarter_say() -> None:
    steep = np.where(np.arange(300)[:, None] >= 200, np.linspace(-3.0, 0.0, 10), np.zeros(10))
    finding = judged(with_rows(stuck(), 10.0**steep))
    assert finding.confidence == pytest.approx(76 / 77, abs=1e-3)
    assert (finding.first_step, finding.last_step) == (200, 299)


@pytest.mark.parametrize(
    ("start", "blamed"), [(0.8, "learning_rate"), (1.2, "initialization"), (2.0, "initialization")]
)
def test_gradients_that_were_sound_before_the_first_step_vanished_through_the_steps(start: float, blamed: str) -> None:
    record = with_slope(healthy_record(), 3.0)
    gradients = record.series["site_grad_rms"].values.copy()
    gradients[0] = np.logspace(-start, 0, gradients.shape[1])
    series = replace(record.series["site_grad_rms"], values=gradients)
    record = replace(record, series={**record.series, "site_grad_rms": series}, outcome=failed())
    finding = diagnose(record).findings[0]
    assert (finding.condition, finding.blames[0]) == ("vanishing_gradients", blamed)
    assert set(finding.blames[-4:]) == set(VanishingGradients.usual_blames)
    lowered = finding.suggested_remedies[0].kind == "lower_learning_rate"
    assert lowered == (blamed == "learning_rate")


@pytest.mark.parametrize(
    ("activation", "bounded", "blamed"),
    [("tanh", True, "hidden_activation"), ("relu", False, "initialization"), (None, False, "hidden_activation")],
)
def test_where_no_activation_saturates_the_weights_are_the_first_suspect(activation, bounded, blamed) -> None:
    record = vanishing()
    sites = tuple(replace(site, activation=activation, bounded=bounded) for site in record.sites)
    assert diagnose(replace(record, sites=sites)).findings[0].blames[0] == blamed


@pytest.mark.parametrize(
    ("activation", "gain", "blamed"),
    [("tanh", 0.29, "initialization"), ("tanh", 0.3, "hidden_activation"), ("sigmoid", 0.29, "hidden_activation")],
)
def test_tanh_layers_that_start_too_small_to_saturate_have_their_weights_to_blame(activation, gain, blamed) -> None:
    record = vanishing()
    sizes = record.series["weight_norm_l2"]
    norms = np.full(11, gain * 16**0.5)
    record = replace(
        record,
        weights=tuple(replace(weight, shape=(16, 16)) for weight in record.weights),
        sites=tuple(replace(site, activation=activation, bounded=True) for site in record.sites),
        series={**record.series, "weight_norm_l2": replace(sizes, values=np.tile(norms, (len(sizes.values), 1)))},
    )
    assert diagnose(record).findings[0].blames[0] == blamed


def test_a_recurrent_network_that_still_learns_may_need_no_more_than_larger_steps() -> None:
    record = vanishing()
    sites = tuple(replace(site, group="cell", kind="state") for site in record.sites)
    ended = failed(final_train_loss=2.3 * 0.75)
    learning = changed(
        replace(record, sites=sites), {"probe_loss": lambda steps: 2.3 * (1 - steps / 1200)}, outcome=ended
    )
    assert diagnose(learning).findings[0].blames[:2] == ("learning_rate", "steps")
    stuck_there = changed(learning, {"probe_loss": 2.3}, outcome=failed())
    assert diagnose(stuck_there).findings[0].blames[0] != "learning_rate"


def test_gradients_lost_at_the_start_and_half_of_that_later_are_as_sure_as_both() -> None:
    """2 orders of magnitude at step 0, without scatter, and 1 then: beyond .75 in all 75 records of the quarter."""
    rows = np.tile(np.linspace(-1.0, 0.0, 10), (300, 1))
    rows[0] = np.linspace(-2.0, 0.0, 10)
    assert judged(with_rows(stuck(), 10.0**rows)).confidence == pytest.approx(76 / 77, abs=1e-3)


@pytest.mark.parametrize(("sign", "condition"), [(1.0, "vanishing_gradients"), (-1.0, "exploding_gradients")])
def test_a_slope_that_the_first_step_left_behind_is_the_rate_s(sign: float, condition: str) -> None:
    """Level before a step of many times the weights' size, steep from the next step on."""
    level, steep = (with_slope(healthy_record(), sign * slope).get("site_grad_rms") for slope in (1.4, 6.0))
    values = np.where(level.steps[:, None] == 0, level.values, steep.values)
    sloping = replace(
        healthy_record(), series={**healthy_record().series, "site_grad_rms": Series(level.steps, values)}
    )
    for update, of_rate in ((0.01, False), (20.0, True)):
        updates = {"update_to_weight_ratio": lambda steps, update=update: np.where(steps == 0, update, 0.01)}
        findings = diagnose(changed(sloping, updates, outcome=failed())).findings
        finding = next(each for each in findings if each.condition == condition)
        assert (finding.blames[0] == "learning_rate") == of_rate


@pytest.mark.parametrize(
    ("module", "decades", "leads"), [("LSTM", 2.7, False), ("GRU", 2.7, False), ("LSTM", 4.5, True), ("RNN", 2.7, True)]
)
def test_gates_that_pass_on_half_of_the_gradient_at_each_step_are_as_open_as_they_start(module, decades, leads) -> None:
    """Over 9 steps, 2.7 orders of magnitude are a factor of 0.50 at each, and 4.5 are 0.32."""
    record = with_slope(changed(healthy_record(), outcome=failed()), decades)
    sites = tuple(replace(site, group="cell", kind="state") for site in record.sites)
    weights = tuple(replace(each, name="cell.weight_hh_l0", module=module) for each in record.weights)
    found = diagnose(replace(record, sites=sites, weights=weights))
    (finding,) = (each for each in found.findings if each.condition == "vanishing_gradients")
    assert (found.primary == "vanishing_gradients") is leads
    assert (finding.confidence <= 0.5) is not leads


@pytest.mark.parametrize(
    ("first", "start", "blamed"),
    [
        (1.0, 1.2, "learning_rate"),
        (0.99, 1.2, "initialization"),
        (0.99, 1.0, "initialization"),
        (0.99, 0.99, "learning_rate"),
        (1.0, 1.5, "initialization"),
    ],
)
def test_what_was_near_before_a_first_step_smaller_than_the_weights_was_not_lost_by_the_steps(first, start, blamed):
    updates = {"update_to_weight_ratio": lambda steps: np.where(steps == 0, first, 0.001)}
    assert judged(changed(stuck(), updates, outcome=failed()), **slopes(start, 2.0)).blames[0] == blamed


@pytest.mark.parametrize(("loss", "blamed"), [(0.94, "learning_rate"), (0.95, "hidden_activation")])
def test_a_recurrent_network_learns_if_it_left_less_than_95_percent_of_the_loss(loss, blamed) -> None:
    record = changed(stuck(), {"probe_loss": lambda steps: 2.3 * (1 - steps / 3000)}, outcome=failed())
    sites = tuple(replace(site, group="cell", kind="state", activation="tanh", bounded=True) for site in record.sites)
    found = judged(replace(record, sites=sites), **slopes(2.0, 2.0), relative_train_loss=loss)
    assert found.blames[0] == blamed


@pytest.mark.parametrize("local", [False, True])
def test_it_lasts_as_long_as_a_slope_or_a_layer_is_at_the_threshold(local) -> None:
    """A slope of 1.5, or 1.5 orders of magnitude at the second layer alone, until step 49; a little less from then."""
    features = extract(stuck())
    lost = np.where(np.arange(300) < 50, 1.5, 1.4)
    logs = np.zeros((300, 10))
    logs[:, 0] = -lost if local else 0.0
    profile = replace(features.profile, log10_gradient=logs, slope=np.zeros(300) if local else lost)
    finding = judged(stuck(), **slopes(1.5, 1.5), profile=profile)
    assert (finding.first_step, finding.last_step) == (0, 49)


@pytest.mark.parametrize(("units", "first"), [(1, "architecture"), (32, "initialization")])
def test_a_layer_of_one_unit_is_blamed_before_what_its_gradients_lose(units, first) -> None:
    record = vanishing()
    sites = (*record.sites[:4], replace(record.sites[4], units=units), *record.sites[5:])
    finding = diagnose(replace(record, sites=sites)).findings[0]
    assert (finding.condition, finding.blames[0]) == ("vanishing_gradients", first)
    assert ("The narrowest hidden layer has 1 unit only: take more" in finding.summary) is (units == 1)
    assert len(set(finding.blames)) == len(finding.blames)
