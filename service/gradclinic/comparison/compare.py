"""Comparison of the arms of a study, or of any runs, with the baseline: effects with intervals, verdicts, ranks."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, isfinite, log
from statistics import fmean

from ..kernel.errors import InsufficientData, InvalidSpec
from ..kernel.vocabulary import ArmVerdict, PairedBy
from .arms import BASELINE
from .common_measure import common_metric, of_one_loss
from .environment import notes_on, on_one_device
from .exact_tests import Counts, ExactTests, count
from .metrics import DEFAULT_METRIC, METRICS, Metric, deciding_metric
from .over_seeds import diagnoses_over_seeds
from .paired import PairedDifference, paired_difference
from .report import ArmComparison, Comparison, Cost, RunConditions
from .results import LOSSES, Pair, RunResult, in_one_unit, place_of
from .verdicts import Judgement, judge

_ORDER: Mapping[ArmVerdict, int] = {"cures": 0, "improves": 1, "no_effect": 2, "inconclusive": 2, "harms": 3}


def compare(
    results: Iterable[RunResult],
    *,
    baseline: str = BASELINE,
    metric: str = DEFAULT_METRIC,
    confidence: float = 0.95,
    arms: Sequence[str] | None = None,
    study_id: str | None = None,
) -> Comparison:
    """Compare the arms of `results` with the baseline arm; raises InvalidSpec for unknown names and invalid numbers.

    Runs are paired by seed and sweep point, or by order if an arm shares neither with the baseline. A run without a
    partner counts only for the arm's conditions.
    Where arms were trained with different losses, the accuracy decides instead of a loss; without an accuracy, arms of
    another loss than the baseline's are inconclusive. Where no run has a validation loss, the training loss decides.
    `arms` gives the order of the arms, and may name arms without runs; by default, the order of appearance.
    Rank: by verdict (cures, improves, no_effect and inconclusive alike, harms), then by the mean difference of the
    metric with non-finite outcomes worst, then by time, then by the order of the arms. The order of `results` has no
    other effect.
    """
    runs = in_one_unit(results)
    asked = deciding_metric(metric)
    chosen = common_metric(asked, runs)
    if not 0.5 <= confidence < 1:
        raise InvalidSpec.at("/confidence", "invalid confidence", value=confidence, allowed="from 0.5 to below 1")
    by_arm: dict[str, list[RunResult]] = {name: [] for name in arms or ()}
    for run in of_one_loss(runs, reference=[each for each in runs if each.arm == baseline]):
        by_arm.setdefault(run.arm, []).append(run)
    if baseline not in by_arm:
        raise InvalidSpec.at(
            "/baseline", f"there is no arm {baseline!r}", value=baseline, allowed=f"one of {', '.join(by_arm)}"
        )
    reference = by_arm.pop(baseline)
    against = _Against(reference, by_arm, metric=chosen, confidence=confidence)
    ranked = sorted((against.arm(name, runs) for name, runs in by_arm.items()), key=_Compared.rank_key)
    finished = _finished(reference)
    return Comparison(
        study_id=study_id,
        baseline=baseline,
        metric=chosen.name,
        confidence=confidence,
        method=_method(len(by_arm)) + ("" if chosen is asked else _INSTEAD[chosen.name]),
        notes=notes_on(runs),
        false_verdicts_at_most=round(1 - confidence, 12),
        complete=not any(run.pending for runs in (reference, *by_arm.values()) for run in runs),
        baseline_runs=len(finished),
        baseline_conditions=_conditions(finished),
        baseline_conditions_by_seed=_by_seed(finished),
        baseline_diagnoses=diagnoses_over_seeds(finished),
        arms=tuple(each.ranked(index + 1) for index, each in enumerate(ranked)),
    )


def gain(results: Iterable[RunResult], *, baseline: str, arm: str, metric: str = DEFAULT_METRIC) -> float:
    """How much worse an arm is than the baseline: the mean difference of the metric; negative if the arm is better.

    Of different losses, those relative to always predicting the average are compared.
    Raises InsufficientData if no pair of runs has the metric.
    """
    runs = [run for run in in_one_unit(results) if run.arm in (baseline, arm)]
    if metric in LOSSES and len({run.loss for run in runs if run.loss is not None}) > 1:
        metric = "relative_train_loss"
    base, mine, _ = _joined(
        _finished([run for run in runs if run.arm == baseline]), _finished([run for run in runs if run.arm == arm])
    )
    paired = paired_difference(METRICS[metric], baseline=base, arm=mine, confidence=0.95, comparisons=1)
    if paired is None:
        raise InsufficientData(f"no pair of runs of {baseline!r} and {arm!r} has the metric {metric!r}")
    return paired.gain


_INSTEAD = {
    "final_validation_accuracy": "; arms were trained with different losses, so the accuracy decides",
    "final_train_loss": "; no run has a validation loss, so the training loss decides",
}
"""Why another metric decides than the one that was asked for, by its name."""


def _method(arms: int) -> str:
    return (
        "paired t intervals over seeds, on log values if the unit is ln(...)"
        + (f", simultaneous over {arms} arms (Bonferroni)" if arms > 1 else "")
        + "; exact tests for seeds that end differently (not finite, or not learned)"
    )


@dataclass(frozen=True)
class _Compared:
    """The comparison of one arm with the baseline, before it is ranked."""

    arm: str
    runs: Sequence[RunResult]
    """All runs of the arm."""
    reference: Sequence[RunResult]
    """All runs of the baseline."""
    judgement: Judgement
    paired_by: PairedBy
    deciding: PairedDifference | None
    """The metric that decides the verdict."""
    others: Sequence[PairedDifference]
    cost: Cost

    def rank_key(self) -> tuple[float, ...]:
        time = self.cost.train_seconds_ratio
        return (
            _ORDER[self.judgement.verdict],
            self.deciding.gain if self.deciding is not None else float("inf"),
            time if time is not None else float("inf"),
        )

    def ranked(self, rank: int) -> ArmComparison:
        finished, reference = _finished(self.runs), _finished(self.reference)
        pending, baseline_pending = (sum(run.pending for run in runs) for runs in (self.runs, self.reference))
        still_open = bool(pending or baseline_pending)
        so_far = (
            f"{pending} run{'' if pending == 1 else 's'} of this arm "
            f"and {baseline_pending} of the baseline have not ended. So far: "
            if still_open
            else ""
        )
        differences = [*([] if self.deciding is None else [self.deciding]), *self.others]
        return ArmComparison(
            arm=self.arm,
            rank=rank,
            verdict="inconclusive" if still_open else self.judgement.verdict,
            verdict_so_far=self.judgement.verdict,
            reason=so_far + self.judgement.reason,
            seeds_needed=self.judgement.seeds_needed,
            runs=len(finished),
            pending=pending,
            lost=sum(not run.pending and not run.succeeded for run in self.runs),
            paired_by=self.paired_by,
            conditions=_conditions(finished),
            baseline_conditions=_conditions(reference),
            new_conditions=_new_conditions(finished, reference),
            conditions_by_seed=_by_seed(finished),
            diagnoses=diagnoses_over_seeds(finished),
            learned=sum(run.learned for run in finished),
            effects={each.metric.name: each.effect() for each in differences},
            cost=self.cost,
        )


@dataclass(frozen=True)
class _Against:
    """The runs of the baseline and of all arms, and the settings of their comparison."""

    reference: Sequence[RunResult]
    arms: Mapping[str, Sequence[RunResult]]
    metric: Metric
    confidence: float

    @cached_property
    def baseline(self) -> Counts:
        """The counts of the baseline's seeds."""
        return count(_finished(self.reference), self.metric)

    @cached_property
    def counts(self) -> Mapping[str, Counts]:
        """The counts of each arm's seeds."""
        return {name: count(_finished(runs), self.metric) for name, runs in self.arms.items()}

    def arm(self, name: str, runs: Sequence[RunResult]) -> _Compared:
        base, mine, paired_by = _joined(_finished(self.reference), _finished(runs))
        others = [counts for other, counts in self.counts.items() if other != name]
        exact = ExactTests.of(self.baseline, self.counts[name], others, error=1 - self.confidence)
        deciding = self._difference(self.metric, base, mine, reserved=exact.reserved)
        differences = [self._difference(each, base, mine) for each in METRICS.values() if each is not self.metric]
        shared = [pair for pair in mine if pair in base]
        paired = [base[pair] for pair in shared], [mine[pair] for pair in shared]
        return _Compared(
            arm=name,
            runs=runs,
            reference=self.reference,
            judgement=judge(deciding, exact, baseline=paired[0], arm=paired[1]),
            paired_by=paired_by,
            deciding=deciding,
            others=[each for each in differences if each is not None],
            cost=_cost(*paired),
        )

    def _difference(
        self, metric: Metric, base: Mapping[Pair, RunResult], mine: Mapping[Pair, RunResult], *, reserved: float = 0.0
    ) -> PairedDifference | None:
        return paired_difference(
            metric,
            baseline=base,
            arm=mine,
            confidence=self.confidence,
            comparisons=len(self.arms),
            reserved=reserved,
        )


