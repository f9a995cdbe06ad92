"""Exact tests of whether more new seeds than baseline seeds show a bad event."""

from dataclasses import dataclass
from math import comb

from ..comparison.chance import Tally
from ..comparison.intervals import EXACT_UP_TO


@dataclass(frozen=True)
class Befell:
    """The number of new seeds, and of baseline seeds, with a bad event."""

    new: int
    of_new: int
    baseline: int
    of_baseline: int

    @property
    def more(self) -> bool:
        """Whether the fraction is larger for the new seeds."""
        return bool(self.of_new and self.of_baseline) and self.new / self.of_new > self.baseline / self.of_baseline

    def beyond_chance(self, error: float) -> bool:
        """Whether more new seeds are bad, in a test with a false-positive rate of at most `error`.

        Up to 16 seeds at the largest level that keeps the error (Boschloo 1970); above, by the conditional
        probability itself (Fisher 1935), which is stricter.
        """
        if not self.more:
            return False
        if max(self.of_new, self.of_baseline) <= EXACT_UP_TO:
            return self._tally.decides(error)
        return self.conditional_chance <= error

    @property
    def conditional_chance(self) -> float:
        """Probability of at least this many bad new seeds, given the total number, if both sides are alike.

        sum over k >= new of C(of_new, k) C(of_baseline, bad - k) / C(of_new + of_baseline, bad). Dimensionless.
        Source: Fisher 1935, J. Royal Statistical Society 98:39.
        """
        bad = self.new + self.baseline
        ways = sum(comb(self.of_new, k) * comb(self.of_baseline, bad - k) for k in range(self.new, bad + 1))
        return ways / comb(self.of_new + self.of_baseline, bad)

    def seeds_needed(self, error: float) -> int | None:
        """The smallest number of seeds per side that would decide if the fractions stay; None if more than 16."""
        return self._tally.seeds_that_decide(error) if self.more else None

    @property
    def _tally(self) -> Tally:
        # A tally tests for more events in its first arm than in its second: the new runs are the first.
        return Tally((self.of_new, self.of_baseline), (self.new, self.baseline))
