import pytest

from gradclinic.regression import check, note_on_seeds, note_on_sick
from gradclinic.regression.power import seeds_that_can_fail

from ..comparison.runs import run

METRICS = ("final_validation_loss", "final_train_loss", "relative_train_loss")


@pytest.mark.parametrize("metrics", [1, 2, 3])
def test_with_the_named_seeds_and_no_fewer_a_network_that_no_longer_learns_fails(metrics):
    margins = dict.fromkeys(METRICS[:metrics], 0.1)
    enough = seeds_that_can_fail(metrics)
    for seeds in (enough - 1, enough):
        before, after = (
            [run(arm, seed, loss + seed / 500, harmful=False) for seed in range(seeds)]
            for arm, loss in (("baseline", 0.8), ("new", 2.3))
        )
        assert (check(before, after, margins=margins).verdict == "fail") == (seeds == enough)


def test_too_few_seeds_are_noted_with_the_number_that_is_enough():
    assert note_on_seeds(3, metrics=2) is None
    assert note_on_seeds(1, metrics=2) == "With a single seed no metric can fail or pass; 3 can."
    assert note_on_seeds(3, metrics=3) == (
        "With 3 seeds a network that no longer learns cannot fail a check of 3 metrics; with 4 it can."
    )


def test_a_baseline_of_sick_runs_is_told():
    assert note_on_sick({"healthy": 4, "slow_convergence": 1}) is None
    told = note_on_sick({"vanishing_gradients": 3, "healthy": 2})
    assert told.startswith("These runs are sick: vanishing gradients in 3 of 5.")
