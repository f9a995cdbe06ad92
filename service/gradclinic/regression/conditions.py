"""Conditions that hurt learning in the new runs, compared with the baseline: number of seeds and layers."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..comparison import RunResult, diagnoses_over_seeds
from ..comparison.over_seeds import FindingOverSeeds
from ..kernel.vocabulary import CheckVerdict
from .chance import Befell
from .report import ConditionCheck


@dataclass(frozen=True)
class _Compared:
    """One condition: the number of seeds on each side in which it hurt learning."""

    condition: str
    befell: Befell
    error: float
    finding: FindingOverSeeds | None
    """The finding over all new seeds; None if no seed shows it."""
    baseline_finding: FindingOverSeeds | None

    @property
    def verdict(self) -> CheckVerdict:
        """`fail` if it hurt significantly more seeds; `inconclusive` if it is new but may be chance."""
        if self.befell.beyond_chance(self.error):
            return "fail"
        return "inconclusive" if self.befell.new and not self.befell.baseline else "pass"

    @property
    def seeds_needed(self) -> int | None:
        """The number of seeds that would decide if the fractions stay; None if decided, or if more than 16."""
        return self.befell.seeds_needed(self.error) if self.verdict == "inconclusive" else None

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that most of the new seeds name, worst first."""
        return () if self.finding is None else tuple(each.layer for each in self.finding.layers)

    @property
    def reason(self) -> str:
        """The reason for the verdict, in one sentence."""
        befell = self.befell
        name = self.condition.replace("_", " ").capitalize()
        where = f", in {', '.join(self.layers[:3])}" if self.layers and befell.new else ""
        where += f" and {len(self.layers) - 3} more" if where and len(self.layers) > 3 else ""
        text = (
            f"{name} hurt learning in {befell.new} of {befell.of_new} new seeds{where}, "
            f"and in {befell.baseline} of {befell.of_baseline} of the baseline's"
        )
        ends = {"fail": "; this is significant", "inconclusive": "; it is new, but may be chance"}
        return text + ends.get(self.verdict, "") + "."

    def check(self) -> ConditionCheck:
        return ConditionCheck(
            condition=self.condition,
            verdict=self.verdict,
            reason=self.reason,
            new_seeds=self.befell.new,
            of_new=self.befell.of_new,
            baseline_seeds=self.befell.baseline,
            of_baseline=self.befell.of_baseline,
            layers=self.layers,
            seeds_needed=self.seeds_needed,
            finding=self.finding,
            baseline_finding=self.baseline_finding,
        )


def condition_checks(
    baseline: Sequence[RunResult], new: Sequence[RunResult], *, error: float
) -> tuple[ConditionCheck, ...]:
    """A check for each condition that hurt learning in any seed, those in most new seeds first.

    They share the error. A condition counts as tested if it occurs on any side, which does not depend on which side is
    worse.
    """
    names = sorted({name for run in (*baseline, *new) for name in run.harmful})
    found, found_before = _findings(new), _findings(baseline)
    checks = [
        _Compared(
            name,
            Befell(_harmed(new, name), _seeds(new), _harmed(baseline, name), _seeds(baseline)),
            error / len(names),
            found.get(name),
            found_before.get(name),
        ).check()
        for name in names
    ]
    return tuple(sorted(checks, key=lambda each: (-each.new_seeds, each.condition)))


def _findings(runs: Sequence[RunResult]) -> dict[str, FindingOverSeeds]:
    return {finding.condition: finding for each in diagnoses_over_seeds(runs) for finding in each.findings}


def _harmed(runs: Sequence[RunResult], condition: str) -> int:
    return len({run.seed for run in runs if condition in run.harmful})


def _seeds(runs: Sequence[RunResult]) -> int:
    return len({run.seed for run in runs})
