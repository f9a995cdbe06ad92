"""Diagnosis of a run: conditions, layers, onset and confidence; pure functions of the run's record.

    from gradclinic.diagnosis import diagnose
    diagnosis = diagnose(record)                 # findings, and the primary condition
    diagnosis = diagnose(record, thresholds={"depth_slope": 2.0})

The finding of the primary condition always exists and comes first; the findings of all other rules follow.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..kernel.errors import InvalidSpec
from ..measurements.record import RunRecord
from .features import Features, extract
from .finding import Diagnosis, Evidence, Finding
from .judge import cause_of, judge
from .peers import autotrainer, sagemaker
from .rules import Condition
from .suggestions import cure_counts, suggest, summary_with_first
from .thresholds import NamedThresholds, Thresholds

if TYPE_CHECKING:
    from ..experiments.experiment import Experiment

_Judge = Callable[[Features, RunRecord, Any], tuple[Finding, ...]]

RULE_SETS: Mapping[str, tuple[type[NamedThresholds], _Judge]] = {
    "1": (Thresholds, judge),
    "autotrainer": (autotrainer.AutotrainerThresholds, autotrainer.judge),
    "sagemaker": (sagemaker.SageMakerThresholds, sagemaker.judge),
}
"""The available rule sets, each with its thresholds; the default first."""


def diagnose(
    record: RunRecord,
    *,
    rule_set: str = "1",
    thresholds: Mapping[str, float] | None = None,
    experiment: "Experiment | None" = None,
) -> Diagnosis:
    """Diagnose a run, finished or not. If its experiment is given, only remedies that apply to it are suggested.

    Raises InvalidSpec for an unknown rule set, an unknown threshold, or a threshold out of bounds.
    """
    if rule_set not in RULE_SETS:
        raise InvalidSpec.at(
            "/rule_set", f"there is no rule set {rule_set!r}", value=rule_set, allowed=", ".join(RULE_SETS)
        )
    kind, judged = RULE_SETS[rule_set]
    findings = judged(extract(record), record, kind.with_changes(thresholds))
    findings = tuple(
        _with_suggestions(finding, record, experiment, cause=cause_of(finding, findings[:place], record))
        for place, finding in enumerate(findings)
    )
    return Diagnosis(primary=findings[0].condition, findings=findings, rule_set=rule_set)


def _with_suggestions(
    finding: Finding, record: RunRecord, experiment: "Experiment | None", *, cause: Finding | None
) -> Finding:
    """A consequence has no remedies of its own: those of its cause come first, and then it is seen whether it stays."""
    if cause is not None:
        follows = f"; this follows from {cause.condition.replace('_', ' ')}, so mend that first."
        return replace(finding, summary=finding.summary.removesuffix(".") + follows)
    remedies = suggest(finding, record, experiment)
    counts = cure_counts(finding, remedies, record)
    return replace(
        finding, suggested_remedies=remedies, cure_counts=counts, summary=summary_with_first(finding, remedies)
    )


__all__ = [
    "RULE_SETS",
    "Condition",
    "Diagnosis",
    "Evidence",
    "Features",
    "Finding",
    "Thresholds",
    "diagnose",
    "extract",
]
