import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from gradclinic.comparison import Comparison, RatioEffect, compare, gain
from gradclinic.kernel.codec import decode, encode
from gradclinic.kernel.errors import InsufficientData, InvalidSpec
from gradclinic.schemas.comparison import ComparisonAnswer

from ..metrics import metrics
from .runs import DIVERGED, NAN, STUCK, arm, read_run, run

ANSWERS = json.loads((Path(__file__).parents[2] / "data" / "comparison.json").read_text())
"""Runs, and what the API answered for them before comparisons had types."""


def to_twelve_digits(value):
    if isinstance(value, dict):
        return {key: to_twelve_digits(each) for key, each in value.items()}
    if isinstance(value, list):
        return [to_twelve_digits(each) for each in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def only(results, **more):
    return compare(results, **more).arms[0]


def test_a_network_that_learns_where_the_baseline_was_stuck_is_cured():
    found = only([*STUCK, *arm("relu", [0.28, 0.25, 0.31, 0.27, 0.30])])
    assert (found.verdict, found.rank) == ("cures", 1)
    assert found.conditions == {"healthy": 5}
    assert found.baseline_conditions == {"vanishing_gradients": 5}
    effect = found.effects["final_validation_loss"]
    assert effect.difference == pytest.approx(math.log(0.281 / 2.302), abs=0.02)
    assert effect.interval[0] < effect.difference < effect.interval[1] < 0
    assert effect.ratio == pytest.approx(math.exp(effect.difference))
    assert (effect.wins, effect.p_value, effect.confidence) == (5, 0.0625, 0.95)


def test_a_quiet_detector_is_no_cure_when_nothing_was_learned():
    found = only([*STUCK, *arm("clip", [2.30, 2.303, 2.302, 2.301, 2.304])])
    assert found.verdict == "no_effect"
    assert "not learned" in found.reason


def test_a_quiet_detector_is_no_cure_when_there_was_too_little_to_judge():
    found = only([*STUCK, *arm("short", [0.3, 0.3, 0.3, 0.31, 0.29], "insufficient_evidence")])
    assert found.verdict == "improves"


def test_one_seed_that_is_still_sick_makes_it_an_improvement():
    better = [*arm("norm", [0.28, 0.25, 0.31, 0.27]), run("norm", 4, 0.9, "vanishing_gradients")]
    found = only([*STUCK, *better])
    assert found.verdict == "improves"
    assert "still harm in 1 of 5 runs" in found.reason


def test_a_finding_without_harm_does_not_stop_a_cure():
    found = only([*STUCK, *arm("adam", [0.28, 0.25, 0.31, 0.27, 0.3], "vanishing_gradients", harmful=False)])
    assert found.verdict == "cures"


def test_identical_arms_have_no_effect_and_divide_nothing_by_zero():
    found = only([*STUCK, *[replace(each, arm="clip") for each in STUCK]])
    effect = found.effects["final_validation_loss"]
    assert found.verdict == "no_effect"
    assert (effect.difference, effect.interval, effect.wins, effect.p_value) == (0, (0, 0), 0, 1)


def test_finite_beats_non_finite_without_a_number_for_the_difference():
    found = only([*DIVERGED, *arm("lower", [0.2, 0.21, 0.2, 0.19, 0.22])])
    effect = found.effects["final_validation_loss"]
    assert found.verdict == "cures"
    assert (effect.difference, effect.interval, effect.wins) == (None, None, 5)


def test_two_arms_that_diverge_alike_have_no_effect():
    found = only([*DIVERGED, *arm("leaky", [float("inf")] * 5, "divergence")])
    assert found.verdict == "no_effect"
    assert found.effects["final_validation_loss"].wins == 0


def test_diverging_where_the_baseline_learned_is_harm():
    healthy = arm("baseline", [0.2, 0.21, 0.22, 0.2, 0.19])
    found = only([*healthy, *arm("bold", [NAN] * 5, "divergence")])
    assert found.verdict == "harms"
    assert found.new_conditions == {"divergence": 5}


def test_a_loss_that_was_finite_when_the_gradient_was_not_is_no_outcome():
    broken = [replace(each, metrics=replace(each.metrics, nonfinite_step=12)) for each in arm("clip", [0.2] * 5)]
    found = only([*STUCK, *broken])
    assert found.verdict == "harms"
    assert found.learned == 0


def test_finite_but_useless_is_an_improvement_on_nan_and_no_cure():
    found = only([*DIVERGED, *arm("clip", [2.3, 2.31, 2.30, 2.29, 2.3], "slow_convergence")])
    assert found.verdict == "improves"


def test_a_healthy_baseline_has_nothing_to_cure():
    healthy = arm("baseline", [0.5, 0.52, 0.51, 0.49, 0.5])
    assert only([*healthy, *arm("better", [0.2, 0.21, 0.2, 0.19, 0.22])]).verdict == "improves"
    assert only([*healthy, *arm("same", [0.5, 0.521, 0.509, 0.49, 0.5])]).verdict == "no_effect"


def test_an_oscillation_that_stops_is_cured_though_the_loss_stays_as_it_was():
    restless = arm("baseline", [0.44, 0.81, 0.52, 0.71, 0.39], "oscillating_loss")
    found = only([*restless, *arm("lower", [0.50, 0.49, 0.51, 0.52, 0.48])])
    assert found.verdict == "cures"
    assert "no worse" in found.reason


def test_a_remedy_that_is_worse_than_the_restless_baseline_is_no_cure():
    restless = arm("baseline", [0.44, 0.48, 0.45, 0.46, 0.44], "oscillating_loss")
    assert only([*restless, *arm("lower", [0.9, 0.95, 0.91, 0.99, 0.94])]).verdict == "harms"


def test_two_seeds_cannot_show_that_a_condition_went_by_itself():
    restless = arm("baseline", [0.44, 0.81], "oscillating_loss")
    found = only([*restless, *arm("lower", [0.5, 0.49])])
    assert found.verdict == "inconclusive"
    assert found.seeds_needed == 4


def test_three_seeds_decide_where_every_run_of_the_baseline_diverged_and_none_of_the_arms():
    found = only([*DIVERGED[:3], *arm("lower", [0.2, 0.21, 0.2])])
    assert found.verdict == "cures"


def test_seven_arms_of_three_seeds_are_decided_where_their_endings_are_no_coin_flips():
    cured = [run for index in range(6) for run in arm(f"cure {index}", [0.2, 0.21, 0.2])]
    comparison = compare([*DIVERGED[:3], *cured, *arm("nothing", [NAN] * 3, "divergence")])
    assert [comparison.arm(f"cure {index}").verdict for index in range(6)] == ["cures"] * 6
    assert comparison.arm("nothing").verdict == "no_effect"


def test_among_arms_that_end_as_coins_fall_the_luckiest_of_seven_is_no_cure_and_more_seeds_are_named():
    mixed = [run for index in range(6) for run in _coins(f"coin {index}", index)]
    found = compare([*DIVERGED[:3], *mixed, *arm("lucky", [0.2, 0.21, 0.2])]).arm("lucky")
    assert found.verdict == "inconclusive"
    assert "by chance" in found.reason
    assert found.seeds_needed > 3


def test_three_seeds_decide_among_seven_arms_half_of_which_stay_as_they_were_in_every_seed():
    cured = [run for index in range(3) for run in arm(f"cure {index}", [0.2, 0.21, 0.2])]
    stuck = [run for index in range(4) for run in arm(f"stuck {index}", [2.301, 2.303, 2.302], "vanishing_gradients")]
    comparison = compare([*STUCK[:3], *cured, *stuck])
    assert [comparison.arm(f"cure {index}").verdict for index in range(3)] == ["cures"] * 3


def _coins(name, index):
    """Half of the runs diverge: one or two of the three."""
    return [
        run(name, seed, NAN, "divergence") if (seed + index) % 2 else run(name, seed, 0.2 + 0.01 * seed)
        for seed in range(3)
    ]


def test_one_diverged_run_of_the_baseline_does_not_hide_what_the_other_seeds_show():
    base = [run("baseline", 0, NAN, "divergence"), *arm("baseline", [0, 0.5, 0.52, 0.51, 0.5, 0.49, 0.51])[1:]]
    found = only([*base, *arm("better", [0.2, 0.2, 0.21, 0.2, 0.19, 0.2, 0.2])])
    assert found.verdict == "cures"


def test_an_interval_beyond_what_a_float_holds_breaks_nothing():
    base, other = arm("baseline", [1e-6, 2.0]), arm("other", [2.0, 1e-6])
    comparison = compare([*base, *other, *[replace(each, arm=f"more {n}") for n in range(6) for each in other]])
    json.dumps(encode(comparison), allow_nan=False)
    assert {each.verdict for each in comparison.arms} == {"inconclusive"}


def test_a_single_seed_is_inconclusive_and_says_how_many_would_do():
    found = only([STUCK[0], run("relu", 0, 0.3)])
    effect = found.effects["final_validation_loss"]
    assert found.verdict == "inconclusive"
    assert found.seeds_needed == 3
    assert effect.interval is None
    assert effect.difference == pytest.approx(math.log(0.3 / 2.301))


def test_a_straddling_interval_is_inconclusive_and_says_how_many_seeds_would_decide():
    healthy = arm("baseline", [0.5, 0.4, 0.6, 0.45, 0.55])
    found = only([*healthy, *arm("maybe", [0.45, 0.42, 0.45, 0.46, 0.4])])
    assert found.verdict == "inconclusive"
    assert found.seeds_needed > 5
    assert f"{found.seeds_needed} seeds would decide" in found.reason


def test_while_runs_are_pending_the_verdict_stays_open_but_the_effects_are_there():
    waiting = [replace(each, status="running", metrics=None, diagnosis=None) for each in arm("relu", [0] * 5)[3:]]
    found = only([*STUCK, *arm("relu", [0.28, 0.25, 0.31]), *waiting])
    assert (found.verdict, found.verdict_so_far) == ("inconclusive", "cures")
    assert (found.runs, found.pending) == (3, 2)
    assert found.effects["final_validation_loss"].pairs == 3


def test_cancelled_runs_leave_a_comparison_of_those_that_ended():
    gone = [replace(each, status="canceled", metrics=None, diagnosis=None) for each in arm("relu", [0] * 5)[3:]]
    found = only([*STUCK, *arm("relu", [0.28, 0.25, 0.31]), *gone])
    assert (found.verdict, found.lost) == ("cures", 2)


def test_an_arm_without_a_run_yet_is_listed_last():
    comparison = compare([*STUCK, *arm("relu", [0.3] * 5)], arms=["baseline", "later", "relu"])
    assert [each.arm for each in comparison.arms] == ["relu", "later"]
    assert comparison.arm("later").verdict == "inconclusive"


def test_ranks_put_cures_first_and_harm_last():
    comparison = compare(
        [
            *STUCK,
            *arm("harm", [9.0, 9.1, 9.0, 9.2, 9.1], "divergence"),
            *arm("same", [2.3, 2.302, 2.303, 2.301, 2.304], "vanishing_gradients"),
            *arm("cure", [0.4, 0.41, 0.39, 0.4, 0.4]),
            *arm("best", [0.2, 0.21, 0.19, 0.2, 0.2]),
            *arm("partly", [0.1, 0.11, 0.09, 0.1, 0.12], "vanishing_gradients"),
        ]
    )
    assert [each.arm for each in comparison.arms] == ["best", "cure", "partly", "same", "harm"]
    assert [each.rank for each in comparison.arms] == [1, 2, 3, 4, 5]


def test_accuracy_counts_upward():
    base = [replace(each, metrics=metrics(final_validation_accuracy=0.1)) for each in STUCK]
    relu = arm("relu", [0.3] * 5)
    arms = [replace(each, metrics=metrics(final_validation_accuracy=0.9 + 0.01 * each.seed)) for each in relu]
    found = only([*base, *arms], metric="final_validation_accuracy")
    assert found.verdict == "cures"
    assert found.effects["final_validation_accuracy"].difference == pytest.approx(0.82)


def test_a_target_never_reached_is_worse_than_any_step():
    base = [replace(each, target_probed=True) for each in STUCK]
    arms = arm("relu", [0.3] * 5, steps_to_target=40)
    effect = only([*base, *arms]).effects["steps_to_target"]
    assert (effect.difference, effect.wins) == (None, 5)


def test_an_unmeasured_accuracy_has_no_effect_to_show():
    base = [replace(each, metrics=replace(each.metrics, final_validation_accuracy=None)) for each in STUCK]
    assert "final_validation_accuracy" not in only([*base, *arm("relu", [0.3] * 5)]).effects


def test_depth_slope_is_shown_in_decades_and_its_wins_are_nearer_to_zero():
    base = [replace(each, metrics=replace(each.metrics, depth_slope=7.0)) for each in STUCK]
    arms = [replace(each, metrics=replace(each.metrics, depth_slope=-0.5)) for each in arm("relu", [0.3] * 5)]
    effect = only([*base, *arms]).effects["depth_slope"]
    assert (effect.difference, effect.wins, effect.unit) == (-7.5, 5, "orders of magnitude")


def test_costs_are_ratios_a_step_so_that_an_early_end_is_not_cheap():
    base = [replace(each, metrics=replace(each.metrics, train_seconds=0.1, steps_done=2)) for each in DIVERGED]
    arms = arm("lower", [0.2] * 5, train_seconds=30.0, steps_done=300, parameters=20)
    base = [replace(each, metrics=replace(each.metrics, parameters=10)) for each in base]
    cost = only([*base, *arms]).cost
    assert cost.train_seconds_ratio == pytest.approx(2.0)
    assert cost.parameters_ratio == pytest.approx(2.0)
    assert cost.memory_ratio is None


def test_points_of_a_sweep_pair_with_their_own_and_count_once_a_seed():
    points = [(("/optimizer/learning_rate", value),) for value in (0.1, 1.0)]
    base = [replace(each, sweep_point=point) for each in STUCK for point in points]
    arms = [replace(each, sweep_point=point) for each in arm("relu", [0.28, 0.25, 0.31, 0.27, 0.3]) for point in points]
    found = only([*base, *arms])
    effect = found.effects["final_validation_loss"]
    assert (effect.pairs, effect.wins, effect.p_value) == (10, 10, 0.0625)
    assert found.verdict == "cures"


def test_runs_that_share_no_seed_are_paired_by_order():
    others = [replace(each, seed=each.seed + 100) for each in arm("relu", [0.28, 0.25, 0.31, 0.27, 0.3])]
    found = only([*STUCK, *others])
    assert (found.verdict, found.paired_by) == ("cures", "order")


def test_an_infinite_loss_leaves_no_number_that_json_lacks():
    found = json.dumps(encode(compare([*DIVERGED, *arm("x", [NAN] * 5, "divergence")])), allow_nan=False)
    assert json.loads(found)["arms"][0]["effects"]["final_validation_loss"]["difference"] is None


def test_a_gain_is_negative_where_the_arm_is_better():
    results = [*STUCK, *arm("relu", [0.23] * 5), *arm("norm", [2.3] * 5)]
    assert gain(results, baseline="norm", arm="relu") == pytest.approx(-math.log(10))
    with pytest.raises(InsufficientData):
        gain(results, baseline="norm", arm="later")


@pytest.mark.parametrize(("losses", "factor"), [(("a", "a"), 2.0), ((None, "a"), 2.0), (("a", "b"), 4.0)])
def test_a_gain_is_one_of_the_loss_unless_the_losses_are_not_the_same(losses, factor):
    """A final loss of twice the other's, relative to the average's one of four times it."""
    one, other = arm("one", [0.5] * 2, relative_train_loss=0.1), arm("other", [1.0] * 2, relative_train_loss=0.4)
    results = [replace(run, loss=loss) for runs, loss in zip((one, other), losses, strict=True) for run in runs]
    assert gain(results, baseline="one", arm="other") == pytest.approx(math.log(factor))


def test_what_is_stored_of_a_comparison_is_read_again_as_it_was():
    comparison = compare([*STUCK, *arm("relu", [0.28, 0.25, 0.31, 0.27, 0.3], depth_slope=1.0)])
    again = decode(Comparison, json.loads(json.dumps(encode(comparison))))
    assert encode(again) == encode(comparison)
    assert isinstance(again.arms[0].effects["final_validation_loss"], RatioEffect)


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case["name"])
def test_the_answer_has_the_keys_and_numbers_that_it_always_had(case):
    found = compare(map(read_run, case["runs"]), **case["options"])
    answer = json.loads(ComparisonAnswer.model_validate(found, from_attributes=True).model_dump_json())
    assert to_twelve_digits(answer) == to_twelve_digits({**case["answer"], "notes": []})


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case["name"])
def test_what_an_earlier_version_stored_can_be_read(case):
    found = compare(map(read_run, case["runs"]), **case["options"])
    assert to_twelve_digits(encode(decode(Comparison, case["answer"]))) == to_twelve_digits(encode(found))


