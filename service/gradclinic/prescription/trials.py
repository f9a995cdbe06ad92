"""What a prescription asks for (trials), what it gets back (results), and what it may spend (a budget)."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log
from typing import Annotated, Self

from pydantic import Field, model_validator

from ..comparison import RunResult
from ..experiments.experiment import Experiment
from ..kernel.spec import Spec
from ..kernel.vocabulary import SearchRound
from ..remedies import Remedy


class Budget(Spec):
    """What the search may spend: seconds of training, or runs (a short one counts as one)."""

    seconds: Annotated[float | None, Field(gt=0, le=1e7)] = None
    """Seconds of training, summed over runs, recording included; the end is overrun by the runs under way at most."""
    runs: Annotated[int | None, Field(ge=8, le=10_000)] = None
    """Runs in all; fewer than 8 can confirm nothing."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.seconds is None) == (self.runs is None):
            raise ValueError("a budget is in seconds or in runs")
        return self


DEFAULT_BUDGET = Budget(seconds=240.0)


@dataclass(frozen=True)
class Trial:
    """One run that the search wants."""

    key: str
    """Names the trial within its prescription: the same for the same search, whoever asks."""
    round: SearchRound
    arm: str
    remedies: tuple[Remedy, ...]
    experiment: Experiment
    """Resolved, with the trial's seed and steps: ready to train."""

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
    """A trial of an arm from a seed, for so many steps."""
    training = experiment.training.model_copy(update={"seed": seed, "steps": steps})
    return Trial(
        key=f"{arm}|{seed}|{steps}",
        round=round_,
        arm=arm,
        remedies=remedies,
        experiment=experiment.model_copy(update={"training": training}),
    )


Results = Mapping[str, RunResult]
"""The results so far by their trials' keys."""


def loss_left(result: RunResult) -> float:
    """Share of the constant predictor's loss that is left, in training or validation, whichever is worse.

    Infinite for a run that diverged or could not be trained.
    """
    left = result.metric("relative_train_loss")
    validation, constant = result.metric("final_validation_loss"), result.constant_loss
    if not result.succeeded or left is None or result.broke_off:
        return inf
    values = [left] + ([validation / constant] if validation is not None and constant else [])
    return max(inf if value != value else value for value in values)  # noqa: PLR0124  # NaN is unequal to itself


LEAST = 0.01
"""Candidates that leave less than this of the loss are equally good for the race."""
HARM = log(4)
"""A harmful finding weighs like four times the loss: it may be what the shortened run is about."""


def badness(result: RunResult) -> float:
    """What the race goes by: log of the loss left, worse by ln 4 with a harmful finding. Smaller is better."""
    left = loss_left(result)
    return (inf if left == inf else log(max(left, LEAST))) + (HARM if result.harmful else 0.0)


def seconds(result: RunResult) -> float:
    """What a run cost."""
    if result.seconds is not None:
        return result.seconds
    parts = (result.metric("train_seconds"), result.metric("recording_seconds"))
    return sum(part for part in parts if part is not None)
