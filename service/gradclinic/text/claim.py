"""A ruling on a claim as text: the claim, its test, the verdict, and the figures that support it."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..schemas.claim import FigureAnswer, RulingAnswer
from .numbers import short

VERDICT_STYLES: Mapping[str, str] = {
    "supported": "bold green",
    "refuted": "bold red",
    "mixed": "yellow",
    "inconclusive": "magenta",
}


def ruling_words(ruling: RulingAnswer, *, study: str) -> RenderableType:
    """One ruling, with the address of its study."""
    head = Text.assemble((ruling.statement, "bold"), "  ", (ruling.verdict, VERDICT_STYLES.get(ruling.verdict, "")))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=8, no_wrap=True, style="dim")
    grid.add_column()
    grid.add_row("tested", f"{ruling.design} ({ruling.runs} trainings)")
    grid.add_row("rule", ruling.rule)
    grid.add_row("found", ruling.explanation)
    grid.add_row("study", study)
    parts: list[RenderableType] = [head, Padding(grid, (0, 0, 0, 2))]
    if ruling.figures:
        parts.append(Padding(_figures(ruling.figures), (0, 0, 0, 12)))
    return Group(*parts)


def _figures(figures: Sequence[FigureAnswer]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for figure in figures:
        interval, confidence = figure.interval, figure.confidence
        bounds = (
            f" [{short(interval[0])}, {short(interval[1])}] ({100 * confidence:.0f} %)"
            if interval and confidence
            else ""
        )
        over = f"{figure.n} {figure.of if figure.n != 1 else figure.of[:-1]}"
        table.add_row(figure.name, short(figure.value), f"{figure.unit}{bounds}, {over}".lstrip(", "))
    return table


def rulings_table(rulings: Sequence[RulingAnswer]) -> RenderableType:
    """A table with one line per ruling, in the given order."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("claim", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for ruling in rulings:
        table.add_row(ruling.statement, Text(ruling.verdict, style=VERDICT_STYLES.get(ruling.verdict, "")))
    return table
