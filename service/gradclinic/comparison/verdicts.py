"""The verdict on an arm, and its reason in a sentence.

cures         no run has a harmful condition of the baseline any more, every run learned, and the metric is no worse.
              This requires either a significant improvement of the metric; or a metric that is within tolerance and
              not significantly worse, and conditions that harmed every run of the baseline and none of the arm, with
              enough seeds to exclude chance.
improves      the metric's interval excludes zero on the better side. If seeds ended differently from the baseline's
              (not finite, not learned), this difference must be significant, or the seeds that ended alike must
              exclude zero as well
harms         the same on the worse side
no_effect     the whole interval is within the negligible range
inconclusive  everything else: too few seeds, an interval that is too wide, runs that have not ended

If all arms are equal, the probability of a verdict cures, improves or harms on any arm is at most 1 - confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..kernel.vocabulary import ArmVerdict, metric_in_words
from .exact_tests import ExactTests
from .intervals import EXACT_UP_TO
from .paired import PairedDifference, ratio
from .results import RunResult

SCATTER_SHARE = 0.954
"""Tolerance for "no worse", in standard deviations of the baseline between seeds.

If an arm is worse by d and seeds scatter by s, it loses to the baseline on a new pair of seeds with probability
Phi(d / (s sqrt 2)). Below 0.75 the difference is not meaningful, which means d < 0.674 sqrt(2) s = 0.954 s.
Source: Bouthillier et al. 2021, Accounting for Variance in Machine Learning Benchmarks, arXiv:2103.03098.
"""

FEWEST_SEEDS = 3
"""With two differences there is one degree of freedom, and the interval is too wide to be useful."""


_OTHER_LOSS = (
    "It was trained with another loss than the baseline, and values of different losses cannot be compared; compare"
    " relative_train_loss, or what the network is for."
)


@dataclass(frozen=True)
class Judgement:
    """A verdict, its reason, and the number of seeds that would decide if it is open."""

    verdict: ArmVerdict
    reason: str
    seeds_needed: int | None = None

    @classmethod
    def because(cls, verdict: ArmVerdict, reason: str, *, seeds_needed: int | None = None) -> "Judgement":
        """A verdict with its reason as a sentence."""
        return cls(verdict, reason[:1].upper() + reason[1:], seeds_needed)


def judge(
    paired: PairedDifference | None, exact: ExactTests, *, baseline: Sequence[RunResult], arm: Sequence[RunResult]
) -> Judgement:
    """The verdict on an arm, from its differences in the deciding metric and the paired finished runs of both sides."""
    if paired is None and not all(run.shares_loss for run in arm):
        return Judgement("inconclusive", _OTHER_LOSS)
    if paired is None:
        return Judgement("inconclusive", "No run of this arm can be compared yet.", FEWEST_SEEDS)
    seeds = len(paired.differences)
    if seeds < 2:
        return Judgement(
            "inconclusive",
            f"A single seed says nothing about chance: {_said(paired)} in it.",
            FEWEST_SEEDS,
        )
    sick = frozenset().union(*(run.harmful for run in baseline))
    cure = _Cure.of(paired, exact, sick=sick, baseline=baseline, arm=arm) if sick else None
    if cure is not None and cure.proven:
        return Judgement("cures", cure.reason())
    outcome = _by_metric(paired, exact)
    if outcome == "inconclusive":
        return _open(paired, exact, cure)
    return Judgement.because(outcome, _metric_reason(paired, outcome) + (cure.why_not() if cure is not None else ""))


def _by_metric(paired: PairedDifference, exact: ExactTests) -> ArmVerdict:
    interval = paired.gain_interval
    if interval is None:
        return "inconclusive"
    low, high = interval
    if -paired.metric.negligible <= low and high <= paired.metric.negligible:
        return "no_effect"
    if low <= 0 <= high or not exact.bears_out(paired):
        return "inconclusive"
    return "improves" if high < 0 else "harms"


@dataclass(frozen=True)
class _Cure:
    """Whether the baseline's conditions are gone, and on what evidence."""

    paired: PairedDifference
    exact: ExactTests
    sick: frozenset[str]
    baseline: Sequence[RunResult]
    arm: Sequence[RunResult]
    tolerance: float

    @classmethod
    def of(
        cls,
        paired: PairedDifference,
        exact: ExactTests,
        *,
        sick: frozenset[str],
        baseline: Sequence[RunResult],
        arm: Sequence[RunResult],
    ) -> "_Cure":
        tolerance = max(paired.metric.negligible, SCATTER_SHARE * _scatter(paired, baseline))
        return cls(paired, exact, sick, baseline, arm, tolerance)

    @property
    def left(self) -> list[RunResult]:
        """Runs of the arm that still have a harmful condition of the baseline, or too little data for a diagnosis."""
        return [run for run in self.arm if run.harmful & self.sick or run.primary == "insufficient_evidence"]

    @property
    def unlearned(self) -> list[RunResult]:
        return [run for run in self.arm if not run.learned]

    @property
    def gone(self) -> bool:
        return not self.left and not self.unlearned

    @property
    def all_harmed(self) -> bool:
        return all(run.harmful for run in self.baseline)

    @property
    def no_worse(self) -> bool:
        interval = self.paired.gain_interval
        return interval is not None and interval[0] <= 0 and self.paired.gain <= self.tolerance

    @property
    def proven(self) -> bool:
        return self.gone and (
            _by_metric(self.paired, self.exact) == "improves"
            or (self.no_worse and self.all_harmed and self.exact.all_against_none())
        )

    def reason(self) -> str:
        harmed = sum(bool(run.harmful) for run in self.baseline)
        how = (
            f"{_said(self.paired)} {_shown(self.paired)}"
            if _by_metric(self.paired, self.exact) == "improves"
            else f"{_words(self.paired)} is no worse"
        )
        return (
            f"{_names(self.sick)} harmed {harmed} of {len(self.baseline)} runs of the baseline and none of "
            f"{len(self.arm)} here; every run learned; {how}."
        )

    def why_not(self) -> str:
        """Why an arm with a significant effect is not a cure."""
        if self.left:
            return f" There is still harm in {len(self.left)} of {len(self.arm)} runs: {_names(self.sick).lower()}."
        if self.unlearned:
            return f" No finding is left, but {len(self.unlearned)} of {len(self.arm)} runs have not learned."
        return ""


