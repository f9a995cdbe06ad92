"""Every rule fires on its sick record and is silent on the healthy one; culprits, harm and order are right."""

from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose, extract
from gradclinic.diagnosis.rules import RULES
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.record import RunRecord, SiteInfo

from .records import SICK, changed, failed, healthy_record, outcome, truncated, vanishing, with_slope


@pytest.mark.parametrize("condition", SICK)
def test_every_rule_fires_on_its_sick_record(condition: str) -> None:
    diagnosis = diagnose(SICK[condition]())
    assert diagnosis.primary == condition
    finding = diagnosis.findings[0]
    assert finding.condition == condition
    assert finding.harm
    assert 0.5 < finding.confidence <= 1.0
    assert finding.evidence
    assert finding.source


@pytest.mark.parametrize("condition", SICK)
def test_every_rule_is_silent_on_the_healthy_record(condition: str) -> None:
    record = healthy_record()
    assert RULES[condition].judge(extract(record), record, Thresholds()) is None


def test_a_network_that_learned_with_level_gradients_is_healthy_and_nothing_else() -> None:
    diagnosis = diagnose(healthy_record())
    assert diagnosis.primary == "healthy"
    assert [finding.condition for finding in diagnosis.findings] == ["healthy"]


def test_every_condition_of_a_finding_has_a_rule_and_every_rule_names_thresholds_that_exist() -> None:
    for condition, rule in RULES.items():
        assert rule.condition == condition
        assert rule.source
        assert set(rule.uses) <= set(Thresholds.model_fields)


def test_vanishing_gradients_in_a_network_that_learned_are_a_finding_without_harm() -> None:
    diagnosis = diagnose(with_slope(healthy_record(), 4.0))
    assert diagnosis.primary == "healthy"
    harmless = next(finding for finding in diagnosis.findings if finding.condition == "vanishing_gradients")
    assert not harmless.harm
    assert "learned all the same" in harmless.summary


def test_the_primary_condition_is_the_cause_and_its_symptoms_are_kept() -> None:
    record = with_slope(SICK["saturated_activations"](), 8.0)
    diagnosis = diagnose(record)
    assert diagnosis.primary == "saturated_activations"
    assert [finding.condition for finding in diagnosis.findings[1:]] == ["vanishing_gradients"]


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


def test_a_single_saturated_layer_is_named_although_the_mean_is_low() -> None:
    record = healthy_record(activation="tanh", bounded=True, can_die=False)
    levels = np.full(10, 0.02)
    levels[5] = 0.98
    diagnosis = diagnose(changed(record, {"saturated_fraction": levels}, outcome=failed()))
    assert diagnosis.primary == "saturated_activations"
    assert diagnosis.findings[0].layers == ("10.linear",)


def test_layers_that_are_silent_because_the_one_before_died_are_not_blamed() -> None:
    finding = diagnose(SICK["dead_units"]()).findings[0]
    assert finding.layers == ("8.linear",)


def test_an_exact_zero_gradient_everywhere_is_infinitely_steep() -> None:
    record = changed(healthy_record(), {"site_grad_rms": 0.0}, outcome=failed())
    features = extract(record)
    assert features.depth_slope_start == np.inf
    finding = diagnose(record).findings[0]
    assert finding.condition == "vanishing_gradients"
    assert "exactly zero" in finding.summary


def test_a_gradient_that_is_not_finite_from_step_0_is_an_explosion_not_a_crash() -> None:
    record = changed(truncated(healthy_record(), 1), {"site_grad_rms": float("nan"), "train_loss": float("nan")})
    record = replace(
        record,
        outcome=failed(steps_done=0, nonfinite_step=0, final_train_loss=float("nan"), initial_train_loss=float("nan")),
    )
    diagnosis = diagnose(record)
    assert diagnosis.primary == "exploding_gradients"
    assert diagnosis.findings[0].first_step == 0


def test_too_few_steps_are_no_evidence_unless_the_loss_ran_away() -> None:
    short = replace(truncated(healthy_record(), 10), steps=10, outcome=outcome(steps_done=10))
    assert diagnose(short).primary == "insufficient_evidence"
    assert "10 steps" in diagnose(short).findings[0].summary
    assert diagnose(SICK["divergence"]()).primary == "divergence"