def _finished(runs: Sequence[RunResult]) -> tuple[RunResult, ...]:
    return tuple(
        sorted(
            (run for run in runs if run.succeeded), key=lambda run: (run.seed, place_of(run.sweep_point), run.run_id)
        )
    )


def _joined(
    baseline: Sequence[RunResult], arm: Sequence[RunResult]
) -> tuple[dict[Pair, RunResult], dict[Pair, RunResult], PairedBy]:
    """The runs of both sides by pair; of two runs of one arm with the same seed, the later one counts."""
    base, mine = {run.pair: run for run in baseline}, {run.pair: run for run in arm}
    if base.keys() & mine.keys() or any(point is not None for _, point in (*base, *mine)):
        return base, mine, "seed"
    return _numbered(base), _numbered(mine), "order"


def _numbered(runs: Mapping[Pair, RunResult]) -> dict[Pair, RunResult]:
    return {(index, None): run for index, run in enumerate(runs.values())}


def _conditions(runs: Sequence[RunResult]) -> Mapping[str, int]:
    return dict(Counter(run.primary for run in runs).most_common())


def _new_conditions(runs: Sequence[RunResult], baseline: Sequence[RunResult]) -> Mapping[str, int]:
    old = frozenset().union(*(run.harmful for run in baseline))
    return dict(Counter(name for run in runs for name in sorted(run.harmful - old)))


