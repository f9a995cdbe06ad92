"""One diagnosis for all seeds of an arm: for each condition the number of seeds, layers, onset and evidence.

Seeds are independent trials. A fraction of them gets a Wilson interval; a number measured in each gets a
distribution-free interval of its median. Runs at different points of a sweep are different networks, with one
diagnosis each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isinf, isnan
from statistics import median

from ..diagnosis import Evidence, Finding
from ..diagnosis.confidence import median_interval, median_of, wilson
from ..diagnosis.rules import NOTHING_WRONG
from ..diagnosis.wording import as_read
from ..kernel.vocabulary import Unit
from .results import RunResult, SweepPoint, Swept


@dataclass(frozen=True, kw_only=True)
class EvidenceOverSeeds:
    """One measured number of a finding, over the seeds that have the finding."""

    name: str
    unit: Unit
    threshold: float | None
    """The threshold of the first of these seeds."""
    median: float
    interval: tuple[float, float] | None
    """Interval of the median, between two of the measured values; None for a single seed."""
    confidence: float | None
    """Confidence of the interval; it depends on the number of seeds."""
    lowest: float
    highest: float
    seeds: int


@dataclass(frozen=True)
class LayerOverSeeds:
    """A layer, and the number of seeds that name it."""

    layer: str
    seeds: int


@dataclass(frozen=True, kw_only=True)
class Onset:
    """The first step of a condition, over the seeds that show it."""

    median: float
    lowest: int
    highest: int


@dataclass(frozen=True, kw_only=True)
class FindingOverSeeds:
    """One condition, over the seeds of an arm."""

    condition: str
    seeds: int
    """Seeds that show the condition, harmful or not."""
    of: int
    """Seeds that were judged."""
    share: float
    share_interval: tuple[float, float]
    """95 % interval of the fraction of seeds that show it."""
    primary_in: int
    """Seeds for which it is the primary condition."""
    harm_in: int
    """Seeds in which it hurt learning."""
    confidence: float | None
    """Median confidence of the findings of the seeds that it leads; of all its findings if it leads none."""
    layers: tuple[LayerOverSeeds, ...]
    """The layers that more than half of these seeds name, by number of seeds and then worst first."""
    first_step: Onset | None
    evidence: tuple[EvidenceOverSeeds, ...]
    """The numbers of the finding, in the order of the first seed."""
    summary: str
    """One sentence for people."""


@dataclass(frozen=True, kw_only=True)
class DiagnosisOverSeeds:
    """The diagnosis over all seeds of one arm at one point of a sweep."""

    sweep_point: Swept | None
    seeds: tuple[int, ...]
    primary: str
    """The primary condition of most seeds; in a tie, the one that is not healthy."""
    summary: str
    """One sentence on the primary condition, followed by the primary conditions of the other seeds."""
    findings: tuple[FindingOverSeeds, ...]
    """The primary one first, then by the number of seeds where it is primary, then where it is harmful."""


def diagnoses_over_seeds(runs: Sequence[RunResult]) -> tuple[DiagnosisOverSeeds, ...]:
    """The diagnoses over the seeds of an arm's finished runs, one for each point of a sweep, in order of appearance.

    Of two runs with the same seed, the later one counts: a repeated training is the same trial.
    """
    points: dict[SweepPoint | None, dict[int, RunResult]] = {}
    for run in runs:
        if run.diagnosis is not None:
            points.setdefault(run.sweep_point, {})[run.seed] = run
    return tuple(_over_seeds(point, list(by_seed.values())) for point, by_seed in points.items())


def _over_seeds(point: SweepPoint | None, runs: Sequence[RunResult]) -> DiagnosisOverSeeds:
    runs = sorted(runs, key=lambda run: run.seed)
    found: dict[str, list[Finding]] = {run.primary: [] for run in runs}
    led: dict[str, list[Finding]] = {}
    for run in runs:
        for finding in run.diagnosis.findings if run.diagnosis is not None else ():
            found.setdefault(finding.condition, []).append(finding)
            if finding.condition == run.primary:
                led.setdefault(finding.condition, []).append(finding)
    findings = [_finding(name, every, led.get(name, []), of=len(runs)) for name, every in found.items()]
    findings.sort(key=lambda each: (-each.primary_in, each.condition in NOTHING_WRONG, -each.harm_in, -each.seeds))
    return DiagnosisOverSeeds(
        sweep_point=dict(point) if point else None,
        seeds=tuple(run.seed for run in runs),
        primary=findings[0].condition,
        summary=_summary(findings),
        findings=tuple(findings),
    )


def _summary(findings: Sequence[FindingOverSeeds]) -> str:
    others = [each for each in findings[1:] if each.primary_in]
    rest = ", ".join(f"{each.condition.replace('_', ' ')} in {each.primary_in}" for each in others)
    return findings[0].summary + (f" Other seeds: {rest}." if rest else "")


def _finding(condition: str, findings: Sequence[Finding], led: Sequence[Finding], *, of: int) -> FindingOverSeeds:
    """The finding over all seeds, from the findings of a condition in the order of the seeds; `led` those that lead."""
    interval = wilson(len(findings), of)
    without_words = FindingOverSeeds(
        condition=condition,
        seeds=len(findings),
        of=of,
        share=len(findings) / of,
        share_interval=interval,
        primary_in=len(led),
        harm_in=sum(finding.harm for finding in findings),
        confidence=round(median(finding.confidence for finding in led or findings), 3),
        layers=_layers(findings),
        first_step=_onset(findings),
        evidence=_evidence(findings),
        summary="",
    )
    return replace(without_words, summary=_finding_in_words(without_words, named=any(each.layers for each in findings)))


def _layers(findings: Sequence[Finding]) -> tuple[LayerOverSeeds, ...]:
    places: dict[str, list[int]] = {}
    for finding in findings:
        for place, name in enumerate(finding.layers):
            places.setdefault(name, []).append(place)
    agreed = [name for name, own in places.items() if 2 * len(own) > len(findings)]
    agreed.sort(key=lambda name: (-len(places[name]), sum(places[name]) / len(places[name]), name))
    return tuple(LayerOverSeeds(name, len(places[name])) for name in agreed)


def _onset(findings: Sequence[Finding]) -> Onset:
    steps = [finding.first_step for finding in findings]
    return Onset(median=median(steps), lowest=min(steps), highest=max(steps))


def _evidence(findings: Sequence[Finding]) -> tuple[EvidenceOverSeeds, ...]:
    kinds: dict[str, Evidence] = {}
    values: dict[str, list[float]] = {}
    for finding in findings:
        for each in finding.evidence:
            if not isnan(each.value):
                kinds.setdefault(each.name, each)
                values.setdefault(each.name, []).append(each.value)
    return tuple(_over(each, values[name]) for name, each in kinds.items())


def _over(kind: Evidence, values: Sequence[float]) -> EvidenceOverSeeds:
    found = median_interval(values)
    return EvidenceOverSeeds(
        name=kind.name,
        unit=kind.unit,
        threshold=kind.threshold,
        median=median_of(values),
        interval=found[:2] if found else None,
        confidence=found[2] if found else None,
        lowest=min(values),
        highest=max(values),
        seeds=len(values),
    )


def _finding_in_words(found: FindingOverSeeds, *, named: bool) -> str:
    """`named`: whether any seed names a layer."""
    low, high = found.share_interval
    name = found.condition.replace("_", " ").capitalize()
    parts = [f"{name} in {found.seeds} of {_seeds(found.of)} (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"]
    if found.condition not in NOTHING_WRONG:
        parts += [_harm_in_words(found), _onset_in_words(found.first_step), _layers_in_words(found, named=named)]
    if found.evidence:
        parts.append(_in_words(found.evidence[0]))
    return "; ".join(part for part in parts if part) + "."


def _harm_in_words(found: FindingOverSeeds) -> str:
    if found.harm_in == found.seeds:
        return "it hurt learning" + (" in each of them" if found.seeds > 1 else "")
    return f"it hurt learning in {found.harm_in} of them" if found.harm_in else "it did no harm"


def _onset_in_words(onset: Onset | None) -> str:
    if onset is None:
        return ""
    if onset.lowest == onset.highest:
        return f"from step {onset.lowest:,} on"
    return f"from step {_whole(onset.median):,} on (median; {onset.lowest:,} to {onset.highest:,})"


def _layers_in_words(found: FindingOverSeeds, *, named: bool) -> str:
    names = [each.layer for each in found.layers]
    if not names:
        return "each seed names other layers" if named else ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    who = "" if found.seeds == 1 else " (named by most of these seeds)" if found.seeds > 2 else " (named by both)"
    return f"in {', '.join(names[:3])}{more}{who}"


_PLAIN = frozenset({"ratio", "fraction", "step", "rises", "records"})
"""Units that are clear from the name."""


def _in_words(evidence: EvidenceOverSeeds) -> str:
    """`gradient lost from output to input: 9.3 orders of magnitude (75 % interval 9.1 to 9.5)`."""
    read = as_read(evidence.name, evidence.median, evidence.threshold, interval=evidence.interval)
    unit = "" if evidence.unit in _PLAIN else f" {evidence.unit}"
    text = f"{read.label}: {_shown(read.value)}{unit}"
    if evidence.confidence is not None and read.interval is not None and read.interval[0] != read.interval[1]:
        low, high = read.interval
        text += f" ({100 * evidence.confidence:.0f} % interval {_shown(low)} to {_shown(high)})"
    return text


def _shown(value: float) -> str:
    return ("infinite" if value > 0 else "minus infinite") if isinf(value) else f"{value:.3g}"


def _whole(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"
