"""The check of one metric, paired by seed: within the margin, outside it, or inconclusive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..comparison import Metric, RunResult
from ..comparison.exact_tests import count
from ..comparison.intervals import EXACT_UP_TO, seeds_that_decide
from ..comparison.paired import PairedDifference, outcome, paired_difference, ratio
from ..comparison.results import Pair
from ..kernel.vocabulary import CheckVerdict, metric_in_words
from .chance import Befell
from .margins import limit_of
from .report import MetricCheck, PairedRuns

FEWEST_SEEDS = 3
"""Fewer seeds decide nothing: two differences have one degree of freedom, and on a coarse scale (an accuracy) they can
be equal by chance, which looks like no scatter."""

MOST_SUGGESTED = 50
"""Largest number of seeds that is suggested to decide a metric. Where more are needed, a larger margin is better
advice than weeks of training."""


@dataclass(frozen=True)
class _Compared:
    """A metric, its margin, and the differences between the pairs of runs.

    The intervals of all metrics are simultaneous; each bound has an error of at most `error` / metrics.
    """

    metric: Metric
    margin: float
    """As requested: relative for losses and steps, absolute for the accuracy."""
    paired: PairedDifference | None
    """None if no pair has the metric."""
    endings: Sequence[Befell]
    """Counts of seeds that ended differently: not finite, not learned."""
    error: float
    values: tuple[PairedRuns, ...]

    @property
    def limit(self) -> float:
        """The margin on the metric's scale."""
        return limit_of(self.metric, self.margin)

    @property
    def verdict(self) -> CheckVerdict:
        """`pass` if the whole interval is within the margin, `fail` if all of it is outside."""
        interval = None if self.paired is None else self.paired.gain_interval
        if interval is None or self._seeds < FEWEST_SEEDS:
            return "inconclusive"
        if interval[1] <= self.limit:
            return "inconclusive" if self._missing else "pass"
        return "fail" if interval[0] > self.limit and self._borne_out else "inconclusive"

    @property
    def _seeds(self) -> int:
        return 0 if self.paired is None else len(self.paired.differences)

    @property
    def _missing(self) -> int:
        """Number of pairs in which only the baseline's run has the metric."""
        return sum(each.new is None and each.baseline is not None for each in self.values)

    @property
    def _borne_out(self) -> bool:
        """Whether an interval outside the margin is not only due to seeds that ended differently by chance.

        Student's interval is not valid for a few outcomes of two kinds. So the seeds that ended alike must be outside
        the margin by themselves, or the larger number of bad endings must be significant.
        """
        paired = self.paired
        if paired is None or len(paired.alike) == len(paired.differences) or not self.endings:
            return True
        alike = paired.gain_interval_alike
        if alike is not None and alike[0] > self.limit:
            return True
        return any(each.beyond_chance(self.error) for each in self.endings)

    @property
    def seeds_needed(self) -> int | None:
        """The number of seeds that would decide, if effect and scatter stay; None if decided, or if none would."""
        if self.verdict != "inconclusive":
            return None
        if self.paired is None or self._seeds < FEWEST_SEEDS:
            return FEWEST_SEEDS
        if self._missing:
            return None
        interval = self.paired.gain_interval
        if interval is not None and interval[0] > self.limit:
            found = [each.seeds_needed(self.error) for each in self.endings]
            return min((each for each in found if each is not None), default=None)
        sign = -1.0 if self.metric.better == "higher" else 1.0
        decisive = seeds_that_decide(
            sign * self.paired.differences - self.limit,
            negligible=0.0,
            confidence=_confidence(self.paired),
            comparisons=self.paired.comparisons,
            now=self._seeds,
        )
        return decisive if decisive is not None and decisive <= MOST_SUGGESTED else None

    @property
    def reason(self) -> str:
        """The reason for the verdict, in one sentence."""
        name = metric_in_words(self.metric.name).capitalize()
        if self.paired is None:
            return f"{name}: no pair of runs has this metric."
        if self._seeds < FEWEST_SEEDS:
            seeds = "a single seed is" if self._seeds == 1 else f"{self._seeds} seeds are"
            return f"{name} {self._change()}; {seeds} too few to exclude chance."
        if self.verdict == "pass" and not self.paired.differences.any():
            return f"{name} equals the baseline's on each of {self._seeds} seeds."
        over = f" over {self._seeds} seeds" if self.paired.finite else ""
        text = f"{name} {self._change()}{over}; {self._allowed()} is allowed"
        if self._missing:
            text += f"; {self._missing} of the new runs have none"
        elif self.verdict == "inconclusive":
            interval = self.paired.gain_interval
            chance = interval is not None and interval[0] > self.limit
            text += "; with this few seeds, this can be chance" if chance else "; this is inconclusive"
        return text + "."

    def _change(self) -> str:
        paired = self.paired
        if paired is None or not paired.finite:
            worse, pairs = (0, 0) if paired is None else (paired.losses, paired.pairs)
            return f"is not finite in some runs, and worse in {worse} of {pairs} pairs"
        interval = paired.interval
        if self.metric.log:
            bounds = f" (interval {ratio(interval[0]):.3g} to {ratio(interval[1]):.3g})" if interval else ""
            return f"is {ratio(paired.mean):.3g} times the baseline's{bounds}"
        bounds = f" (interval {interval[0]:+.3g} to {interval[1]:+.3g})" if interval else ""
        return f"changed by {paired.mean:+.3g}{bounds}"

    def _allowed(self) -> str:
        if self.metric.log:
            return f"{1 + self.margin:.4g} times"
        return f"a fall of {self.margin:.3g}"

    def check(self) -> MetricCheck:
        higher = self.metric.better == "higher"
        paired = self.paired
        return MetricCheck(
            metric=self.metric.name,
            verdict=self.verdict,
            reason=self.reason,
            margin=self.margin,
            limit=1 + self.margin if self.metric.log else -self.margin if higher else self.margin,
            better="higher" if higher else "lower",
            seeds_needed=self.seeds_needed,
            effect=None if paired is None else replace(paired.effect(), confidence=_confidence(paired)),
            values=self.values,
        )


