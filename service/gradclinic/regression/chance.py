"""Whether something bad befell more seeds than the baseline's by more than chance: exact tests."""

from dataclasses import dataclass
from math import comb

from ..comparison.chance import Tally
from ..comparison.intervals import EXACT_UP_TO


@dataclass(frozen=True)
class Befell:
    """In how many of the new seeds, and in how many of the baseline's, something bad happened."""

    new: int
    of_new: int
    baseline: int
    of_baseline: int

    @property
    def more(self) -> bool:
        """Whether it befell a larger share of the new seeds."""
        return bool(self.of_new and self.of_baseline) and self.new / self.of_new > self.baseline / self.of_baseline

    def beyond_chance(self, error: float) -> bool:
        """Whether it befell more of the new seeds, in a test that errs for no more than `error` if both are alike.

        Up to 16 seeds at the largest level that keeps the error (Boschloo 1970), beyond by the conditional chance
        itself (Fisher 1935), which is stricter.
        """
        if not self.more:
            return False
        if max(self.of_new, self.of_baseline) <= EXACT_UP_TO:
            return self._tally.decides(error)
        return self.conditional_chance <= error

    @property
    def conditional_chance(self) -> float:
        """Chance that it befalls so many of the new seeds at least, given how many it befell in all, if both are alike.

        sum over k >= new of C(of_new, k) C(of_baseline, bad - k) / C(of_new + of_baseline, bad). Dimensionless.
        Source: Fisher 1935, J. Royal Statistical Society 98:39.
        """
        bad = self.new + self.baseline
        ways = sum(comb(self.of_new, k) * comb(self.of_baseline, bad - k) for k in range(self.new, bad + 1))
        return ways / comb(self.of_new + self.of_baseline, bad)

    def seeds_needed(self, error: float) -> int | None:
        """The fewest seeds on either side that would decide if the shares stay; None where up to 16 would not."""
        return self._tally.seeds_that_decide(error) if self.more else None

    @property
    def _tally(self) -> Tally:
        # A tally asks what befell its first arm more often than its second: here the new one is the first.
        return Tally((self.of_new, self.of_baseline), (self.new, self.baseline))
