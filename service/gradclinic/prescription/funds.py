"""How many candidates a budget pays for, with what the end of the search needs set aside."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from ..comparison import RunResult
from ..experiments.experiment import Experiment
from ..experiments.lowering import lower
from .trials import Budget, seconds

FLOPS = 1e10
"""Floating-point operations a second of one core in small products, and"""
OVERHEAD = 1e-4
"""seconds a layer and step, forward, backward and recording: a guess, for as long as no run has taken 20 steps."""

SEEDS_TO_CONFIRM = 5
"""Fresh seeds of the confirmation: with fewer a straddling interval is likely, with more the search is shorter."""


@dataclass(frozen=True)
class BudgetPlan:
    """How the rest of a search is divided."""

    screen: int
    """Candidates to screen, and again to improve: short runs of one seed."""
    race: int
    """Candidates that get full runs, of two seeds."""
    finalists: int
    confirm_seeds: int


def guessed_rate(experiment: Experiment) -> float:
    """Seconds a step that the experiment should take on one core; a backward pass is twice a forward one."""
    network = lower(experiment)
    layers = sum(1 for _ in network.walk())
    return 3 * network.flops * experiment.training.batch_size / FLOPS + OVERHEAD * layers


def divide(budget: Budget, results: Iterable[RunResult], *, steps: int, short_steps: int, rate: float) -> BudgetPlan:
    """Divide what is left: the confirmation first, then the race, and half of the rest for each round of screening.

    The confirmation trains the finalists, the baseline and the random control on each of its seeds.
    """
    left, short = _runs_left(budget, list(results), steps=steps, short_steps=short_steps, rate=rate)
    finalists = 2 if left >= 30 else 1
    confirm_seeds = SEEDS_TO_CONFIRM if left >= 24 else 3
    left -= confirm_seeds * (finalists + 2)
    race = int(min(5, max(1, left // 4)))
    left -= 2 * race
    return BudgetPlan(screen=int(max(2, left / 2 / short)), race=race, finalists=finalists, confirm_seeds=confirm_seeds)


def affords(budget: Budget, results: Iterable[RunResult], *, runs: int, steps: int, rate: float) -> bool:
    """Whether so many further runs of so many steps are within the budget."""
    left, _ = _runs_left(budget, list(results), steps=steps, short_steps=steps, rate=rate)
    return left >= runs


def _runs_left(
    budget: Budget, results: list[RunResult], *, steps: int, short_steps: int, rate: float
) -> tuple[float, float]:
    """Full runs that the budget still pays for, and what a short one counts of a full one.

    `rate` is the guess of the seconds a step that counts while no run has told better.
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