def _by_seed(runs: Sequence[RunResult]) -> tuple[RunConditions, ...]:
    return tuple(
        RunConditions(
            run_id=run.run_id,
            seed=run.seed,
            sweep_point=run.swept,
            primary=run.primary,
            harmful=tuple(sorted(run.harmful)),
            learned=run.learned,
        )
        for run in runs
    )


def _cost(baseline: Sequence[RunResult], arm: Sequence[RunResult]) -> Cost:
    pairs = list(zip(baseline, arm, strict=True))
    alike = [(b, a) for b, a in pairs if on_one_device([b, a])]
    return Cost(
        train_seconds_ratio=_ratio([(_seconds(b, a), _seconds(a, b)) for b, a in alike]),
        memory_ratio=_ratio([(b.metric("peak_memory_bytes"), a.metric("peak_memory_bytes")) for b, a in alike]),
        parameters_ratio=_ratio([(b.metric("parameters"), a.metric("parameters")) for b, a in pairs]),
    )


def _seconds(run: RunResult, other: RunResult) -> float | None:
    """Seconds per step, as it takes alone, if the steps of both runs are known, otherwise seconds per run."""
    alone = run.metric("alone_step_seconds")
    if alone is not None:  # lanes of an ensemble share the time, more or fewer of them from arm to arm
        return alone if other.metric("steps_done") else None
    seconds, steps = run.metric("train_seconds"), run.metric("steps_done")
    if seconds is None or not steps or not other.metric("steps_done"):
        return seconds
    return seconds / steps


def _ratio(pairs: Sequence[tuple[float | None, float | None]]) -> float | None:
    logs = [log(a / b) for b, a in pairs if b is not None and a is not None and _positive(b) and _positive(a)]
    return exp(fmean(logs)) if logs else None


def _positive(value: float) -> bool:
    return isfinite(value) and value > 0
