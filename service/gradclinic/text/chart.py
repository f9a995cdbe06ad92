"""Text charts of profiles over depth: logarithmic, with axes and units, readable without colour."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.text import Text


@dataclass(frozen=True)
class Line:
    """One profile: a value for each site, from input to output."""

    name: str
    marker: str
    """One character for the line in the chart and the legend."""
    values: Sequence[float]
    note: str = ""
    """Note in the legend."""
    style: str = ""


def profile_chart(
    lines: Sequence[Line], *, width: int = 76, height: int = 15, unit: str, across: str, unicode: bool = True
) -> list[Text]:
    """Rows of the chart and of its legend. Each line is drawn by its marker at its places, evenly from left to right.

    Where several lines meet, their markers stand side by side, with a `+` for those that find no room. Values that
    are zero or not finite have no logarithm; the legend says how many a line has.
    """
    shown = [[value for value in line.values if _drawable(value)] for line in lines]
    logs = [math.log10(value) for values in shown for value in values]
    if not logs:
        return [Text("  no values can be shown on a logarithmic scale"), *_legend(lines)]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    high = max(high, low + 1)
    gutter = 9
    grid = _Grid(columns=max(20, width - gutter), rows=height, reserve=len(lines))
    for line in lines:
        grid.draw(line, low=low, high=high)
    labels = _tick_rows(low, high, height)
    bar, corner, dash = ("│", "└", "─") if unicode else ("|", "+", "-")
    rows = [
        Text(f"{_power(unit_row, unicode=unicode):>{gutter - 1}} ") if unit_row is not None else Text(" " * gutter)
        for unit_row in labels
    ]
    chart = [Text(f"  {unit}")]
    for label, cells in zip(rows, grid.rows(), strict=True):
        chart.append(Text.assemble(label, bar, cells))
    chart.append(Text(" " * gutter + corner + dash * grid.columns))
    chart.append(Text(" " * (gutter + 1) + _across(across, grid.columns, unicode=unicode)))
    return [*chart, Text(""), *_legend(lines)]


class _Grid:
    """Cells that lines pass through. Markers of lines that meet are next to each other, or `+` without space."""

    def __init__(self, *, columns: int, rows: int, reserve: int) -> None:
        self.columns, self._height, self._span = columns, rows, columns - 1 - reserve
        self._places: list[dict[int, list[Line]]] = [{} for _ in range(rows)]

    def draw(self, line: Line, *, low: int, high: int) -> None:
        last = max(len(line.values) - 1, 1)
        for index, value in enumerate(line.values):
            if _drawable(value):
                share = (math.log10(value) - low) / (high - low)
                row = round((1 - share) * (self._height - 1))
                self._places[row].setdefault(1 + round(index / last * self._span), []).append(line)

    def rows(self) -> list[Text]:
        return [self._row(places) for places in self._places]

    def _row(self, places: dict[int, list[Line]]) -> Text:
        text = Text()
        columns = sorted(places)
        for column, following in pairwise([*columns, self.columns]):
            text.append(" " * (column - len(text)))
            met, room = places[column], max(1, following - column)
            for line in met if len(met) <= room else met[: room - 1]:
                text.append(line.marker, style=line.style)
            if len(met) > room:
                text.append("+")
        return text


def _drawable(value: float) -> bool:
    return math.isfinite(value) and value > 0


def _tick_rows(low: int, high: int, height: int) -> list[int | None]:
    """The power of ten that labels each row, from the top."""
    step = max(1, math.ceil((high - low) / ((height - 1) / 2)))
    labels: list[int | None] = [None] * height
    for power in range(low, high + 1, step):
        labels[round((1 - (power - low) / (high - low)) * (height - 1))] = power
    return labels


def _power(power: int, *, unicode: bool) -> str:
    if not unicode:
        return f"1e{power:+d}"
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _across(words: str, columns: int, *, unicode: bool) -> str:
    arrow = "→" if unicode else "->"
    middle = f"{words} {arrow}"
    return f"input{middle:^{max(0, columns - 11)}}output"


def _legend(lines: Sequence[Line]) -> list[Text]:
    widest = max((len(line.name) for line in lines), default=0)
    legend = []
    for line in lines:
        missing = sum(not _drawable(value) for value in line.values)
        undrawn = f"; {missing} of {len(line.values)} values are zero or not finite, and not shown" if missing else ""
        legend.append(Text.assemble("  ", (line.marker, line.style), f"  {line.name:<{widest}}  {line.note}{undrawn}"))
    return legend