@pytest.mark.parametrize(("confidence", "fits"), [(0.5, True), (0.49, False), (0.99, True), (1.0, False)])
def test_a_confidence_is_from_a_half_to_below_one(confidence, fits):
    results = [*STUCK, *arm("relu", [0.3] * 5)]
    if fits:
        assert compare(results, confidence=confidence).false_verdicts_at_most == pytest.approx(1 - confidence)
    else:
        with pytest.raises(InvalidSpec):
            compare(results, confidence=confidence)


@pytest.mark.parametrize("metric", ["no_such_metric", "depth_slope"])
def test_verdicts_rest_on_no_unknown_metric_and_on_none_that_decides_nothing(metric):
    with pytest.raises(InvalidSpec, match="cannot"):
        compare(STUCK, metric=metric)


def test_an_unknown_baseline_is_refused_with_the_arms_that_there_are():
    with pytest.raises(InvalidSpec) as refused:
        compare(STUCK, baseline="main")
    assert "baseline" in refused.value.problems[0].allowed


def test_several_arms_share_the_error_and_say_so():
    one = compare([*STUCK, *arm("relu", [0.3] * 5)])
    two = compare([*STUCK, *arm("relu", [0.3] * 5), *arm("tanh", [0.3] * 5)])
    assert "Bonferroni" not in one.method
    assert "2 arms (Bonferroni)" in two.method
    assert (one.complete, one.baseline_runs) == (True, 5)


