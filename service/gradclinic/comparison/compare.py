"""The arms of a study, or any runs, against the baseline arm: effects with intervals, verdicts, ranks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, isfinite, log
from statistics import fmean
from typing import Literal

from ..kernel.errors import InvalidSpec
from .effects import effect_of
from .evidence import Counts, Evidence, count
from .metrics import DEFAULT_METRIC, METRICS, Metric, deciding_metric
from .report import ArmComparison, Comparison, Cost
from .results import Pair, RunResult
from .verdicts import Verdict, judge

_ORDER: Mapping[Verdict, int] = {"cures": 0, "improves": 1, "no_effect": 2, "inconclusive": 2, "harms": 3}


def compare(
    results: Iterable[RunResult],
    *,
    baseline: str = "baseline",
    metric: str = DEFAULT_METRIC,
    confidence: float = 0.95,
    arms: Sequence[str] | None = None,
    study_id: str | None = None,
) -> Comparison:
    """Compare the arms of `results` with the baseline arm; raises InvalidSpec for names or numbers that do not fit.

    Runs are paired by seed and sweep point, by order where an arm shares neither with the baseline; a run without a
    partner counts for the arm's conditions only.
    `arms` names the arms in their order (and those without a run yet); by default those found, in order of appearance.
    Rank: by verdict (cures, improves, no_effect and inconclusive alike, harms), then by the mean difference of the
    metric with non-finite outcomes worst, then by time, then by the arms' order. Order of `results` does not matter
    beyond that.
    """
    chosen = deciding_metric(metric)
    if not 0.5 <= confidence < 1:
        raise InvalidSpec.at("/confidence", "not a confidence", value=confidence, allowed="from 0.5 to below 1")
    by_arm: dict[str, list[RunResult]] = {name: [] for name in arms or ()}
    for run in results:
        by_arm.setdefault(run.arm, []).append(run)
    if baseline not in by_arm:
        raise InvalidSpec.at(
            "/baseline", f"no arm is called {baseline!r}", value=baseline, allowed=f"one of {', '.join(by_arm)}"
        )
    reference = by_arm.pop(baseline)
    against = _Against(reference, by_arm, metric=chosen, confidence=confidence)
    compared = [against.arm(name, runs) for name, runs in by_arm.items()]
    ranked = sorted(compared, key=lambda each: _rank_key(each, chosen))
    return Comparison(
        baseline=baseline,
        metric=metric,
        confidence=confidence,
        arms=tuple(replace(each, rank=index + 1) for index, each in enumerate(ranked)),
        baseline_results=_finished(reference),
        baseline_pending=sum(run.pending for run in reference),
        study_id=study_id,
    )


@dataclass(frozen=True)
class _Against:
    """The baseline's runs, those of all arms, and how one is held against the other."""

    reference: Sequence[RunResult]
    arms: Mapping[str, Sequence[RunResult]]
    metric: Metric
    confidence: float

    @cached_property
    def baseline(self) -> Counts:
        """What happened to the baseline's seeds."""
        return count(_finished(self.reference), self.metric)

    @cached_property
    def counts(self) -> Mapping[str, Counts]:
        """What happened to each arm's seeds."""
        return {name: count(_finished(runs), self.metric) for name, runs in self.arms.items()}

    def arm(self, name: str, runs: Sequence[RunResult]) -> ArmComparison:
        finished, reference = _finished(runs), _finished(self.reference)
        base, mine, paired_by = _joined(reference, finished)
        shared = [pair for pair in mine if pair in base]
        others = [counts for other, counts in self.counts.items() if other != name]
        evidence = Evidence.of(self.baseline, self.counts[name], others, error=1 - self.confidence)
        effects = {}
        for each in (self.metric, *(other for other in METRICS.values() if other is not self.metric)):
            effect = effect_of(
                each,
                baseline=base,
                arm=mine,
                confidence=self.confidence,
                comparisons=len(self.arms),
                reserved=evidence.reserved if each is self.metric else 0.0,
            )
            if effect is not None:
                effects[each.name] = effect
        paired = [base[pair] for pair in shared], [mine[pair] for pair in shared]
        return ArmComparison(
            arm=name,
            rank=0,
            judgement=judge(effects.get(self.metric.name), evidence, baseline=paired[0], arm=paired[1]),
            results=finished,
            baseline_results=reference,
            pending=sum(run.pending for run in runs),
            lost=sum(not run.pending and not run.succeeded for run in runs),
            baseline_pending=sum(run.pending for run in self.reference),
            paired_by=paired_by,
            effects=effects,
            cost=_cost(*paired),
        )


def _finished(runs: Sequence[RunResult]) -> tuple[RunResult, ...]:
    return tuple(
        sorted((run for run in runs if run.succeeded), key=lambda run: (run.seed, str(run.sweep_point), run.run_id))
    )


def _joined(
    baseline: Sequence[RunResult], arm: Sequence[RunResult]
) -> tuple[dict[Pair, RunResult], dict[Pair, RunResult], Literal["seed", "order"]]:
    """Both sides by what they are paired by; of two runs of one arm with the same seed, the later counts."""
    base, mine = {run.pair: run for run in baseline}, {run.pair: run for run in arm}
    if base.keys() & mine.keys() or any(point is not None for _, point in (*base, *mine)):
        return base, mine, "seed"
    return _numbered(base), _numbered(mine), "order"


def _numbered(runs: Mapping[Pair, RunResult]) -> dict[Pair, RunResult]:
    return {(index, None): run for index, run in enumerate(runs.values())}


def _rank_key(each: ArmComparison, metric: Metric) -> tuple[float, ...]:
    effect = each.effects.get(metric.name)
    time = each.cost.train_seconds_ratio
    return (
        _ORDER[each.judgement.verdict],
        effect.gain if effect is not None else float("inf"),
        time if time is not None else float("inf"),
    )


def _cost(baseline: Sequence[RunResult], arm: Sequence[RunResult]) -> Cost:
    pairs = list(zip(baseline, arm, strict=True))
    return Cost(
        train_seconds_ratio=_ratio([(_seconds(b, a), _seconds(a, b)) for b, a in pairs]),
        memory_ratio=_ratio([(b.metric("peak_memory_bytes"), a.metric("peak_memory_bytes")) for b, a in pairs]),
        parameters_ratio=_ratio([(b.metric("parameters"), a.metric("parameters")) for b, a in pairs]),
    )


def _seconds(run: RunResult, other: RunResult) -> float | None:
    """Seconds a step where both runs know their steps, else seconds a run."""
    seconds, steps = run.metric("train_seconds"), run.metric("steps_done")
    if seconds is None or not steps or not other.metric("steps_done"):
        return seconds
    return seconds / steps


def _ratio(pairs: Sequence[tuple[float | None, float | None]]) -> float | None:
    logs = [log(a / b) for b, a in pairs if b is not None and a is not None and _positive(b) and _positive(a)]
    return exp(fmean(logs)) if logs else None


def _positive(value: float) -> bool:
    return isfinite(value) and value > 0
