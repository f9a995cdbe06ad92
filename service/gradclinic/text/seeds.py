"""The diagnoses over the seeds of each arm, as text."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..schemas.comparison import (
    ComparisonAnswer,
    DiagnosisOverSeedsAnswer,
    EvidenceOverSeedsAnswer,
    FindingOverSeedsAnswer,
)
from .numbers import at_point, short

_MOST_LAYERS = 4


def arm_lines(
    comparison: ComparisonAnswer, *, arm: str | None = None, sweep_point: Mapping[str, float] | None = None
) -> list[Text]:
    """One line for the baseline and each arm (or for one arm at one point): conditions and numbers of seeds."""
    return [
        Text(f"  {name}{at_point(each.sweep_point)}: {each.summary}")
        for name, diagnoses in diagnoses_by_arm(comparison)
        for each in diagnoses
        if arm is None or (name == arm and each.sweep_point == sweep_point)
    ]


def study_diagnosis_words(comparison: ComparisonAnswer) -> RenderableType:
    """All findings over the seeds of the baseline and each arm, with layers, onset and evidence."""
    parts: list[RenderableType] = []
    for arm, diagnoses in diagnoses_by_arm(comparison):
        if not diagnoses:
            parts.append(Text(f"\n{arm}: no run has ended yet", style="bold"))
        for each in diagnoses:
            seeds = ", ".join(str(seed) for seed in each.seeds)
            parts.append(
                Text(f"\n{arm}{at_point(each.sweep_point)} (seed{'s' if len(each.seeds) > 1 else ''} {seeds})", "bold")
            )
            parts += [_finding(finding) for finding in each.findings]
    reading = "Numbers: median over the seeds that show it, with a distribution-free interval."
    return Group(*parts, Text(f"\n{reading}", style="dim"))


def diagnoses_by_arm(comparison: ComparisonAnswer) -> Iterator[tuple[str, Sequence[DiagnosisOverSeedsAnswer]]]:
    """The baseline, then each arm, best first, with the diagnoses over its seeds."""
    yield comparison.baseline, comparison.baseline_diagnoses
    for arm in comparison.arms:
        yield arm.arm, arm.diagnoses


def _finding(finding: FindingOverSeedsAnswer) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=8, no_wrap=True, style="dim")
    grid.add_column()
    layers = finding.layers
    if layers:
        more = f" and {len(layers) - _MOST_LAYERS} more" if len(layers) > _MOST_LAYERS else ""
        named = ", ".join(f"{each.layer} ({each.seeds})" for each in layers[:_MOST_LAYERS])
        grid.add_row("layers", f"{named}{more}   (number of seeds that name it)")
    for index, each in enumerate(finding.evidence):
        grid.add_row("evidence" if index == 0 else "", _evidence(each))
    return Group(Padding(Text(finding.summary), (0, 0, 0, 2)), Padding(grid, (0, 0, 0, 4)) if grid.rows else Text(""))


def _evidence(each: EvidenceOverSeedsAnswer) -> str:
    from ..diagnosis.wording import as_read  # loads every rule

    read = as_read(each.name, each.median, each.threshold, interval=each.interval)
    unit = "" if each.unit in ("step", "ratio", "probability") else each.unit
    words = f"{read.label:<42}{short(read.value):>9} {unit}".rstrip()
    if read.interval is not None and each.confidence is not None:
        low, high = read.interval
        words += f"  {100 * each.confidence:.0f} %: {short(low)} to {short(high)}"
    if read.threshold is not None:
        words += f" (threshold {short(read.threshold)})"
    return words
