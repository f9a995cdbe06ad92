"""A check as text: the verdict, each metric with its interval and limit, and the conditions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..kernel.status import ENDED
from ..kernel.vocabulary import metric_in_words
from ..schemas.check import CheckAnswer, CheckSummary, ConditionCheckAnswer, MetricCheckAnswer
from ..schemas.comparison import EffectAnswer, RatioEffectAnswer
from ..schemas.event import StudyProgress, StudyProgressEvent
from ..schemas.study import StudyProgressAnswer
from .console import plain_text
from .numbers import factor, short
from .progress import following

STYLES: Mapping[str, str] = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold yellow"}


@contextmanager
def watching(console: Console, data: CheckSummary) -> Iterator[Callable[[CheckSummary], None]]:
    """Shows the progress of a check: a bar on a terminal, otherwise a line for each run that ends."""
    progress = data.progress
    if console.is_terminal:
        with following(console, what=data.id, steps=progress.steps, runs=progress.runs) as follow:
            yield lambda now: follow(_event(now.progress))
        return
    told = -1

    def tell(now: CheckSummary) -> None:
        nonlocal told
        ended = sum(now.progress.by_status.get(status, 0) for status in ENDED)
        if ended > told:
            told = ended
            text = f"{now.id}: {ended} of {now.progress.runs} runs have ended"
            console.print(Text(text), soft_wrap=True)

    yield tell


def _event(progress: StudyProgressAnswer) -> StudyProgressEvent:
    ended = {status: progress.by_status.get(status, 0) for status in ENDED}
    data = StudyProgress(runs=progress.runs, by_status=ended, step=progress.steps_done, steps=progress.steps)
    return StudyProgressEvent(id="", event="progress", data=data)


def check_words(data: CheckSummary) -> RenderableType:
    """The result of a check as text."""
    style = "bold" if data.verdict is None else STYLES.get(data.verdict, "bold")
    head = Text.assemble((data.verdict or data.status, style), f"  {data.id} against {data.baseline}")
    parts: list[RenderableType] = [head]
    if data.summary:
        parts.append(Padding(Text(data.summary), (0, 0, 0, 2)))
    if isinstance(data, CheckAnswer) and data.metrics:
        parts.append(_metrics(data.metrics))
    if isinstance(data, CheckAnswer) and data.conditions:
        parts.append(_conditions(data.conditions))
    if isinstance(data, CheckAnswer):
        parts += [Padding(Text(note), (0, 0, 0, 2)) for note in data.notes]
    return Group(*parts)


def check_text(data: CheckSummary) -> str:
    """The same as plain text."""
    return plain_text(check_words(data))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, overflow="fold" if index in (0, len(columns) - 1) else "ellipsis")
    return table


def _metrics(metrics: Sequence[MetricCheckAnswer]) -> Table:
    table = _table("metric", "verdict", "baseline", "new", "change [interval]", "allowed")
    for each in metrics:
        effect = each.effect
        table.add_row(
            metric_in_words(each.metric),
            _verdict(each.verdict),
            short(None if effect is None else effect.baseline_mean),
            short(None if effect is None else effect.arm_mean),
            _change(effect),
            f"x{factor(each.limit)}" if isinstance(effect, RatioEffectAnswer) else f"{each.limit:+.3g}",
        )
    return table


def _change(effect: EffectAnswer | None) -> str:
    if effect is None:
        return "-"
    if effect.difference is None:
        return f"not finite; worse in {effect.losses} of {effect.pairs}"
    if isinstance(effect, RatioEffectAnswer):
        interval, shown, middle = effect.ratio_interval, factor, f"x{factor(effect.ratio)}"
    else:
        interval, shown, middle = effect.interval, short, f"{effect.difference:+.3g}"
    return middle if interval is None else f"{middle} [{shown(interval[0])}, {shown(interval[1])}]"


def _conditions(conditions: Sequence[ConditionCheckAnswer]) -> Table:
    table = _table("condition", "verdict", "baseline", "new", "layers")
    for each in conditions:
        layers = ", ".join(each.layers[:4]) + (", ..." if len(each.layers) > 4 else "")
        table.add_row(
            each.condition.replace("_", " "),
            _verdict(each.verdict),
            f"{each.baseline_seeds} of {each.of_baseline}",
            f"{each.new_seeds} of {each.of_new}",
            layers or "-",
        )
    return table


def _verdict(verdict: str) -> Text:
    return Text(verdict, style=STYLES.get(verdict, ""))
