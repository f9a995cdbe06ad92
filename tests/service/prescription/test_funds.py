"""How a budget is divided, by hand."""

import pytest

from gradclinic.prescription import Budget
from gradclinic.prescription.funds import BudgetPlan, affords, divide

from .test_search import TASK
from .world import hopeless, search


@pytest.mark.parametrize(
    ("runs", "divided"),
    [
        (40, BudgetPlan(screen=5, race=5, finalists=2, confirm_seeds=5)),
        (30, BudgetPlan(screen=3, race=2, finalists=2, confirm_seeds=5)),
        (29, BudgetPlan(screen=4, race=3, finalists=1, confirm_seeds=5)),
        (24, BudgetPlan(screen=2, race=2, finalists=1, confirm_seeds=5)),
        (23, BudgetPlan(screen=4, race=3, finalists=1, confirm_seeds=3)),
        (8, BudgetPlan(screen=2, race=1, finalists=1, confirm_seeds=3)),
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
