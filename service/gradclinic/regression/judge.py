"""The verdict on a new result, from the runs of both sides.

pass          every metric's interval lies within its margin, and no condition that the baseline lacked hurts learning
fail          some metric's interval lies outside its margin, or some condition hurts significantly more seeds
inconclusive  everything else: too few seeds, an interval that contains the margin, runs that were not trained

If the new runs are no worse than their margins allow, the probability of a fail is at most 5 % in total: 3.25 % for the
bounds of the metrics, 1.75 % for the exact tests of the conditions. If they are worse than a margin, the probability of
a pass is at most 3.25 %. With fewer than three seeds nothing is decided. Events that are rarer than about one in n
seeds can stay unnoticed with n seeds.
"""

from collections.abc import Mapping, Sequence

from ..comparison import METRICS, Pair, RunResult, in_one_unit, notes_on, of_one_loss
from ..kernel.vocabulary import CheckVerdict
from .conditions import condition_checks
from .metrics import FEWEST_SEEDS, metric_check
from .power import ERROR, RESERVED
from .report import ConditionCheck, LostRun, MetricCheck, Report

METHOD = (
    "non-inferiority on differences paired by seed, on log values if the unit is ln(...): bounds by Student's t, "
    "simultaneous over the metrics "
    f"(Bonferroni, {100 * (1 - 2 * (1 - RESERVED) * ERROR):.1f} % for all intervals together); "
    "exact tests for conditions, and for seeds that end differently (not finite, or not learned)"
)


def check(baseline: Sequence[RunResult], new: Sequence[RunResult], *, margins: Mapping[str, float]) -> Report:
    """Compare new runs with the baseline's, paired by seed; `margins` are the margins of the metrics to check.

    Conditions are counted over all runs of each side, metrics over the pairs. Raises KeyError for an unknown metric.
    """
    runs = of_one_loss(in_one_unit([*baseline, *new]), reference=baseline)
    baseline, new = runs[: len(baseline)], runs[len(baseline) :]
    finished, mine = _by_pair(baseline), _by_pair(new)
    metrics = [
        metric_check(
            METRICS[name],
            margin=margin,
            baseline=finished,
            new=mine,
            metrics=len(margins),
            error=ERROR,
            reserved=RESERVED * ERROR,
        )
        for name, margin in margins.items()
    ]
    conditions = condition_checks(list(finished.values()), list(mine.values()), error=RESERVED * ERROR)
    lost = [run for run in new if not run.succeeded]
    pairs = finished.keys() & mine.keys()
    cases: list[MetricCheck | ConditionCheck] = [*metrics, *conditions]
    verdict = _verdict(cases, lost=len(lost))
    needed = _seeds_needed(cases, seeds=len(pairs), lost=len(lost)) if verdict == "inconclusive" else None
    return Report(
        verdict=verdict,
        summary=" ".join(
            [
                _OPENING[verdict],
                *(each.reason for each in cases if each.verdict == verdict),
                *(["Nothing hurt learning."] if verdict == "pass" and not any(c.new_seeds for c in conditions) else []),
                *([f"{len(lost)} of {len(mine) + len(lost)} new runs could not be trained."] if lost else []),
                *([_what_decides(needed)] if verdict == "inconclusive" else []),
            ]
        ),
        false_fails_at_most=ERROR,
        method=METHOD,
        notes=notes_on(runs),
        seeds=tuple(sorted(pair[0] for pair in pairs)),
        seeds_needed=needed,
        baseline_runs=len(finished),
        new_runs=len(mine),
        lost=tuple(LostRun(run.run_id, run.seed, run.status) for run in lost),
        metrics=tuple(metrics),
        conditions=conditions,
    )


_OPENING: Mapping[CheckVerdict, str] = {
    "fail": "Worse than the baseline.",
    "pass": "No worse than the margins allow.",
    "inconclusive": "Not decided.",
}


def _verdict(cases: Sequence[MetricCheck | ConditionCheck], *, lost: int) -> CheckVerdict:
    found = {each.verdict for each in cases}
    if "fail" in found:
        return "fail"
    return "inconclusive" if "inconclusive" in found or lost else "pass"


def _seeds_needed(cases: Sequence[MetricCheck | ConditionCheck], *, seeds: int, lost: int) -> int | None:
    """The number of seeds that would decide the open cases; None if no practical number would."""
    needed = [each.seeds_needed for each in cases if each.verdict == "inconclusive"]
    if not needed:
        return max(FEWEST_SEEDS, seeds + lost)
    known = [each for each in needed if each is not None]
    return max(known) if len(known) == len(needed) else None


def _what_decides(seeds: int | None) -> str:
    if not seeds:
        return "No practical number of seeds would decide; a larger margin might."
    return f"About {seeds} seeds would decide."


def _by_pair(runs: Sequence[RunResult]) -> dict[Pair, RunResult]:
    return {run.pair: run for run in sorted(runs, key=lambda run: (run.seed, run.run_id)) if run.succeeded}
