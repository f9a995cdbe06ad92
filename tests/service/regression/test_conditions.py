"""Which conditions count against a new result, by hand."""

from dataclasses import replace

from gradclinic.regression.chance import Befell
from gradclinic.regression.conditions import condition_checks

from ..comparison.runs import arm, run
from ..diagnoses import diagnosis, finding

ERROR = 0.02


def runs(name, *findings):
    """A run for each seed: with its finding, or healthy where there is None."""
    return [
        replace(run(name, seed, 0.5), diagnosis=diagnosis(each or finding("healthy", harm=False)))
        for seed, each in enumerate(findings)
    ]


def dead(*layers, harm=True):
    return finding("dead_units", layers=layers, harm=harm)


HEALTHY = arm("baseline", [0.5] * 5)


def test_what_befell_one_seed_is_open_and_names_three_layers_and_how_many_more():
    (found,) = condition_checks(HEALTHY, runs("new", dead("a", "b", "c", "d", "e"), *[None] * 4), error=ERROR)
    assert found.reason == (
        "Dead units hurt learning in 1 of 5 new seeds, in a, b, c and 2 more, and in 0 of 5 of the baseline's;"
        " it is new, but may be chance."
    )
    assert (found.verdict, found.seeds_needed) == ("inconclusive", Befell(1, 5, 0, 5).seeds_needed(ERROR))


def test_three_layers_are_all_that_are_named():
    (found,) = condition_checks(HEALTHY, runs("new", dead("a", "b", "c"), *[None] * 4), error=ERROR)
    assert "in a, b, c, and in 0 of 5" in found.reason


def test_two_of_three_may_be_chance_and_three_seeds_more_would_tell():
    (found,) = condition_checks(HEALTHY[:2], runs("new", dead(), dead()), error=ERROR)
    assert (found.verdict, found.seeds_needed) == ("inconclusive", 3)


def test_what_is_decided_needs_no_more_seeds():
    (found,) = condition_checks(HEALTHY, runs("new", *[dead("a")] * 5), error=ERROR)
    assert (found.verdict, found.seeds_needed) == ("fail", None)
    assert found.reason == (
        "Dead units hurt learning in 5 of 5 new seeds, in a, and in 0 of 5 of the baseline's; this is significant."
    )


def test_what_the_baseline_had_too_is_not_new_and_needs_no_more_seeds():
    before = runs("baseline", dead(), *[None] * 4)
    (found,) = condition_checks(before, runs("new", dead(), dead(), None, None, None), error=ERROR)
    assert (found.verdict, found.seeds_needed) == ("pass", None)
    assert found.reason == "Dead units hurt learning in 2 of 5 new seeds, and in 1 of 5 of the baseline's."


def test_layers_are_not_named_where_the_condition_hurts_no_new_seed():
    (found,) = condition_checks(
        runs("baseline", dead("a"), *[None] * 4), runs("new", dead("a", harm=False), *[None] * 4), error=ERROR
    )
    assert (found.verdict, found.layers) == ("pass", ("a",))
    assert found.reason == "Dead units hurt learning in 0 of 5 new seeds, and in 1 of 5 of the baseline's."


def test_two_conditions_share_the_error():
    # Three of three against none has the chance 1/64: within 2 %, and not within half of that.
    before = HEALTHY[:3]
    assert [each.verdict for each in condition_checks(before, runs("new", *[dead()] * 3), error=ERROR)] == ["fail"]
    both = diagnosis(dead(), finding("slow_convergence"))
    new = [replace(each, diagnosis=both) for each in runs("new", None, None, None)]
    assert [each.verdict for each in condition_checks(before, new, error=ERROR)] == ["inconclusive", "inconclusive"]


def test_what_befell_most_new_seeds_comes_first_and_of_two_alike_the_name_decides():
    slow, noisy = finding("slow_convergence"), finding("oscillating_loss")
    new = runs("new", dead(), noisy, slow, slow, None)
    found = condition_checks(HEALTHY, new, error=ERROR)
    assert [each.condition for each in found] == ["slow_convergence", "dead_units", "oscillating_loss"]


def test_a_seed_that_was_trained_twice_counts_once():
    (found,) = condition_checks([*HEALTHY, *HEALTHY], runs("new", dead(), None, None) * 2, error=ERROR)
    assert (found.new_seeds, found.of_new, found.of_baseline) == (1, 3, 5)
