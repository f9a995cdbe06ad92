"""A run as text: metrics and diagnosis."""

from collections.abc import Sequence
from math import isfinite

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..diagnosis.phrase import percent
from ..schemas.diagnosis import DiagnosisAnswer
from ..schemas.run import RunDetailAnswer, RunMetricsAnswer, RunSummaryAnswer
from .diagnosis import diagnosis_words
from .numbers import short

KEPT = {
    "thinned": "of its statistics, some steps of each are kept",
    "summary": "of its statistics, losses and other curves are kept, without those of layers",
}
"""What is left of the statistics of an old run, in words."""


def run_words(run: RunSummaryAnswer, diagnosis: DiagnosisAnswer | None, *, page: str) -> RenderableType:
    """The run with a diagnosis (not necessarily the stored one), and the address of its page."""
    name = f" ({run.name})" if run.name else ""
    parts: list[RenderableType] = [Text(f"{run.id}{name}: {run.status}", style="bold")]
    if run.status not in {"succeeded", "running", "queued"}:
        parts.append(_indented(run.reason.text))
    if run.origin == "service" and isinstance(run, RunDetailAnswer) and not run.repeatable:
        parts.append(_indented("Its data set was deleted: it cannot be trained again."))
    if run.retention in KEPT:
        parts.append(_indented(f"It ended long ago: {KEPT[run.retention]}."))
    if run.metrics is not None:
        parts.append(_indented(metrics_line(run.metrics)))
    if diagnosis is not None:
        parts += [Text(""), diagnosis_words(diagnosis, steps=run.progress.steps)]
    return Group(*parts, Text(f"\n{page}", style="dim"))


def _indented(text: str) -> Padding:
    return Padding(Text(text), (0, 0, 0, 2))


def runs_table(runs: Sequence[RunSummaryAnswer]) -> Table:
    """A table with one line per run, in the given order."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading, width in (("run", 30), ("name", 12), ("status", 9), ("condition", 19)):
        table.add_column(heading, no_wrap=True, min_width=width, max_width=width)
    for heading, width in (("loss", 7), ("accuracy", 8)):
        table.add_column(heading, justify="right", no_wrap=True, min_width=width)
    table.add_column("created UTC", no_wrap=True, min_width=11)
    for each in runs:
        metrics = each.metrics
        table.add_row(
            each.id,
            each.name or (f"{each.arm}, seed {each.seed}" if each.arm else "-"),
            each.status,
            each.diagnosis.primary.replace("_", " ") if each.diagnosis else "-",
            short(metrics.final_validation_loss if metrics else None),
            short(metrics.final_validation_accuracy if metrics else None),
            f"{each.created_at:%m-%d %H:%M}",
        )
    return table


def metrics_line(metrics: RunMetricsAnswer) -> str:
    """The metrics of a run in one line."""
    relative, validation = metrics.relative_train_loss, metrics.final_validation_loss
    accuracy = metrics.final_validation_accuracy
    known = percent(relative) if relative is not None and isfinite(relative) else None
    parts = [
        f"training loss {short(metrics.final_train_loss)}",
        *([f"which is {known} of that of always predicting the average"] if known else []),
        *([f"validation loss {short(validation)}"] if validation is not None else []),
        *([f"accuracy {100 * accuracy:.1f} %"] if accuracy is not None else []),
        f"{short(metrics.train_seconds)} s",
    ]
    return ", ".join(parts)
