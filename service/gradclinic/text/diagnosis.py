"""A diagnosis as text: conditions, layers, onset, confidence, evidence and remedies."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..schemas.diagnosis import DiagnosisAnswer, EvidenceAnswer, FindingAnswer, RunDiagnosisAnswer
from .numbers import short

if TYPE_CHECKING:
    from ..remedies import Remedy

SEVERITY_STYLES: Mapping[str, str] = {"critical": "bold red", "warning": "yellow", "info": "green"}
_LABEL = 8


def diagnosis_words(
    diagnosis: DiagnosisAnswer, *, layers: int | None = None, steps: int | None = None
) -> RenderableType:
    """All findings, the primary one first; `layers` and `steps` are the totals of the run."""
    parts: list[RenderableType] = []
    if isinstance(diagnosis, RunDiagnosisAnswer) and diagnosis.provisional:
        parts.append(Text("The run is in progress; this is the diagnosis so far.", style="dim"))
    for index, finding in enumerate(diagnosis.findings):
        if index == 1:
            parts.append(Text("\nAlso found"))
        parts.append(_finding(finding, layers=layers, steps=steps))
    return Group(*parts)


def _finding(finding: FindingAnswer, *, layers: int | None, steps: int | None) -> RenderableType:
    from ..diagnosis.finding import is_possibility
    from ..diagnosis.rules import NOTHING_WRONG
    from ..remedies.words import in_words  # loads every remedy

    style = SEVERITY_STYLES.get(finding.severity, "")
    name = finding.condition.replace("_", " ")
    harm = f"it {'may have ' * is_possibility(finding.confidence)}hurt learning" if finding.harm else "it did no harm"
    healthy = finding.condition in NOTHING_WRONG
    sure = f"{100 * finding.confidence:.0f} % sure"
    head = Text.assemble((name, style), "  ", f"({sure})" if healthy else f"({finding.severity}; {harm}; {sure})")
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=_LABEL, no_wrap=True, style="dim")
    grid.add_column()
    rows = [
        ("layers", _layers(finding.layers, layers)),
        ("steps", _steps(finding, steps)),
        *_evidence(finding.evidence),
        ("to try", "; ".join(in_words(each) + _counted(each, finding) for each in finding.suggested_remedies)),
        ("rule", f"{finding.rule}: {finding.source}"),
    ]
    for label, words in rows:
        if words:
            grid.add_row(label, words)
    return Group(head, Padding(Text(finding.summary), (0, 0, 0, 2)), Padding(grid, (0, 0, 0, 2)))


def _counted(remedy: "Remedy", finding: FindingAnswer) -> str:
    """How often the remedy cured others like it, after a comma; empty if it was not tried."""
    found = next((each for each in finding.cure_counts if each.remedy == remedy), None)
    return "" if found is None else f", cured {found.cured} of {found.tried} like this"


def _layers(names: Sequence[str], of: int | None) -> str:
    if not names:
        return ""
    ordered = sorted(names, key=_position)
    total = f" of {of}" if of else ""
    if len(ordered) == 1:
        return ordered[0]
    if len(ordered) <= 4:
        return f"{len(ordered)}{total}: {', '.join(ordered)}"
    return f"{len(ordered)}{total}, from {ordered[0]} to {ordered[-1]}; worst: {', '.join(names[:3])}"


def _position(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.replace("t", ".").split(".") if part.isascii() and part.isdigit())


def _steps(finding: FindingAnswer, of: int | None) -> str:
    first, last = finding.first_step, finding.last_step
    if first == 0 and of is not None and last >= of - 1:
        return f"all {of:,}, from the first one on"
    return f"{first:,} to {last:,}" + (f" of {of:,}" if of else "")


def _evidence(evidence: Sequence[EvidenceAnswer]) -> list[tuple[str, str]]:
    from ..diagnosis.wording import as_read  # loads every rule

    rows = []
    for index, each in enumerate(evidence):
        read = as_read(each.name, each.value, each.threshold)
        held = "" if read.threshold is None else f" (threshold {short(read.threshold)})"
        unit = "" if each.unit in ("step", "ratio", "probability") else f" {each.unit}"
        words = f"{read.label:<42}{short(read.value):>9}{unit}{held}"
        rows.append(("evidence" if index == 0 else "", words))
    return rows
