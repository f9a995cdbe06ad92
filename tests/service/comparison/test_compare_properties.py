import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradclinic.comparison import compare
from gradclinic.kernel.codec import encode

from .runs import CONSTANT, arm, run

losses = st.one_of(st.floats(1e-9, 1e9), st.just(float("nan")), st.just(float("inf")))
conditions = st.sampled_from(["healthy", "vanishing_gradients", "divergence", "insufficient_evidence"])


@st.composite
def studies(draw):
    arms = ["baseline", *draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=5, unique=True))]
    seeds = draw(st.integers(1, 6))
    return [
        run(name, seed, draw(losses), draw(conditions), status=draw(st.sampled_from(["succeeded"] * 5 + ["failed"])))
        for name in arms
        for seed in range(seeds)
    ]


@settings(max_examples=75, deadline=None)
@given(studies())
def test_ranks_are_a_permutation_and_nothing_raises_whatever_is_not_finite(results):
    comparison = compare(results)
    assert sorted(each.rank for each in comparison.arms) == list(range(1, len(comparison.arms) + 1))
    json.dumps(encode(comparison), allow_nan=False)
    for each in comparison.arms:
        for effect in each.effects.values():
            assert effect.wins + effect.losses <= effect.pairs
            if effect.interval:
                assert effect.interval[0] <= effect.difference <= effect.interval[1]


@settings(max_examples=60, deadline=None)
@given(studies(), st.randoms())
def test_the_order_of_the_runs_does_not_matter(results, random):
    names = list(dict.fromkeys(each.arm for each in results))
    shuffled = random.sample(results, len(results))
    assert compare(results, arms=names) == compare(shuffled, arms=names)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(losses, losses), min_size=1, max_size=7))
def test_swapping_arm_and_baseline_flips_the_signs(pairs):
    def effect(first, second):
        base = arm("baseline", [pair[first] for pair in pairs])
        other = arm("other", [pair[second] for pair in pairs])
        found = compare([*base, *other]).arms[0]
        return found.verdict, found.effects["final_validation_loss"]

    (verdict, there), (mirrored, back) = effect(0, 1), effect(1, 0)
    assert (there.wins, there.losses) == (back.losses, back.wins)
    assert there.p_value == pytest.approx(back.p_value)
    assert mirrored == {"improves": "harms", "harms": "improves"}.get(verdict, verdict)
    if there.difference is not None:
        assert there.difference == pytest.approx(-back.difference)
    if there.interval is not None:
        assert there.interval == pytest.approx([-bound for bound in reversed(back.interval)])


def normal(rng, shared):
    """Losses that are normal on the scale of comparisons, seeds alike in all arms."""
    return np.exp(-1.0 + 0.2 * shared + 0.2 * rng.normal(size=len(shared)))


def skewed(rng, shared):
    return np.exp(-2.0 + 0.2 * shared + 0.3 * rng.exponential(size=len(shared)))


def heavy_tailed(rng, shared):
    return np.exp(-2.0 + 0.2 * shared + 0.3 * rng.standard_t(2, size=len(shared)))


def stuck_or_not(rng, shared):
    """Half of the networks learn nothing."""
    stuck = CONSTANT * np.exp(0.003 * rng.normal(size=len(shared)))
    return np.where(rng.random(len(shared)) < 0.5, stuck, normal(rng, shared))


def false_verdicts(losses, *, seeds, arms, studies, nan_share=0.0, condition_share=0.0):
    """Share of studies of equal arms in which some arm gets a verdict that says it differs."""
    rng = np.random.default_rng(20260101)
    wrong = 0
    for _ in range(studies):
        results = []
        shared = rng.normal(size=seeds)
        for name in ["baseline", *(f"arm{index}" for index in range(arms))]:
            values = losses(rng, shared)
            values[rng.random(seeds) < nan_share] = np.nan
            for seed, value in enumerate(values):
                sick = not value <= CONSTANT / 2 or rng.random() < condition_share
                results.append(run(name, seed, float(value), "divergence" if sick else "healthy"))
        wrong += any(each.verdict in ("cures", "improves", "harms") for each in compare(results).arms)
    return wrong / studies


def holds(share, *, studies, errors=2.6):
    """At most 5 %, with room for the simulation's own scatter: 2.6 standard errors, 1 in 200."""
    return share <= 0.05 + errors * (0.05 * 0.95 / studies) ** 0.5


@pytest.mark.parametrize(
    ("losses", "seeds", "arms", "nan_share", "condition_share"),
    [
        (normal, 5, 2, 0, 0.5),
        (normal, 3, 1, 0.5, 0),
        (normal, 3, 7, 0.5, 0),
        (stuck_or_not, 3, 3, 0, 0),
        (skewed, 4, 3, 0.1, 0),
        (heavy_tailed, 3, 2, 0, 0),
    ],
)
def test_equal_arms_get_a_false_verdict_at_most_five_times_in_a_hundred(
    losses, seeds, arms, nan_share, condition_share
):
    share = false_verdicts(
        losses, seeds=seeds, arms=arms, studies=150, nan_share=nan_share, condition_share=condition_share
    )
    assert holds(share, studies=150)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("arms", [1, 7])
@pytest.mark.parametrize("losses", [normal, skewed, heavy_tailed, stuck_or_not])
def test_the_stated_error_holds_at_every_size_of_a_study_and_share_of_runs_that_diverge(losses, seeds, arms):
    for nan_share in (0, 0.1, 0.5, 0.9):
        share = false_verdicts(losses, seeds=seeds, arms=arms, studies=200, nan_share=nan_share)
        assert holds(share, studies=200, errors=3.5), (nan_share, share)  # one of 96


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 4, 5])
@pytest.mark.parametrize("arms", [1, 3, 7])
def test_conditions_that_fall_like_coins_do_not_raise_the_error(seeds, arms):
    share = false_verdicts(normal, seeds=seeds, arms=arms, studies=500, condition_share=0.5)
    assert holds(share, studies=500, errors=3.5), share


def test_importing_the_comparison_does_not_import_scipy():
    code = "import sys, gradclinic.comparison; sys.exit('scipy' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
