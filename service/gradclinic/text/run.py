"""A run as text: metrics and diagnosis."""

from rich.console import Group, RenderableType
from rich.text import Text

from ..schemas.diagnosis import DiagnosisAnswer
from ..schemas.run import RunDetailAnswer, RunMetricsAnswer, RunSummaryAnswer
from .diagnosis import diagnosis_words
from .numbers import short


def run_words(run: RunSummaryAnswer, diagnosis: DiagnosisAnswer | None, *, page: str) -> RenderableType:
    """The run with a diagnosis (not necessarily the stored one), and the address of its page."""
    name = f" ({run.name})" if run.name else ""
    parts: list[RenderableType] = [Text(f"{run.id}{name}: {run.status}", style="bold")]
    if run.status not in {"succeeded", "running", "queued"}:
        parts.append(Text(f"  {run.reason.text}"))
    if run.origin == "service" and isinstance(run, RunDetailAnswer) and not run.repeatable:
        parts.append(Text("  Its data set was deleted: it cannot be trained again."))
    if run.metrics is not None:
        parts.append(Text(f"  {metrics_line(run.metrics)}"))
    if diagnosis is not None:
        parts += [Text(""), diagnosis_words(diagnosis, steps=run.progress.steps)]
    return Group(*parts, Text(f"\n{page}", style="dim"))


def metrics_line(metrics: RunMetricsAnswer) -> str:
    """The metrics of a run in one line."""
    accuracy = metrics.final_validation_accuracy
    parts = [
        f"training loss {short(metrics.final_train_loss)}",
        f"which is {short(metrics.relative_train_loss)} times that of always predicting the average",
        f"validation loss {short(metrics.final_validation_loss)}",
        *([f"accuracy {100 * accuracy:.1f} %"] if accuracy is not None else []),
        f"{short(metrics.train_seconds)} s",
    ]
    return ", ".join(parts)
