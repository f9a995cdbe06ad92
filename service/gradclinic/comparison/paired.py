"""One metric of one arm compared with the baseline, paired by seed: differences, interval, wins, p-value.

Non-finite outcomes rank worst. For verdicts and ranks every value gets a finite score: a diverged training, and any
larger finite loss, counts as three times the loss of the constant predictor. If an outcome is not finite, the
difference is shown as null, beside the number of wins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log

import numpy as np
import numpy.typing as npt

from .effect import Effect, RatioEffect
from .intervals import paired_interval, seeds_that_decide, sign_flip_p
from .metrics import DIVERGED, Metric
from .results import Pair, RunResult

Floats = npt.NDArray[np.float64]

LARGEST_EXPONENT = 700.0


@dataclass(frozen=True)
class PairedDifference:
    """The differences in one metric, arm minus baseline, paired by seed, on the metric's scale."""

    metric: Metric
    confidence: float
    comparisons: int
    """Number of simultaneous intervals: one for each arm."""
    pairs: int
    wins: int
    """Number of pairs in which the arm did better; finite beats non-finite."""
    losses: int
    finite: bool
    """Whether every outcome on both sides is finite."""
    differences: Floats
    """[seeds] differences of scores, averaged over the points of the sweep, which are not independent."""
    baseline_mean: float | None
    arm_mean: float | None
    """Mean of the finite values (geometric on a log scale)."""
    alike: Floats
    """[n] the differences of seeds whose runs ended alike: both finite or neither, both learned or neither."""
    reserved: float = 0.0
    """Fraction of the error that is reserved for other tests; the interval is correspondingly wider."""

    @property
    def error(self) -> float:
        """Largest probability of a false verdict on some arm, if all arms are equal."""
        return 1 - self.confidence

    @property
    def mean(self) -> float:
        """Mean difference of the scores; equal to the shown difference if all outcomes are finite."""
        return float(self.differences.mean())

    @property
    def interval(self) -> tuple[float, float] | None:
        """Interval of the mean difference of the scores; None for a single seed."""
        return self._interval_of(self.differences)

    @property
    def gain(self) -> float:
        """The mean difference with positive meaning worse; used for verdicts and ranks."""
        return self.mean * self._sign

    @property
    def gain_interval(self) -> tuple[float, float] | None:
        """The interval with positive meaning worse."""
        return self._signed(self.interval)

    @property
    def gain_interval_alike(self) -> tuple[float, float] | None:
        """The same interval over the seeds that ended alike; None for fewer than two."""
        return self._signed(self._interval_of(self.alike))

    def _interval_of(self, differences: Floats) -> tuple[float, float] | None:
        confidence = 1 - (self.error - self.reserved)
        return paired_interval(differences, confidence=confidence, comparisons=self.comparisons)

    def _signed(self, interval: tuple[float, float] | None) -> tuple[float, float] | None:
        if interval is None or self._sign > 0:
            return interval
        return -interval[1], -interval[0]

    @property
    def _sign(self) -> float:
        return -1.0 if self.metric.better == "higher" else 1.0

    def seeds_needed(self) -> int | None:
        """The number of seeds that would decide; None if more than 1000, or if the scatter is unknown."""
        if len(self.differences) < 2:
            return None
        return seeds_that_decide(
            self.differences,
            negligible=self.metric.negligible,
            confidence=1 - (self.error - self.reserved),
            comparisons=self.comparisons,
            now=len(self.differences),
        )

    def effect(self) -> RatioEffect | Effect:
        """The effect as it is shown; difference and interval are None if an outcome is not finite."""
        shown = self.interval if self.finite else None
        plain = Effect(
            difference=self.mean if self.finite else None,
            interval=shown,
            confidence=self.confidence,
            wins=self.wins,
            losses=self.losses,
            pairs=self.pairs,
            p_value=sign_flip_p(self.differences),
            unit=self.metric.unit,
            baseline_mean=self.baseline_mean,
            arm_mean=self.arm_mean,
        )
        if not self.metric.log:
            return plain
        return RatioEffect(
            **vars(plain),
            ratio=ratio(self.mean) if self.finite else None,
            ratio_interval=None if shown is None else (ratio(shown[0]), ratio(shown[1])),
        )


