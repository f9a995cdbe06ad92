import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from gradclinic.regression import check

from ..comparison.runs import CONSTANT, NAN, arm, run
from ..diagnoses import diagnosed, diagnosis, finding

LOSS = {"final_validation_loss": 0.1}
BOTH = {"final_validation_loss": 0.1, "final_validation_accuracy": 0.02}
LOSSES = [0.50, 0.52, 0.48, 0.51, 0.49]


def judged(new, baseline=None, *, margins=None):
    return check(baseline or arm("baseline", LOSSES), new, margins=margins or LOSS)


def with_accuracy(name, accuracies):
    return [run(name, seed, 0.5, final_validation_accuracy=value) for seed, value in enumerate(accuracies)]


def test_the_same_numbers_again_pass():
    report = judged(arm("new", LOSSES))
    assert (report.verdict, report.seeds_needed) == ("pass", None)
    assert report.summary == (
        "No worse than the margins allow. Validation loss equals the baseline's on each of 5 seeds."
        " Nothing hurt learning."
    )


def test_new_runs_on_another_device_are_judged_with_a_note():
    pinned, new = (
        [replace(each, environment={"device_name": device}) for each in arm(name, [0.5, 0.51, 0.49])]
        for name, device in (("baseline", "CPU"), ("new", "NVIDIA H200"))
    )
    report = check(pinned, new, margins={"final_validation_loss": 0.1})
    assert report.verdict == "pass"
    assert "CPU in 3, NVIDIA H200 in 3" in report.notes[0]


def test_a_better_result_passes_however_much_it_scatters():
    factors = (0.4, 0.5, 0.3, 0.6, 0.4)
    assert judged(arm("new", [loss * factor for loss, factor in zip(LOSSES, factors, strict=True)])).verdict == "pass"


def test_losses_of_standardized_targets_are_compared_in_the_unit_of_the_baselines_targets():
    def measured(name, losses, *, scale):
        return [
            run(name, seed, loss / scale, loss_unit=scale, relative_train_loss=loss / 8e6)
            for seed, loss in enumerate(losses)
        ]

    own = [loss * 2e6 for loss in LOSSES]
    before = measured("baseline", own, scale=1.0)
    assert judged(measured("new", own, scale=2e6), before).verdict == "pass"
    assert judged(measured("new", [2 * loss for loss in own], scale=2e6), before).verdict == "fail"


def test_a_loss_that_is_beyond_the_margin_on_every_seed_fails_and_names_the_metric():
    report = judged(arm("new", [loss * (1.5 + seed / 100) for seed, loss in enumerate(LOSSES)]))
    assert report.verdict == "fail"
    (found,) = report.metrics
    assert (found.metric, found.verdict, found.limit) == ("final_validation_loss", "fail", 1.1)
    assert found.effect.ratio_interval[0] > 1.1
    assert "1.1 times is allowed" in report.summary


def test_a_loss_that_is_worse_within_the_margin_passes():
    assert judged(arm("new", [loss * 1.05 for loss in LOSSES])).verdict == "pass"


def test_three_networks_that_no_longer_learn_fail():
    before = [run("baseline", seed, 0.83 + seed / 100, final_validation_accuracy=0.88) for seed in range(3)]
    sick = [run("new", seed, 2.3 + seed / 500, "dead_units", final_validation_accuracy=0.1) for seed in range(3)]
    report = judged(sick, before, margins=BOTH)
    assert report.verdict == "fail"
    assert [each.verdict for each in report.metrics] == ["fail", "fail"]


def test_more_seeds_than_are_practical_are_not_suggested():
    report = judged(
        arm("new", [loss * factor for loss, factor in zip(LOSSES, (0.7, 1.5, 0.8, 1.6, 0.75), strict=True)])
    )
    assert (report.verdict, report.seeds_needed) == ("inconclusive", None)
    assert "a larger margin might" in report.summary


