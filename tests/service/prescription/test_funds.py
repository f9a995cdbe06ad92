"""How a budget is divided, by hand."""

import pytest

from gradclinic.comparison import RunResult
from gradclinic.experiments.lowering import lower
from gradclinic.prescription import Budget
from gradclinic.prescription.funds import BudgetPlan, affords, divide, guessed_rate

from ..metrics import metrics
from .test_search import TASK
from .world import EXPERIMENT, hopeless, search


@pytest.mark.parametrize(
    ("runs", "divided"),
    [
        (40, BudgetPlan(screen=5, improve=10, race=5, finalists=2, confirm_seeds=5)),
        (30, BudgetPlan(screen=3, improve=6, race=2, finalists=2, confirm_seeds=5)),
        (29, BudgetPlan(screen=4, improve=8, race=3, finalists=1, confirm_seeds=5)),
        (24, BudgetPlan(screen=2, improve=5, race=2, finalists=1, confirm_seeds=5)),
        (23, BudgetPlan(screen=4, improve=8, race=3, finalists=1, confirm_seeds=3)),
        (13, BudgetPlan(screen=2, improve=2, race=1, finalists=1, confirm_seeds=3)),
    ],
)
def test_runs_pay_for_the_confirmation_first_and_then_for_the_race(runs, divided):
    assert divide(Budget(runs=runs), [], steps=300, short_steps=100, rate=1.0) == divided


def test_of_seconds_a_short_run_costs_its_share_of_a_full_one():
    free = {"steps": 300, "rate": 0.01}
    assert divide(Budget(seconds=120), [], short_steps=300, **free) == divide(
        Budget(runs=40), [], short_steps=300, **free
    )
    assert divide(Budget(seconds=120), [], short_steps=100, **free).screen == 15


def test_what_runs_took_is_taken_for_what_runs_will_take():
    results = list(search(TASK, hopeless).results.values())  # each takes 0.01 s a step
    spent = sum(0.01 * result.metrics.steps_done for result in results)
    budget = Budget(seconds=spent + 30.5)
    assert affords(budget, results, runs=10, steps=300, rate=99.0)
    assert not affords(budget, results, runs=11, steps=300, rate=99.0)


def test_before_anything_was_timed_a_step_costs_three_forward_passes_and_something_for_each_layer():
    network = lower(EXPERIMENT)
    layers = len(list(network.walk()))
    batch = EXPERIMENT.training.batch_size
    assert guessed_rate(EXPERIMENT) == pytest.approx(3 * network.flops * batch / 1e10 + 1e-4 * layers)
    wide = EXPERIMENT.model_copy(
        update={"training": EXPERIMENT.training.model_copy(update={"batch_size": 1000 * batch})}
    )
    difference = guessed_rate(wide) - guessed_rate(EXPERIMENT)
    assert difference == pytest.approx(999 * 3 * network.flops * batch / 1e10)


def timed(steps, seconds):
    return RunResult(
        f"run_{steps}_{seconds}", "arm", 0, seconds=seconds, metrics=metrics(steps_done=steps) if steps else None
    )


@pytest.mark.parametrize(
    ("results", "runs"),
    [
        ([], 10),  # 30 s at the guessed 0.01 s a step
        ([timed(20, 0.4)], 4),  # 29.6 s at 0.02
        ([timed(19, 1.9)], 9),  # too short to be timed: 28.1 s at the guessed 0.01
        ([timed(100, 0.0)], 10),
        ([timed(None, 3.0)], 9),
        ([timed(100, 2.0), timed(100, 1.0), timed(100, 9.0)], 3),  # 18 s at the median of 0.02
    ],
)
def test_what_is_left_is_divided_by_the_typical_seconds_a_step(results, runs):
    known = {"steps": 300, "rate": 0.01}
    assert affords(Budget(seconds=30), results, runs=runs, **known)
    assert not affords(Budget(seconds=30), results, runs=runs + 1, **known)


def test_of_a_number_of_runs_each_that_ended_takes_one():
    known = {"steps": 300, "rate": 9.0}
    assert affords(Budget(runs=10), [timed(300, 99.0)] * 3, runs=7, **known)
    assert not affords(Budget(runs=10), [timed(300, 99.0)] * 3, runs=8, **known)
