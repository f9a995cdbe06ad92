"""Exact tests of the number of seeds with bad events, in addition to the interval of the metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from .chance import Tally, levels_of_extremes
from .intervals import EXACT_UP_TO
from .metrics import Metric
from .paired import PairedDifference, outcome
from .results import RunResult

RESERVED = 0.2
"""Fraction of the error for conditions in all seeds of the baseline and in none of an arm; the rest is for the
metric's interval. Both share one error, so the total error of a study of equal arms is at most the stated one.
"""


@dataclass(frozen=True)
class Counts:
    """The number of seeds of an arm, and how many of them have a run with a bad event."""

    seeds: int
    not_finite: int
    unlearned: int
    harmed: int


def count(runs: Sequence[RunResult], metric: Metric) -> Counts:
    """Counts of the seeds of finished runs that have the metric."""
    known = {run.pair: (run, value) for run in runs if (value := outcome(metric, run)) is not None}
    return Counts(
        seeds=len({run.seed for run, _ in known.values()}),
        not_finite=len({run.seed for run, value in known.values() if not isfinite(value)}),
        unlearned=len({run.seed for run, _ in known.values() if not run.learned}),
        harmed=len({run.seed for run, _ in known.values() if run.harmful}),
    )


@dataclass(frozen=True)
class ExactTests:
    """Tests of the seed counts of an arm against the baseline, jointly with the other arms."""

    error: float
    tallies: tuple[Tally, ...]
    """For outcomes that are not finite, and for networks that did not learn."""
    harmed: Tally | None
    """For conditions that hurt learning. None if there are none, or if there are more than 16 seeds: Student's interval
    is then valid for all outcomes, and a condition in all seeds against none is not chance."""

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
        """Fraction of the error that is needed for conditions in all seeds against none."""
        return levels_of_extremes(self.harmed.seeds, RESERVED * self.error).error if self.harmed is not None else 0.0

    def all_against_none(self) -> bool:
        """Whether conditions that harmed all seeds of the baseline and none of the arm's are significant."""
        return self.harmed is None or self.harmed.all_against_none(RESERVED * self.error)

    def bears_out(self, paired: PairedDifference) -> bool:
        """Whether an interval that excludes zero is not only due to seeds that ended differently by chance.

        True if the seeds that ended alike on both sides exclude zero by themselves, or if the difference in endings
        is significant.
        """
        if len(paired.alike) == len(paired.differences) or not self.tallies:
            return True
        alike = paired.gain_interval_alike
        if alike is not None and (alike[1] < 0 if paired.gain < 0 else alike[0] > 0):
            return True
        return any(tally.decides(self.error) for tally in self.tallies)

    def seeds_that_decide(self) -> int | None:
        """The smallest number of seeds with which these endings would be significant; None if more than 16."""
        found = [tally.seeds_that_decide(self.error) for tally in self.tallies if tally.differs]
        return min((each for each in found if each is not None), default=None)

    def seeds_for_all_against_none(self) -> int | None:
        """The smallest number of seeds with which all against none would be significant; None if more than 16."""
        if self.harmed is None:
            return None
        return self.harmed.seeds_that_decide(RESERVED * self.error, all_against_none=True)