def test_scatter_around_the_margin_decides_nothing_and_says_how_many_seeds_would():
    factors = (0.8, 1.3, 1.0, 1.2, 0.7)
    report = judged(arm("new", [loss * factor for loss, factor in zip(LOSSES, factors, strict=True)]))
    assert report.verdict == "inconclusive"
    assert report.seeds_needed > 5
    assert f"About {report.seeds_needed} seeds would decide" in report.summary


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("factor", [1, 3])
def test_fewer_than_three_seeds_decide_nothing(seeds, factor):
    report = judged(arm("new", [loss * factor for loss in LOSSES[:seeds]]))
    assert (report.verdict, report.seeds_needed) == ("inconclusive", 3)


def test_the_accuracy_fails_where_it_falls_and_passes_where_it_rises():
    before = with_accuracy("baseline", [0.90, 0.91, 0.92, 0.90])
    fallen = judged(with_accuracy("new", [0.70, 0.72, 0.71, 0.72]), before, margins=BOTH)
    assert [each.verdict for each in fallen.metrics] == ["pass", "fail"]
    assert fallen.metrics[1].limit == -0.02
    assert "a fall of 0.02 is allowed" in fallen.summary
    risen = judged(with_accuracy("new", [0.95, 0.97, 0.96, 0.95]), before, margins=BOTH)
    assert risen.verdict == "pass"


def test_a_run_without_the_number_keeps_its_metric_from_passing():
    before = with_accuracy("baseline", [0.90, 0.91, 0.92, 0.90])
    after = with_accuracy("new", [0.90, 0.91, 0.92, None])
    report = judged(after, before, margins=BOTH)
    assert [each.verdict for each in report.metrics] == ["pass", "inconclusive"]
    assert "1 of the new runs have none" in report.summary


def test_the_intervals_say_with_which_confidence_they_hold_together():
    (found,) = judged(arm("new", LOSSES)).metrics
    assert found.effect.confidence == 0.935


def test_a_margin_of_nothing_lets_the_same_numbers_pass_and_no_others():
    nothing = {"final_validation_loss": 0.0}
    assert judged(arm("new", LOSSES), margins=nothing).verdict == "pass"
    worse = arm("new", [loss * (1.001 + seed / 1e5) for seed, loss in enumerate(LOSSES)])
    assert judged(worse, margins=nothing).verdict == "fail"


def test_new_runs_that_all_diverge_fail_by_metric_and_by_condition():
    report = judged(arm("new", [NAN] * 5, "divergence"))
    assert report.verdict == "fail"
    assert [each.verdict for each in report.metrics] == ["fail"]
    (condition,) = report.conditions
    assert (condition.condition, condition.verdict) == ("divergence", "fail")
    assert (condition.new_seeds, condition.baseline_seeds) == (5, 0)
    assert "5 of 5 new seeds" in report.summary


def test_a_single_run_that_diverges_may_be_chance_and_is_no_pass():
    new = [*arm("new", LOSSES[:4]), run("new", 4, NAN, "divergence")]
    report = judged(new)
    assert report.verdict == "inconclusive"
    assert "it is new, but may be chance" in report.summary


def test_a_baseline_that_diverges_is_matched_by_a_new_result_that_does_so_too():
    diverged = arm("baseline", [NAN] * 5, "divergence")
    assert judged(arm("new", [NAN] * 5, "divergence"), diverged).verdict == "pass"
    assert judged(arm("new", LOSSES), diverged).verdict == "pass"


def test_a_condition_that_does_no_harm_is_none():
    report = judged(arm("new", LOSSES, "vanishing_gradients", harmful=False))
    assert (report.verdict, report.conditions) == ("pass", ())


def test_a_condition_that_the_baseline_has_too_is_not_new():
    sick = [
        run("baseline", seed, loss, "slow_convergence" if seed < 2 else "healthy") for seed, loss in enumerate(LOSSES)
    ]
    again = [run("new", seed, loss, "slow_convergence" if seed > 1 else "healthy") for seed, loss in enumerate(LOSSES)]
    assert judged(again, sick).verdict == "pass"


def test_one_harmful_condition_in_place_of_another_fails():
    before = arm("baseline", LOSSES, "slow_convergence")
    report = judged(arm("new", LOSSES, "dead_units"), before)
    assert {each.condition: each.verdict for each in report.conditions} == {
        "dead_units": "fail",
        "slow_convergence": "pass",
    }


