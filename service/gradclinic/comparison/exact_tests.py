"""Exact tests beside the metric's interval: in how many seeds something bad happened, arm by arm."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from .chance import Tally, levels_of_extremes
from .intervals import EXACT_UP_TO
from .metrics import Metric
from .paired import PairedDifference, outcome
from .results import RunResult

RESERVED = 0.2
"""The share of the error that a condition may use up which is in every seed of the baseline and in none of an arm's;
the metric's interval has the rest. One error for both, so that a study of equal arms errs no more often than it says.
"""


@dataclass(frozen=True)
class Counts:
    """Of an arm's seeds: how many there are, and to how many something bad happened in some run."""

    seeds: int
    not_finite: int
    unlearned: int
    harmed: int


def count(runs: Sequence[RunResult], metric: Metric) -> Counts:
    """Count the seeds of the finished runs that have the metric."""
    known = {run.pair: (run, value) for run in runs if (value := outcome(metric, run)) is not None}
    return Counts(
        seeds=len({run.seed for run, _ in known.values()}),
        not_finite=len({run.seed for run, value in known.values() if not isfinite(value)}),
        unlearned=len({run.seed for run, _ in known.values() if not run.learned}),
        harmed=len({run.seed for run, _ in known.values() if run.harmful}),
    )


@dataclass(frozen=True)
class ExactTests:
    """The seed counts of an arm against the baseline's, tested together with the other arms."""

    error: float
    tallies: tuple[Tally, ...]
    """Of outcomes that are not finite, and of networks that did not learn."""
    harmed: Tally | None
    """Of conditions that hurt learning. None where nothing is to be counted, or where there are more than 16 seeds:
    that many make Student's interval right whatever the outcomes, and a condition of all against none no chance."""

    @classmethod
    def of(cls, baseline: Counts, arm: Counts, others: Sequence[Counts], *, error: float) -> "ExactTests":
        every = (baseline, arm, *(each for each in others if each.seeds))
        seeds = tuple(each.seeds for each in every)
        if not min(seeds) or max(seeds) > EXACT_UP_TO:
            return cls(error, (), None)
        not_finite = Tally(seeds, tuple(each.not_finite for each in every))
        unlearned = Tally(seeds, tuple(each.unlearned for each in every))
        return cls(error, (not_finite, unlearned), Tally(seeds, tuple(each.harmed for each in every)))

    @property
    def reserved(self) -> float:
        """The part of the error that conditions of all against none can use up."""
        return levels_of_extremes(self.harmed.seeds, RESERVED * self.error).error if self.harmed is not None else 0.0

    def all_against_none(self) -> bool:
        """Whether conditions that harmed every seed of the baseline and none of the arm's are no chance."""
        return self.harmed is None or self.harmed.all_against_none(RESERVED * self.error)

    def bears_out(self, paired: PairedDifference) -> bool:
        """Whether an interval that excludes zero is more than seeds that ended in another way by chance.

        It is where the seeds that ended alike on both sides exclude zero by themselves, or where the difference in
        endings is more than chance.
        """
        if len(paired.alike) == len(paired.differences) or not self.tallies:
            return True
        alike = paired.gain_interval_alike
        if alike is not None and (alike[1] < 0 if paired.gain < 0 else alike[0] > 0):
            return True
        return any(tally.decides(self.error) for tally in self.tallies)

    def seeds_that_decide(self) -> int | None:
        """The fewest seeds that would bear out endings as they are; None where up to 16 would not."""
        found = [tally.seeds_that_decide(self.error) for tally in self.tallies if tally.differs]
        return min((each for each in found if each is not None), default=None)

    def seeds_for_all_against_none(self) -> int | None:
        """The fewest seeds with which conditions of all against none would be no chance; None beyond 16."""
        if self.harmed is None:
            return None
        return self.harmed.seeds_that_decide(RESERVED * self.error, all_against_none=True)
