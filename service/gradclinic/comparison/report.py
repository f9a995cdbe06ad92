"""What a comparison says, arm by arm, and its JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .effects import Effect
from .over_seeds import DiagnosisOverSeeds, diagnoses_over_seeds
from .results import RunResult
from .verdicts import Judgement, Verdict


@dataclass(frozen=True)
class Cost:
    """What an arm costs, as ratios to the baseline: geometric means over the pairs; None where unknown."""

    train_seconds_ratio: float | None
    """Seconds a step where the steps taken are known (a diverged run stops early), else seconds a run."""
    memory_ratio: float | None
    parameters_ratio: float | None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "train_seconds_ratio": self.train_seconds_ratio,
            "memory_ratio": self.memory_ratio,
            "parameters_ratio": self.parameters_ratio,
        }


@dataclass(frozen=True)
class ArmComparison:
    """One arm against the baseline."""

    arm: str
    rank: int
    judgement: Judgement
    results: tuple[RunResult, ...]
    """The arm's finished runs."""
    baseline_results: tuple[RunResult, ...]
    """The baseline's finished runs."""
    pending: int
    """The arm's runs that have not ended."""
    lost: int
    """The arm's runs that ended without a result: failed, canceled, expired."""
    baseline_pending: int = 0
    paired_by: Literal["seed", "order"] = "seed"
    """What joins a run to one of the baseline's; by order where they share no seed, which is valid, but less sharp."""
    effects: Mapping[str, Effect] = field(default_factory=dict)
    cost: Cost = Cost(None, None, None)

    @property
    def verdict(self) -> Verdict:
        """In one word; open as long as runs are pending, because stopping at a lucky moment is no evidence."""
        return "inconclusive" if self._open else self.judgement.verdict

    @property
    def _open(self) -> bool:
        return bool(self.pending or self.baseline_pending)

    @property
    def reason(self) -> str:
        """Why that verdict."""
        if not self._open:
            return self.judgement.reason
        return (
            f"{self.pending} runs of this arm and {self.baseline_pending} of the baseline have not ended. "
            f"So far: {self.judgement.reason}"
        )

    @property
    def diagnoses(self) -> tuple[DiagnosisOverSeeds, ...]:
        """What the arm's seeds say together, at each point of a sweep."""
        return diagnoses_over_seeds(self.results)

    @property
    def new_conditions(self) -> dict[str, int]:
        """Runs with a harmful condition that harmed no run of the baseline."""
        old = frozenset().union(*(run.harmful for run in self.baseline_results))
        return dict(Counter(name for run in self.results for name in sorted(run.harmful - old)))

    def to_json(self) -> dict[str, Any]:
        """As the contract has it, with more beside it."""
        return {
            "arm": self.arm,
            "rank": self.rank,
            "verdict": self.verdict,
            "verdict_so_far": self.judgement.verdict,
            "reason": self.reason,
            "seeds_needed": self.judgement.seeds_needed,
            "runs": len(self.results),
            "pending": self.pending,
            "lost": self.lost,
            "paired_by": self.paired_by,
            "conditions": _conditions(self.results),
            "baseline_conditions": _conditions(self.baseline_results),
            "new_conditions": self.new_conditions,
            "conditions_by_seed": _by_seed(self.results),
            "diagnoses": [each.to_json() for each in self.diagnoses],
            "learned": sum(run.learned for run in self.results),
            "effects": {name: effect.to_json() for name, effect in self.effects.items()},
            "cost": self.cost.to_json(),
        }


@dataclass(frozen=True)
class Comparison:
    """The arms against the baseline, best first."""

    baseline: str
    metric: str
    confidence: float
    arms: tuple[ArmComparison, ...]
    baseline_results: tuple[RunResult, ...]
    baseline_pending: int
    study_id: str | None = None

    def arm(self, name: str) -> ArmComparison:
        """The arm of that name."""
        return next(each for each in self.arms if each.arm == name)

    def to_json(self) -> dict[str, Any]:
        """As the contract has it, with more beside it."""
        return {
            "study_id": self.study_id,
            "baseline": self.baseline,
            "metric": self.metric,
            "confidence": self.confidence,
            "method": (
                "paired t intervals over seeds, of log values where the unit is ln(...)"
                + (f", simultaneous over {len(self.arms)} arms (Bonferroni)" if len(self.arms) > 1 else "")
                + "; where seeds end in another way, an "
                "exact test of how many do"
            ),
            "false_verdicts_at_most": round(1 - self.confidence, 12),
            "complete": not (self.baseline_pending or any(each.pending for each in self.arms)),
            "baseline_runs": len(self.baseline_results),
            "baseline_conditions": _conditions(self.baseline_results),
            "baseline_conditions_by_seed": _by_seed(self.baseline_results),
            "baseline_diagnoses": [each.to_json() for each in diagnoses_over_seeds(self.baseline_results)],
            "arms": [each.to_json() for each in self.arms],
        }


def _conditions(runs: Sequence[RunResult]) -> dict[str, int]:
    return dict(Counter(run.primary for run in runs).most_common())


def _by_seed(runs: Sequence[RunResult]) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run.run_id,
            "seed": run.seed,
            "sweep_point": dict(run.sweep_point) if run.sweep_point else None,
            "primary": run.primary,
            "harmful": sorted(run.harmful),
            "learned": run.learned,
        }
        for run in runs
    ]