def test_a_condition_names_the_layers_that_most_seeds_name():
    layers = [("1.linear",), *[("3.linear", "1.linear")] * (len(LOSSES) - 1)]
    new = [
        replace(each, diagnosis=diagnosis(finding("dead_units", layers=named)))
        for each, named in zip(arm("new", LOSSES, "dead_units"), layers, strict=True)
    ]
    (found,) = judged(new).conditions
    assert found.layers == ("1.linear", "3.linear")
    assert "in 1.linear, 3.linear" in found.reason


def test_a_run_that_was_not_trained_keeps_a_check_from_passing_and_not_from_failing():
    lost = run("new", 4, NAN, status="failed")
    passing = judged([*arm("new", LOSSES[:4]), lost])
    assert (passing.verdict, len(passing.lost)) == ("inconclusive", 1)
    assert "1 of 5 new runs could not be trained" in passing.summary
    assert judged([*arm("new", [loss * 3 for loss in LOSSES[:4]]), lost]).verdict == "fail"


def test_a_baseline_with_more_seeds_is_compared_on_the_shared_ones_and_its_conditions_all_count():
    before = [*arm("baseline", LOSSES), run("baseline", 9, 0.5, "oscillating_loss")]
    report = judged(arm("new", LOSSES), before)
    assert report.seeds == (0, 1, 2, 3, 4)
    assert report.conditions[0].of_baseline == 6


def test_numbers_that_are_not_finite_stay_what_they_are_and_have_no_difference():
    report = judged(arm("new", [NAN] * 5, "divergence"))
    assert math.isnan(report.metrics[0].values[0].new)
    assert report.metrics[0].effect.difference is None


def test_seventeen_seeds_are_judged_by_the_conditional_chance():
    losses = [0.5 + seed / 1000 for seed in range(17)]
    sick = [run("new", seed, loss, "dead_units" if seed < 9 else "healthy") for seed, loss in enumerate(losses)]
    assert judged(sick, arm("baseline", losses)).verdict == "fail"
    few = [run("new", seed, loss, "dead_units" if seed < 2 else "healthy") for seed, loss in enumerate(losses)]
    assert judged(few, arm("baseline", losses)).verdict == "inconclusive"


def test_the_method_tells_the_confidence_that_conditions_leave_to_the_intervals():
    assert "93.5 % for all intervals together" in judged(arm("new", LOSSES)).method


def test_only_a_pass_without_harm_says_that_nothing_hurt():
    assert "Nothing hurt" not in judged(arm("new", [loss * 3 for loss in LOSSES])).summary
    sick = arm("baseline", LOSSES, "slow_convergence")
    again = judged(arm("new", LOSSES, "slow_convergence"), sick)
    assert again.verdict == "pass"
    assert "Nothing hurt" not in again.summary


def test_a_lost_run_has_to_be_trained_again_before_it_is_decided():
    report = judged([*arm("new", LOSSES[:4]), run("new", 4, NAN, status="failed")])
    assert report.seeds_needed == 5


def test_the_case_that_needs_most_seeds_says_how_many_are_needed():
    factors = (0.8, 1.3, 1.0, 1.2, 0.7)
    new = arm("new", [loss * factor for loss, factor in zip(LOSSES, factors, strict=True)])
    for seed in (0, 1):
        new[seed] = replace(new[seed], diagnosis=diagnosed("dead_units"))
    report = judged(new)
    needed = [each.seeds_needed for each in (*report.metrics, *report.conditions)]
    assert None not in needed
    assert len(set(needed)) == 2
    assert report.seeds_needed == max(needed)


def test_where_one_case_stays_open_whatever_the_seeds_no_number_is_named():
    before = with_accuracy("baseline", [0.90, 0.91, 0.92, 0.90])
    new = with_accuracy("new", [0.90, 0.91, 0.92, None])
    new[0] = replace(new[0], diagnosis=diagnosed("dead_units"))
    report = judged(new, before, margins=BOTH)
    assert (report.verdict, report.seeds_needed) == ("inconclusive", None)
    assert report.summary.endswith("No practical number of seeds would decide; a larger margin might.")


# --- the stated errors ----------------------------------------------------------------------------------