def _open(paired: PairedDifference, exact: ExactTests, cure: _Cure | None) -> Judgement:
    interval = paired.gain_interval
    text = f"{_said(paired)} {_shown(paired)}, which does not exclude chance"
    needed = paired.seeds_needed()
    if interval is not None and not interval[0] <= 0 <= interval[1]:
        text = f"{_said(paired)} {_shown(paired)}, but with this few seeds equal arms can differ this much by chance"
        needed = exact.seeds_that_decide() or EXACT_UP_TO + 1  # beyond, the interval counts by itself
    if cure is not None and cure.gone and cure.all_harmed and cure.no_worse:
        enough = exact.seeds_for_all_against_none()
        needed = min((each for each in (needed, enough) if each is not None), default=None)
        text = f"{_names(cure.sick)} is gone in every run, but with this few seeds that can be chance: {text}"
    seeds = f"; about {needed} seeds would decide" if needed is not None else "; no practical number of seeds decides"
    return Judgement.because("inconclusive", f"{text}{seeds}.", seeds_needed=needed)


def _scatter(paired: PairedDifference, baseline: Sequence[RunResult]) -> float:
    """Standard deviation of the baseline between seeds, on the metric's scale; 0 if unknown or not finite."""
    values = [run.metric(paired.metric.name) for run in baseline]
    finite = [value for value in values if value is not None and np.isfinite(value)]
    if len(finite) < 2 or len(finite) < len(values):
        return 0.0
    scores = np.log(np.maximum(finite, paired.metric.floor)) if paired.metric.log else np.array(finite)
    return float(scores.std(ddof=1))


def _metric_reason(paired: PairedDifference, outcome: ArmVerdict) -> str:
    if outcome == "no_effect":
        if not paired.finite:
            return f"Arm and baseline do equally well: {_said(paired)}."
        return f"{_said(paired)} {_shown(paired)}: a negligible difference."
    return f"{_said(paired)} {_shown(paired)}."


def _words(paired: PairedDifference) -> str:
    return f"the {metric_in_words(paired.metric.name)}"


def _said(paired: PairedDifference) -> str:
    """The difference in words."""
    name = _words(paired)
    if not paired.finite:
        pairs = f"of {paired.pairs} pairs the arm won {paired.wins} and lost {paired.losses}"
        return f"{name} is not finite in some runs; {pairs}"
    if paired.metric.log:
        return f"{name} is {ratio(paired.mean):.3g} times the baseline's"
    return f"{name} changed by {paired.mean:+.3g}"


def _shown(paired: PairedDifference) -> str:
    interval = paired.interval
    if interval is None or not paired.finite:
        return f"(over {len(paired.differences)} seeds)"
    low, high = (ratio(bound) for bound in interval) if paired.metric.log else interval
    return f"({100 * paired.confidence:.0f} % interval {low:.3g} to {high:.3g}, {len(paired.differences)} seeds)"


def _names(conditions: frozenset[str]) -> str:
    return " and ".join(sorted(condition.replace("_", " ") for condition in conditions)).capitalize()