def ratio(difference: float) -> float:
    """exp(difference), limited to the range of a float: intervals of two seeds can be this wide."""
    return exp(min(difference, LARGEST_EXPONENT))


def paired_difference(
    metric: Metric,
    *,
    baseline: Mapping[Pair, RunResult],
    arm: Mapping[Pair, RunResult],
    confidence: float,
    comparisons: int,
    reserved: float = 0.0,
) -> PairedDifference | None:
    """The differences over the pairs that both sides finished; None if no pair has the metric on both sides."""
    pairs = [pair for pair in arm if pair in baseline]
    values = {pair: (outcome(metric, baseline[pair]), outcome(metric, arm[pair])) for pair in pairs}
    known = {pair: (b, a) for pair, (b, a) in values.items() if b is not None and a is not None}
    if not known:
        return None
    used = [run for pair in known for run in (baseline[pair], arm[pair])]
    flat = [value for pair in known.values() for value in pair]
    score = _Scores.fitting(metric, used, flat)
    by_seed: dict[int, list[float]] = {}
    unlike: set[int] = set()
    for pair, (b, a) in known.items():
        by_seed.setdefault(pair[0], []).append(score(a) - score(b))
        if isfinite(b) != isfinite(a) or baseline[pair].learned != arm[pair].learned:
            unlike.add(pair[0])
    differences = {seed: float(np.mean(by_seed[seed])) for seed in sorted(by_seed)}
    return PairedDifference(
        metric=metric,
        confidence=confidence,
        comparisons=comparisons,
        pairs=len(known),
        wins=sum(_better(metric, a, b) for b, a in known.values()),
        losses=sum(_better(metric, b, a) for b, a in known.values()),
        finite=all(isfinite(value) for value in flat),
        differences=np.array(list(differences.values())),
        baseline_mean=_mean(metric, [b for b, _ in known.values()]),
        arm_mean=_mean(metric, [a for _, a in known.values()]),
        alike=np.array([value for seed, value in differences.items() if seed not in unlike]),
        reserved=reserved,
    )


def outcome(metric: Metric, run: RunResult) -> float | None:
    """The outcome of a run in a metric; not finite if training diverged, None if the run has no value."""
    value = run.metric(metric.name)
    if metric.decides and run.broke_off and (value is not None or metric.absent_is_worst):
        return float("nan")
    if value is None and metric.absent_is_worst and run.metrics is not None and run.target_probed:
        return float("inf")
    return value


def _cost(metric: Metric, value: float) -> float:
    """The value as a cost: smaller is better, and non-finite values are infinite."""
    if not isfinite(value):
        return float("inf")
    return {"lower": value, "higher": -value, "nearer_zero": abs(value)}[metric.better]


def _better(metric: Metric, one: float, other: float) -> bool:
    return _cost(metric, one) < _cost(metric, other)


@dataclass(frozen=True)
class _Scores:
    """Converts a value to a finite score on the metric's scale."""

    metric: Metric
    worst: float
    """Score of a non-finite outcome."""
    ceiling: float
    """Largest score of a finite outcome."""

    @classmethod
    def fitting(cls, metric: Metric, runs: Sequence[RunResult], values: Sequence[float]) -> "_Scores":
        finite = [value for value in values if isfinite(value)]
        if metric.better == "higher":
            return cls(metric, worst=0.0, ceiling=float("inf"))
        constants = [run.constant_loss for run in runs if run.constant_loss is not None]
        if metric.name == "relative_train_loss":
            bound: float | None = DIVERGED
        elif metric.log and not metric.absent_is_worst and constants:
            bound = DIVERGED * max(constants)
        else:
            bound = None
        if bound is not None:
            return cls(metric, worst=bound, ceiling=bound)
        largest = max((abs(value) for value in finite), default=metric.floor)
        return cls(metric, worst=DIVERGED * max(largest, metric.floor), ceiling=float("inf"))

    def __call__(self, value: float) -> float:
        clear = min(value, self.ceiling) if isfinite(value) else self.worst
        return log(max(clear, self.metric.floor)) if self.metric.log else clear


def _mean(metric: Metric, values: Sequence[float]) -> float | None:
    finite = [value for value in values if isfinite(value)]
    if not finite:
        return None
    if metric.log:
        return exp(sum(log(max(value, metric.floor)) for value in finite) / len(finite))
    return sum(finite) / len(finite)