def test_nothing_recorded_is_insufficient_evidence() -> None:
    empty = replace(healthy_record(), series={}, outcome=None)
    assert diagnose(empty).primary == "insufficient_evidence"


def test_a_network_with_one_layer_has_no_profile_and_is_judged_without_it() -> None:
    assert extract(healthy_record(layers=1)).depth_slope_start is None
    assert diagnose(healthy_record(layers=1)).primary == "healthy"


def test_a_run_that_goes_on_shows_what_is_certain_and_no_more() -> None:
    running = truncated(replace(vanishing(), outcome=None), 60)
    diagnosis = diagnose(running)
    assert diagnosis.primary == "insufficient_evidence"
    early = next(finding for finding in diagnosis.findings if finding.condition == "vanishing_gradients")
    assert not early.harm
    assert "has not reached its end" in early.summary


def test_a_running_loss_that_is_not_finite_is_certain() -> None:
    running = changed(
        truncated(healthy_record(), 40), {"train_loss": lambda steps: np.where(steps < 30, 2.0, np.nan)}, outcome=None
    )
    diagnosis = diagnose(running)
    assert diagnosis.primary == "divergence"
    assert diagnosis.findings[0].last_step == 30


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


def test_stacked_recurrent_layers_are_judged_by_the_steepest() -> None:
    sites = tuple(
        SiteInfo(f"{g}.recurrent.t{t}", "state", in_profile=True, units=32, group=f"{g}.recurrent")
        for g in (0, 1)
        for t in range(5)
    )
    levels = np.concatenate([10.0 ** np.linspace(-5, 0, 5), np.ones(5)])
    features = extract(replace(changed(healthy_record(), {"site_grad_rms": levels}), sites=sites))
    assert features.profile is not None
    assert features.profile.group == "0.recurrent"
    assert features.depth_slope_start == pytest.approx(5.0, abs=1e-5)


def test_frozen_layers_do_not_count_for_the_size_of_the_steps() -> None:
    record = healthy_record()
    weights = tuple(replace(weight, trainable=False) for weight in record.weights[:-1]) + record.weights[-1:]
    levels = np.full(11, 5.0)
    levels[-1] = 0.001
    features = extract(replace(changed(record, {"update_to_weight_ratio": levels}), weights=weights))
    assert features.total_update == pytest.approx(0.3, rel=0.05)


def test_a_loss_of_zero_for_a_constant_leaves_nothing_to_learn() -> None:
    diagnosis = diagnose(changed(healthy_record(), outcome=outcome(constant_loss=0.0)))
    assert diagnosis.primary == "insufficient_evidence"
    assert "nothing to learn" in diagnosis.findings[0].summary


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