def test_runs_that_wait_on_either_side_leave_it_open_and_are_counted():
    waiting = [replace(STUCK[4], status="queued", metrics=None, diagnosis=None)]
    comparison = compare([*STUCK[:4], *waiting, *arm("relu", [0.28, 0.25, 0.31, 0.3])])
    found = comparison.arms[0]
    assert not comparison.complete
    assert (found.verdict, found.verdict_so_far, found.pending) == ("inconclusive", "cures", 0)
    assert "0 runs of this arm and 1 of the baseline have not ended. So far: " in found.reason
    alone = compare([*STUCK, *arm("relu", [0.3] * 4), replace(waiting[0], arm="relu")]).arms[0]
    assert alone.reason.startswith("1 run of this arm and 0 of the baseline have not ended. So far: ")


def test_conditions_that_harmed_the_baseline_are_not_new():
    found = only(
        [*STUCK, *arm("a", [2.3] * 3, "vanishing_gradients"), *[run("a", 3 + n, 2.3, "dead_units") for n in (0, 1)]]
    )
    assert found.new_conditions == {"dead_units": 2}


def test_where_steps_are_not_known_on_both_sides_runs_are_compared_by_their_seconds():
    base = arm("baseline", [0.5] * 3, train_seconds=1.0, steps_done=10)
    unknown = arm("other", [0.5] * 3, train_seconds=4.0, steps_done=None)
    assert only([*base, *unknown]).cost.train_seconds_ratio == pytest.approx(4.0)
    known = arm("other", [0.5] * 3, train_seconds=4.0, steps_done=20)
    assert only([*base, *known]).cost.train_seconds_ratio == pytest.approx(2.0)


def test_costs_are_geometric_means_of_those_that_are_positive_numbers():
    base = arm("baseline", [0.5] * 4, peak_memory_bytes=100)
    arms = [run("a", seed, 0.5, peak_memory_bytes=size) for seed, size in enumerate([200, 800, 0, None])]
    assert only([*base, *arms]).cost.memory_ratio == pytest.approx(4.0)