def verdicts(losses, *, seeds, checks, factor=1.0, nan_share=0.0, condition_share=0.0, margins=None):
    """Shares of checks by verdict whose new runs are drawn as the baseline's are, their losses times a factor."""
    rng = np.random.default_rng(20261126)
    found = dict.fromkeys(("pass", "fail", "inconclusive"), 0)
    for _ in range(checks):
        shared = rng.normal(size=seeds)
        sides = []
        for name, times in (("baseline", 1.0), ("new", factor)):
            values = losses(rng, shared) * times
            values[rng.random(seeds) < nan_share] = np.nan
            sides.append([])
            for seed, value in enumerate(values):
                sick = [word for word in ("dead_units", "divergence") if rng.random() < condition_share]
                sick += ["slow_convergence"] if not value <= CONSTANT / 2 else []
                accuracy = float(np.clip(np.round(40 * np.exp(-value)) / 40, 0, 1)) if np.isfinite(value) else None
                made = run(name, seed, float(value), final_validation_accuracy=accuracy)
                sides[-1].append(replace(made, diagnosis=diagnosed(*(sick or ["healthy"]))))
        found[check(*sides, margins=margins or BOTH).verdict] += 1
    return {verdict: count / checks for verdict, count in found.items()}


def normal(rng, shared):
    return np.exp(-1.0 + 0.2 * shared + 0.1 * rng.normal(size=len(shared)))


def skewed(rng, shared):
    return np.exp(-2.0 + 0.2 * shared + 0.3 * rng.exponential(size=len(shared)))


def heavy_tailed(rng, shared):
    return np.exp(-2.0 + 0.2 * shared + 0.3 * rng.standard_t(2, size=len(shared)))


def stuck_or_not(rng, shared):
    """Half of the networks learn nothing."""
    stuck = CONSTANT * np.exp(0.003 * rng.normal(size=len(shared)))
    return np.where(rng.random(len(shared)) < 0.5, stuck, normal(rng, shared))


def holds(share, *, checks, stated=0.05, errors=3.5):
    """At most what is stated, with room for the simulation's own scatter."""
    return share <= stated + errors * (stated * (1 - stated) / checks) ** 0.5


@pytest.mark.parametrize(
    ("losses", "seeds", "nan_share", "condition_share"),
    [(normal, 5, 0, 0), (normal, 3, 0.5, 0), (stuck_or_not, 3, 0, 0), (heavy_tailed, 3, 0.1, 0), (normal, 4, 0, 0.5)],
)
def test_equal_results_fail_at_most_five_times_in_a_hundred(losses, seeds, nan_share, condition_share):
    found = verdicts(losses, seeds=seeds, checks=200, nan_share=nan_share, condition_share=condition_share)
    assert holds(found["fail"], checks=200), found


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 4, 5, 8])
@pytest.mark.parametrize("losses", [normal, skewed, heavy_tailed, stuck_or_not])
def test_the_stated_error_holds_at_every_size_and_share_of_runs_that_diverge(losses, seeds):
    for nan_share in (0, 0.1, 0.5, 0.9):
        found = verdicts(losses, seeds=seeds, checks=800, nan_share=nan_share)
        assert holds(found["fail"], checks=800), (nan_share, found)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 4, 5, 8])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_conditions_that_fall_like_coins_do_not_raise_the_error(seeds, share):
    found = verdicts(normal, seeds=seeds, checks=800, condition_share=share)
    assert holds(found["fail"], checks=800), found


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_at_the_margin_itself_neither_a_fail_nor_a_pass_is_more_frequent_than_stated(seeds):
    found = verdicts(normal, seeds=seeds, checks=3000, factor=1.1, margins=LOSS)
    assert holds(found["fail"], checks=3000, stated=0.0325), found
    assert holds(found["pass"], checks=3000, stated=0.0325), found


@pytest.mark.slow
def test_a_loss_half_as_large_again_is_noticed_with_ten_seeds_in_most_checks_and_passes_in_none():
    found = verdicts(normal, seeds=10, checks=500, factor=1.5, margins=LOSS)
    assert found["fail"] > 0.9
    assert found["pass"] == 0


def test_importing_it_does_not_import_scipy():
    code = "import sys, gradclinic.regression; sys.exit('scipy' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