def _restless(*, height: float, net_fall: float = 0.0) -> RunRecord:
    """A network that learned, whose probe loss rises by `height` of the constant predictor's at every fifth probe."""

    def losses(steps: np.ndarray) -> np.ndarray:
        late = np.clip((steps - 150) / 150, 0.0, 1.0)
        return 2.3 * (0.1 + net_fall * (1.0 - late) + height * ((steps // 5) % 5 == 0))

    return changed(healthy_record(), {"probe_loss": losses})


def test_swings_hurt_a_network_that_learned_only_where_it_has_not_learned_at_their_peaks() -> None:
    hurt, calm = diagnose(_restless(height=0.5)), diagnose(_restless(height=0.2))
    assert (hurt.primary, hurt.findings[0].severity) == ("oscillating_loss", "warning")
    assert "at its peaks (60 %) it has not" in hurt.findings[0].summary
    assert (calm.primary, calm.findings[1].condition, calm.findings[1].harm) == ("healthy", "oscillating_loss", False)
    assert "learned all the same" in calm.findings[1].summary


def test_a_learned_loss_that_falls_more_than_it_rises_does_not_oscillate() -> None:
    falling = diagnose(_restless(height=0.1, net_fall=0.9))
    assert [finding.condition for finding in falling.findings] == ["healthy"]


@pytest.mark.parametrize(("decades", "name"), [(1.2, "vanishing"), (-1.2, "exploding")])
def test_a_slope_near_its_threshold_is_told_with_a_failure_that_nothing_else_explains(
    decades: float, name: str
) -> None:
    stuck = changed(healthy_record(), {"probe_loss": 2.3}, outcome=failed())
    finding = diagnose(with_slope(stuck, decades)).findings[0]
    assert finding.condition == "slow_convergence"
    assert f"1.2 decades from output to input, not far from the 1.5 from which they count as {name}" in finding.summary
    slope = next(evidence for evidence in finding.evidence if evidence.name == "depth_slope")
    assert (round(slope.value, 3), slope.threshold) == (decades, 1.5 if decades > 0 else -1.5)
    level = diagnose(with_slope(stuck, decades / 2)).findings[0]
    assert "decades" not in level.summary
    assert finding.confidence < level.confidence


@pytest.mark.parametrize(("end", "severity"), [(0.99, "critical")])
def test_a_loss_that_falls_too_slowly_for_a_forecast_is_said_to_fall(end: float, severity: str) -> None:
    def falling(steps: np.ndarray) -> np.ndarray:
        return 2.3 * (1.0 + (end - 1.0) * steps / 300)

    ended = failed(final_train_loss=2.3 * end)
    finding = diagnose(changed(healthy_record(), {"probe_loss": falling}, outcome=ended)).findings[0]
    assert (finding.condition, finding.severity, finding.harm) == ("slow_convergence", severity, True)
    assert "the loss still falls" in finding.summary


def _stuck(**statistics: float) -> RunRecord:
    """A network that learned nothing although its gradients are level."""
    return changed(healthy_record(), {"probe_loss": 2.3, **statistics}, outcome=failed())


def _evidence(record: RunRecord, condition: str) -> dict[str, tuple[float, float | None]]:
    (finding,) = (each for each in diagnose(record).findings if each.condition == condition)
    return {each.name: (each.value, each.threshold) for each in finding.evidence}


@pytest.mark.parametrize(
    ("update", "words"),
    [(1e-5, "can have moved by more than 0.3 % of its size"), (0.0, "in 300 steps no layer moved at all")],
)
def test_steps_that_are_too_small_are_said_to_be_and_larger_ones_are_suggested(update: float, words: str) -> None:
    finding = diagnose(_stuck(update_to_weight_ratio=update)).findings[0]
    assert finding.condition == "slow_convergence"
    assert finding.summary.startswith("Steps are too small")
    assert words in finding.summary
    assert "the learning rate holds it back" in finding.summary
    assert [remedy.kind for remedy in finding.suggested_remedies[:2]] == ["remove_clipping", "set_learning_rate"]


def test_a_failure_with_a_slope_near_its_threshold_is_treated_as_its_cause_unless_the_steps_are_too_small() -> None:
    near = diagnose(with_slope(_stuck(), 1.2)).findings[0]
    assert near.condition == "slow_convergence"
    assert near.suggested_remedies[0].kind == "set_initialization"
    idle = with_slope(_stuck(update_to_weight_ratio=1e-5, weight_grad_norm_l2=1e-9), 1.2)
    assert diagnose(idle).findings[0].suggested_remedies[0].kind == "remove_clipping"


def test_the_share_of_rises_is_held_against_what_a_learned_and_a_failed_network_may_have() -> None:
    learned, lost = _restless(height=0.5), replace(_restless(height=0.5), outcome=failed())
    assert _evidence(learned, "oscillating_loss")["rise_share"][1] == Thresholds().rise_share_learned
    assert _evidence(lost, "oscillating_loss")["rise_share"][1] == Thresholds().rise_share


def test_vanishing_from_the_start_is_as_sure_as_the_first_quarter_shows_whatever_comes_later() -> None:
    steps = np.arange(300)
    levels = 10.0 ** np.where(steps[:, None] < 80, np.linspace(-6.0, 0.0, 10), np.zeros(10))
    old = _stuck().series["site_grad_rms"]
    series = {**_stuck().series, "site_grad_rms": replace(old, values=levels.astype(np.float32))}
    finding = diagnose(replace(_stuck(), series=series)).findings[0]
    assert (finding.condition, finding.last_step) == ("vanishing_gradients", 79)
    assert finding.confidence == pytest.approx(76 / 77, abs=1e-2)


def test_an_explosion_that_comes_after_a_sound_start_is_told_by_its_later_slope() -> None:
    start, later = np.zeros(10), np.linspace(3.0, 0.0, 10)
    steps = np.arange(300)
    levels = 10.0 ** np.where(steps[:, None] < 5, start, later)
    old = _stuck().series["site_grad_rms"]
    series = {**_stuck().series, "site_grad_rms": replace(old, values=levels.astype(np.float32))}
    value, threshold = _evidence(replace(_stuck(), series=series), "exploding_gradients")["depth_slope"]
    assert (round(value, 3), threshold) == (-3.0, -1.5)


def test_saturation_from_the_start_counts_every_record_and_lasts_until_the_last_step() -> None:
    flat = healthy_record(activation="tanh", bounded=True, can_die=False)
    finding = diagnose(changed(flat, {"saturated_fraction": 0.95}, outcome=failed())).findings[0]
    records = len(flat.series["saturated_fraction"])
    assert (finding.condition, finding.first_step, finding.last_step) == ("saturated_activations", 0, 299)
    assert finding.confidence == pytest.approx((records + 1) / (records + 2), abs=1e-3)


def test_the_fewest_steps_that_can_be_judged_are_judged() -> None:
    short = truncated(vanishing(), 20)
    for steps, primary in ((20, "vanishing_gradients"), (19, "insufficient_evidence")):
        cut = replace(truncated(short, steps), steps=steps, outcome=failed(steps_done=steps))
        assert diagnose(cut).primary == primary


@pytest.mark.parametrize(
    ("condition", "statistic", "sick", "sound"),
    [
        ("saturated_activations", "saturated_fraction", 0.51, 0.49),
        ("dead_units", "dead_fraction", 0.51, 0.49),
        ("vanishing_gradients", None, 1.51, 1.49),
        ("exploding_gradients", None, -1.51, -1.49),
    ],
)
def test_a_condition_begins_at_its_threshold(condition: str, statistic: str | None, sick: float, sound: float) -> None:
    bounded = condition == "saturated_activations"
    base = changed(healthy_record(bounded=bounded, can_die=not bounded), {"probe_loss": 2.3}, outcome=failed())
    for level, there in ((sick, True), (sound, False)):
        record = with_slope(base, level) if statistic is None else changed(base, {statistic: level})
        assert (condition in {finding.condition for finding in diagnose(record).findings}) is there


def test_saturation_that_passes_ends_with_the_last_record_that_shows_it() -> None:
    flat = healthy_record(activation="tanh", bounded=True, can_die=False)
    passing = changed(flat, {"saturated_fraction": lambda steps: np.where(steps < 100, 0.95, 0.0)})
    finding = next(each for each in diagnose(passing).findings if each.condition == "saturated_activations")
    assert (finding.first_step, finding.last_step) == (0, 90)


@pytest.mark.parametrize(
    ("early", "late", "swing", "primary"),
    [
        (1.0, 1.0, 0.0, "slow_convergence"),  # the last value alone was a peak
        (4.0, 4.0, 0.0, "divergence"),
        (4.0, 4.0, 2.0, "oscillating_loss"),  # it swings high, but no higher than before
        (1.9, 4.0, 0.5, "divergence"),
        (2.1, 4.0, 2.0, "oscillating_loss"),
    ],
)
def test_a_loss_that_ends_high_ran_away_unless_it_swings_no_higher_than_before(early, late, swing, primary) -> None:
    def losses(steps: np.ndarray) -> np.ndarray:
        return 2.3 * (np.where(steps < 200, early, late) + swing * (-1.0) ** (steps // 5))

    ended = failed(final_train_loss=4.0 * 2.3)
    assert diagnose(changed(healthy_record(), {"probe_loss": losses}, outcome=ended)).primary == primary
