"""How many candidates fit into a budget, after reserving the runs of the final rounds."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from ..comparison import RunResult
from ..experiments.experiment import Experiment
from ..experiments.lowering import lower
from .trials import Budget, seconds

FLOPS = 1e10
"""Floating-point operations per second of one core in small matrix products: a guess, until a run has 20 steps."""
OVERHEAD = 1e-4
"""Seconds per layer and step (forward, backward and recording): a guess, until a run has 20 steps."""

SEEDS_TO_CONFIRM = 5
"""Number of new seeds of the confirmation: with fewer it is often inconclusive, with more less is left to search."""


@dataclass(frozen=True)
class BudgetPlan:
    """How the remaining budget is divided."""

    screen: int
    """Number of first candidates to screen: short runs with one seed."""
    improve: int
    """Number of short runs that are left once the later rounds are paid for."""
    race: int
    """Number of candidates with full-length runs, on two seeds."""
    finalists: int
    confirm_seeds: int


def guessed_rate(experiment: Experiment) -> float:
    """Estimated seconds per step on one core; a backward pass costs twice a forward pass."""
    network = lower(experiment)
    layers = sum(1 for _ in network.walk())
    return 3 * network.flops * experiment.training.batch_size / FLOPS + OVERHEAD * layers


def divide(budget: Budget, results: Iterable[RunResult], *, steps: int, short_steps: int, rate: float) -> BudgetPlan:
    """Divide the remaining budget: first the confirmation, then the race; half of the rest for each screening round.

    The confirmation trains the finalists, the baseline and the random control on each of its seeds.
    """
    left, short = _runs_left(budget, list(results), steps=steps, short_steps=short_steps, rate=rate)
    finalists = 2 if left >= 30 else 1
    confirm_seeds = SEEDS_TO_CONFIRM if left >= 24 else 3
    left -= confirm_seeds * (finalists + 2)
    race = int(min(5, max(1, left // 4)))
    left -= 2 * race
    return BudgetPlan(
        screen=int(max(2, left / 2 / short)),
        improve=int(max(0, left / short)),
        race=race,
        finalists=finalists,
        confirm_seeds=confirm_seeds,
    )


def affords(budget: Budget, results: Iterable[RunResult], *, runs: int, steps: int, rate: float) -> bool:
    """Whether `runs` further runs of `steps` steps fit into the budget."""
    left, _ = _runs_left(budget, list(results), steps=steps, short_steps=steps, rate=rate)
    return left >= runs


def _runs_left(
    budget: Budget, results: list[RunResult], *, steps: int, short_steps: int, rate: float
) -> tuple[float, float]:
    """Number of full runs that still fit into the budget, and the cost of a short run as a fraction of a full one.

    `rate` is the estimate of seconds per step that is used until runs have been timed.
    """
    if budget.runs is not None:
        return float(budget.runs - len(results)), 1.0
    spent = sum(seconds(result) for result in results)
    rates = [
        seconds(result) / taken
        for result in results
        if (taken := result.metric("steps_done")) is not None and taken >= 20 and seconds(result) > 0
    ]
    rate = median(rates) if rates else rate
    return ((budget.seconds or 0.0) - spent) / (rate * steps), short_steps / steps