def metric_check(
    metric: Metric,
    *,
    margin: float,
    baseline: Mapping[Pair, RunResult],
    new: Mapping[Pair, RunResult],
    metrics: int,
    error: float,
    reserved: float,
) -> MetricCheck:
    """The check of one metric (out of `metrics`) over the pairs that both sides finished.

    Each bound of its interval has an error of at most (error - reserved) / metrics, so the two-sided interval has
    twice this error.
    """
    pairs = sorted(new.keys() & baseline.keys(), key=lambda pair: pair[0])
    befell = [count([side[pair] for pair in pairs], metric) for side in (new, baseline)]
    mine, base = befell
    endings: list[Befell] = []
    if 0 < mine.seeds <= EXACT_UP_TO and base.seeds:
        endings = [
            Befell(mine.not_finite, mine.seeds, base.not_finite, base.seeds),
            Befell(mine.unlearned, mine.seeds, base.unlearned, base.seeds),
        ]
    return _Compared(
        metric=metric,
        margin=margin,
        paired=paired_difference(
            metric, baseline=baseline, arm=new, confidence=1 - 2 * error, comparisons=metrics, reserved=2 * reserved
        ),
        endings=endings,
        error=(error - reserved) / metrics,
        values=tuple(_pair(metric, baseline[pair], new[pair]) for pair in pairs),
    ).check()


def _confidence(paired: PairedDifference) -> float:
    """The simultaneous confidence of the intervals of all metrics, without the error reserved for conditions."""
    return round(1 - (paired.error - paired.reserved), 12)


def _pair(metric: Metric, baseline: RunResult, new: RunResult) -> PairedRuns:
    return PairedRuns(
        seed=new.seed,
        baseline_run=baseline.run_id,
        new_run=new.run_id,
        baseline=outcome(metric, baseline),
        new=outcome(metric, new),
    )
