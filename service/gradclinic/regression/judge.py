"""The verdict on a new result, from the runs of both sides.

pass          every metric's interval lies within its margin, and no condition that the baseline lacked hurts learning
fail          some metric's interval lies beyond its margin, or some condition hurts more seeds than chance would
inconclusive  everything else: too few seeds, an interval that straddles the margin, runs that were not trained

If the new runs are no worse than their margins allow, the chance of a fail is at most 5 %, whatever the number of
metrics and conditions: 3 % are shared by the metrics' bounds, 2 % by the exact tests of the conditions. If they are
worse than a margin, the chance that they pass is at most 3 %. Fewer than three seeds decide nothing. What befalls
fewer than about one seed in n can stay unseen with n seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..comparison import METRICS, RunResult
from .conditions import ConditionCheck, condition_checks
from .metrics import FEWEST_SEEDS, MetricCheck, Verdict, metric_check

ERROR = 0.05
"""Chance of a false fail, at most."""
RESERVED = 0.4
"""The share of it that conditions may use up; the metrics have the rest."""

METHOD = (
    "non-inferiority on differences paired by seed, of log values where the unit is ln(...): bounds by Student's t, "
    f"simultaneous over the metrics (Bonferroni, {1 - 2 * (1 - RESERVED) * ERROR:.0%} for all intervals together); "
    "conditions, and seeds that ended in another way, by exact tests"
)


@dataclass(frozen=True)
class Report:
    """What a check found, metric by metric and condition by condition."""

    metrics: tuple[MetricCheck, ...]
    conditions: tuple[ConditionCheck, ...]
    seeds: tuple[int, ...]
    """The seeds that both sides finished."""
    baseline_runs: int
    new_runs: int
    lost: tuple[RunResult, ...]
    """New runs that ended without a result: failed, canceled, expired."""

    @property
    def cases(self) -> tuple[MetricCheck | ConditionCheck, ...]:
        """Everything that was looked at."""
        return (*self.metrics, *self.conditions)

    @property
    def verdict(self) -> Verdict:
        """In one word."""
        found = {each.verdict for each in self.cases}
        if "fail" in found:
            return "fail"
        return "inconclusive" if "inconclusive" in found or self.lost else "pass"

    @property
    def seeds_needed(self) -> int | None:
        """How many seeds would decide what is open; None where it is decided, or no practical number would."""
        if self.verdict != "inconclusive":
            return None
        opened = [each for each in self.cases if each.verdict == "inconclusive"]
        needed = [each.seeds_needed for each in opened]
        if not needed:
            return max(FEWEST_SEEDS, len(self.seeds) + len(self.lost))
        known = [each for each in needed if each is not None]
        return max(known) if len(known) == len(needed) else None

    @property
    def summary(self) -> str:
        """For a person: what is worse, or that nothing is, or what is open and how many seeds would decide."""
        named = {"fail": "Worse than the baseline. ", "pass": "No worse than the margins allow. "}
        shown = [each for each in self.cases if each.verdict == self.verdict]
        text = named.get(self.verdict, "Not decided. ") + " ".join(each.reason for each in shown)
        if self.verdict == "pass" and not any(each.befell.new for each in self.conditions):
            text += " Nothing hurt learning."
        if self.lost:
            text += f" {len(self.lost)} of {self.new_runs + len(self.lost)} new runs could not be trained to an end."
        if self.verdict == "inconclusive":
            needed = self.seeds_needed
            no_number = " If all stays so, no practical number of seeds would decide."
            text += f" About {needed} seeds would decide." if needed else no_number
        return text.strip()

    def to_json(self) -> dict[str, Any]:
        """As a check's answer has it."""
        return {
            "verdict": self.verdict,
            "summary": self.summary,
            "false_fails_at_most": ERROR,
            "method": METHOD,
            "seeds": list(self.seeds),
            "seeds_needed": self.seeds_needed,
            "baseline_runs": self.baseline_runs,
            "new_runs": self.new_runs,
            "lost": [{"run_id": run.run_id, "seed": run.seed, "status": run.status} for run in self.lost],
            "metrics": [each.to_json() for each in self.metrics],
            "conditions": [each.to_json() for each in self.conditions],
        }


def check(baseline: Sequence[RunResult], new: Sequence[RunResult], *, margins: Mapping[str, float]) -> Report:
    """Hold new runs against the baseline's, which are paired by seed; `margins` names the metrics that are looked at.

    Conditions are counted over all runs of either side, metrics over the pairs. Raises KeyError for an unknown metric.
    """
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
    return Report(
        metrics=tuple(metrics),
        conditions=condition_checks(list(finished.values()), list(mine.values()), error=RESERVED * ERROR),
        seeds=tuple(sorted(pair[0] for pair in finished.keys() & mine.keys())),
        baseline_runs=len(finished),
        new_runs=len(mine),
        lost=tuple(run for run in new if not run.succeeded),
    )


def _by_pair(runs: Sequence[RunResult]) -> dict[Any, RunResult]:
    return {run.pair: run for run in sorted(runs, key=lambda run: (run.seed, run.run_id)) if run.succeeded}
