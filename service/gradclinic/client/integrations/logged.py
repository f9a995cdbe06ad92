"""What is logged of a run to a tracker of experiments: verdict, metrics, curves and profile."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...kernel.json import JsonObject
from ...schemas.statistic import CurveAnswer
from ...text.console import plain_text
from ...text.run import run_words
from .. import Run

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
