"""The trials, results and budget of a search."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log
from typing import Annotated

from pydantic import Field, model_validator
from typing_extensions import Self

from ..comparison import RunResult
from ..experiments.experiment import Experiment
from ..kernel.spec import Spec
from ..kernel.vocabulary import SearchRound
from ..remedies import Remedy


class Budget(Spec):
    """The budget of a search: seconds of training, or a number of runs (a short run counts as one)."""

    seconds: Annotated[float | None, Field(gt=0, le=1e7)] = None
    """Total seconds of training over all runs, including recording. Runs in progress at the end may exceed it."""
    runs: Annotated[int | None, Field(ge=1, le=10_000)] = None
    """Total number of runs, which is never exceeded."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.seconds is None) == (self.runs is None):
            raise ValueError("a budget has either seconds or runs")
        return self


DEFAULT_BUDGET = Budget(seconds=240.0)


@dataclass(frozen=True)
class Trial:
    """One run that the search requests."""

    key: str
    """Identifies the trial within its prescription; deterministic for the same search."""
    round: SearchRound
    arm: str
    remedies: tuple[Remedy, ...]
    experiment: Experiment
    """The resolved experiment with the trial's seed and steps, ready to train."""

    @property
    def seed(self) -> int:
        """The training seed."""
        return self.experiment.training.seed

    @property
    def steps(self) -> int:
        """Optimizer steps; fewer than the experiment's while candidates are screened."""
        return self.experiment.training.steps


def trial(
    round_: SearchRound, arm: str, remedies: tuple[Remedy, ...], experiment: Experiment, *, seed: int, steps: int
) -> Trial:
    """A trial of an arm with this seed and number of steps."""
    training = experiment.training.model_copy(update={"seed": seed, "steps": steps})
    return Trial(
        key=f"{arm}|{seed}|{steps}",
        round=round_,
        arm=arm,
        remedies=remedies,
        experiment=experiment.model_copy(update={"training": training}),
    )


Results = Mapping[str, RunResult]
"""The results so far, by trial key."""


def loss_left(result: RunResult) -> float:
    """Loss relative to always predicting the average: the larger of training and validation.

    Infinite for a run that diverged or could not be trained.
    """
    left = result.metric("relative_train_loss")
    validation, constant = result.metric("final_validation_loss"), result.constant_loss
    if not result.succeeded or left is None or result.broke_off:
        return inf
    values = [left] + ([validation / constant] if validation is not None and constant else [])
    return max(inf if value != value else value for value in values)  # noqa: PLR0124  # NaN is unequal to itself


LEAST = 0.01
"""Candidates whose relative loss is below this count as equally good in the race."""
HARM = log(4)
"""A harmful finding counts like a fourfold loss: in a shortened run it may predict the outcome."""


def badness(result: RunResult) -> float:
    """The score of the race: log of the relative loss, plus ln 4 with a harmful finding. Smaller is better."""
    left = loss_left(result)
    return (inf if left == inf else log(max(left, LEAST))) + (HARM if result.harmful else 0.0)


def seconds(result: RunResult) -> float:
    """Duration of a run in seconds; 0 if unknown."""
    if result.seconds is not None:
        return result.seconds
    parts = (result.metric("train_seconds"), result.metric("recording_seconds"))
    return sum(part for part in parts if part is not None)
