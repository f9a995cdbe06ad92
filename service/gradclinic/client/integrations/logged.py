"""What is logged of a run or a study to a tracker of experiments: verdict, metrics, curves, profile, arms."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...kernel.json import JsonObject
from ...schemas.comparison import ArmAnswer, ComparisonAnswer
from ...schemas.statistic import CurveAnswer
from ...text.comparison import Ranking
from ...text.console import plain_text
from ...text.run import run_words
from .. import Run, Study
from ..table import Cell, Columns, columns_of

PREFIX = "gradclinic"
"""The first part of every name, so that nothing of the tracker's own run is overwritten."""
PROFILE = "site_grad_rms"
"""The statistic of the profile: the size of the gradient at each layer."""


@dataclass(frozen=True, kw_only=True)
class Logged:
    """A run that has ended, as trackers take it."""

    name: str
    verdict: Mapping[str, str]
    """Id, page, status, primary condition, whether it hurt learning, and the summary, by short name."""
    metrics: Mapping[str, float]
    """The final metrics that the run has, and the confidence of the diagnosis."""
    curves: Sequence[CurveAnswer]
    profile: JsonObject
    """The gradient at each layer before the first step, as the API answers it."""
    words: str
    """The verdict and its evidence as text."""
    diagnosis: JsonObject

    def rows(self) -> dict[int, dict[str, float]]:
        """The values of all curves by step."""
        by_step: dict[int, dict[str, float]] = {}
        for curve in self.curves:
            for step, value in zip(curve.steps, curve.values, strict=True):
                by_step.setdefault(step, {})[curve.statistic] = value
        return dict(sorted(by_step.items()))


def logged(run: Run, *, max_points: int = 1000) -> Logged:
    """What is logged of a run; each curve has at most `max_points` points. Waits until the run has ended."""
    answer = run.wait().answer
    diagnosis = run.diagnosis()
    first = diagnosis.findings[0]
    metrics = answer.metrics.model_dump(exclude_none=True) if answer.metrics else {}
    return Logged(
        name=answer.name or run.id,
        verdict={
            "run": run.id,
            "page": run.page,
            "status": answer.status,
            "condition": diagnosis.primary,
            "harm": json.dumps(first.harm),
            "summary": first.summary,
        },
        metrics={**metrics, "confidence": first.confidence},
        curves=run.curves(max_points=max_points).curves,
        profile=run.profile(PROFILE).document,
        words=plain_text(run_words(answer, diagnosis, page=run.page)),
        diagnosis=diagnosis.document,
    )


@dataclass(frozen=True, kw_only=True)
class LoggedStudy:
    """A study that has ended, as trackers take it."""

    name: str
    verdict: Mapping[str, str]
    """Id, page, status, metric, and the best arm with its verdict and the reason, by short name."""
    arms: Columns
    """A table with a row for each arm, the baseline first, then the best."""
    words: str
    """The arms as a table of text."""
    comparison: JsonObject
    """The comparison as the API answers it."""

    def arms_csv(self) -> str:
        """The table of arms as CSV."""
        text = io.StringIO()
        csv.writer(text).writerows([self.arms, *zip(*self.arms.values(), strict=True)])
        return text.getvalue()


def logged_study(study: Study) -> LoggedStudy:
    """What is logged of a study. Waits until its runs have ended."""
    study.wait()
    found = study.comparison().answer
    best = found.arms[0] if found.arms else None
    chosen = {} if best is None else {"best_arm": best.arm, "verdict": best.verdict, "reason": best.reason}
    return LoggedStudy(
        name=study.answer.name or study.id,
        verdict={"study": study.id, "page": study.page, "status": study.status, "metric": found.metric, **chosen},
        arms=columns_of([_baseline_row(found), *(_arm_row(arm, found.metric) for arm in found.arms)]),
        words=plain_text(Ranking(found)),
        comparison=found.document,
    )


def title_of(run: Run) -> str:
    """The arm and the seed of a run of a study."""
    return f"{run.answer.arm}, seed {run.answer.seed}"


def _baseline_row(found: ComparisonAnswer) -> dict[str, Cell]:
    means = {arm.effects[found.metric].baseline_mean for arm in found.arms if found.metric in arm.effects}
    return {"arm": found.baseline, "runs": found.baseline_runs, found.metric: means.pop() if len(means) == 1 else None}


def _arm_row(arm: ArmAnswer, metric: str) -> dict[str, Cell]:
    effect = arm.effects.get(metric)
    low, high = (effect.interval if effect else None) or (None, None)
    return {
        "arm": arm.arm,
        "runs": arm.runs,
        metric: effect.arm_mean if effect else None,
        "rank": arm.rank,
        "verdict": arm.verdict,
        "difference": effect.difference if effect else None,
        "low": low,
        "high": high,
        "reason": arm.reason,
    }
