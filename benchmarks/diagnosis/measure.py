"""Trains labelled experiments and compares what each rule set says of the same records."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gradclinic.diagnosis import RULE_SETS, Diagnosis, diagnose
from gradclinic.diagnosis.confidence import wilson
from gradclinic.measurements.record import RunRecord, Series
from gradclinic_workers.train.fit import train

from .cases import Case

LOOKS = (20, 25, 32, 40, 50, 63, 79, 100, 126, 158, 200, 251, 316)
"""Steps after which a running training is diagnosed, ten for each power of ten, to see when its condition shows."""


@dataclass(frozen=True)
class Judged:
    """One run of one case, with the diagnoses of all rule sets."""

    case: Case
    seed: int
    primary: dict[str, str]
    """Primary condition by rule set."""
    harmful: bool
    """Whether our primary condition did harm."""
    findings: tuple[tuple[str, str], ...]
    """Condition and severity of each of our findings, the primary one first."""
    culprit_error: int | None
    """Layers between the planted fault and the nearest layer named; None if none was planted."""
    culprit_missed: bool
    detected_at: int | None
    """Step at which our rules found the expected condition during training; None for healthy runs and misses."""
    summary: str
    confidence: float
    """That of our primary finding."""


def judge_all(cases: Sequence[Case], *, tick: Callable[[], None]) -> Iterator[Judged]:
    """Train every case with every seed of its own, and judge each record by every rule set."""
    for case in cases:
        for seed in case.seeds:
            record = train(case.experiment.with_seed(seed))
            yield judged(case, seed, record)
            tick()


def judged(case: Case, seed: int, record: RunRecord) -> Judged:
    """One record, judged by every rule set."""
    by_rule_set = {name: diagnose(record, rule_set=name) for name in RULE_SETS}
    ours = by_rule_set["1"]
    error = _culprit_error(case, record, ours)
    return Judged(
        case=case,
        seed=seed,
        primary={name: diagnosis.primary for name, diagnosis in by_rule_set.items()},
        harmful=ours.findings[0].harm,
        findings=tuple((finding.condition, finding.severity) for finding in ours.findings),
        culprit_error=error,
        culprit_missed=case.culprit is not None and error is None,
        detected_at=_detected_at(case, record, ours),
        summary=ours.findings[0].summary,
        confidence=ours.findings[0].confidence,
    )


def _culprit_error(case: Case, record: RunRecord, diagnosis: Diagnosis) -> int | None:
    """Distance of the planted layer to the first layer that a finding of an acceptable condition names."""
    if case.culprit is None:
        return None
    hidden = [weight.name for weight in record.weights if not weight.readout]
    wanted = (case.expected, *case.also_acceptable)
    named = [
        hidden.index(finding.layers[0])
        for finding in diagnosis.findings
        if finding.condition in wanted and finding.layers and finding.layers[0] in hidden
    ]
    return min((abs(place - case.culprit) for place in named), default=None)


def _detected_at(case: Case, record: RunRecord, diagnosis: Diagnosis) -> int | None:
    if case.expected == "healthy" or not case.accepts(diagnosis.primary):
        return None
    end = record.outcome.steps_done if record.outcome is not None else record.steps
    for step in LOOKS:
        if step >= end:
            break
        live = diagnose(_until(record, step))
        if any(finding.condition == diagnosis.primary for finding in live.findings):
            return step
    return end


def _until(record: RunRecord, step: int) -> RunRecord:
    """The record of a running run before that step."""
    series = {
        name: Series(old.steps[old.steps < step], old.values[old.steps < step]) for name, old in record.series.items()
    }
    return replace(record, series=series, outcome=None)


def confusion(rows: Iterable[Judged], *, rule_set: str) -> Counter[tuple[str, str]]:
    """Number of diagnoses by expected condition and diagnosed condition."""
    return Counter((row.case.expected, row.primary[rule_set]) for row in rows)


def right(rows: Sequence[Judged], *, rule_set: str) -> int:
    """Number of runs with an acceptable primary condition."""
    return sum(row.case.accepts(row.primary[rule_set]) for row in rows)


def false_alarms(rows: Sequence[Judged], *, rule_set: str) -> tuple[int, int]:
    """Number of healthy runs with another diagnosis, and of all healthy runs."""
    healthy = [row for row in rows if row.case.expected == "healthy"]
    return sum(row.primary[rule_set] not in ("healthy", "insufficient_evidence") for row in healthy), len(healthy)


def alarms_by_condition(rows: Sequence[Judged]) -> dict[tuple[str, str], tuple[int, int]]:
    """Of healthy runs, by condition and severity: how many have it as primary, how many beside another primary one."""
    healthy = [row for row in rows if row.case.expected == "healthy"]
    primary = Counter(row.findings[0] for row in healthy)
    beside = Counter(each for row in healthy for each in set(row.findings[1:]))
    kinds = sorted({*primary, *beside} - {("healthy", "info"), ("insufficient_evidence", "info")})
    return {kind: (primary[kind], beside[kind]) for kind in kinds}


__all__ = [
    "LOOKS",
    "Judged",
    "alarms_by_condition",
    "confusion",
    "false_alarms",
    "judge_all",
    "judged",
    "right",
    "wilson",
]
