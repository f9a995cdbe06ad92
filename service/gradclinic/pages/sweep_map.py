"""The map of a swept study as tables: a cell for each point of the sweep, with its value and a link to its runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..comparison.trainability import ArmMap, Cell, TrainabilityMap
from ..kernel.json import JsonObject
from ..store import RunSummary
from . import filters
from .chosen_runs import address_of
from .figures.trainability import colour_scale, shade

MOST_CELLS = 400
"""Cells of all arms; beyond, the page shows the figure alone."""
SHADES = 7
"""Colours in the style sheet, from `shade-0`, the best, to the worst."""


@dataclass(frozen=True)
class MapCell:
    """The finished runs of an arm at a point."""

    value: float | None
    shade: str
    """Class in the style sheet."""
    words: str
    address: str


@dataclass(frozen=True)
class MapRow:
    """A value of the second field; an arm, if one field was swept."""

    heading: str
    cells: Sequence[MapCell | None]
    """None if no run has ended there."""


@dataclass(frozen=True)
class MapPanel:
    """One table: that of an arm, or of all arms if one field was swept."""

    title: str
    rows: Sequence[MapRow]


@dataclass(frozen=True)
class SweepMap:
    """All tables, which have the same columns."""

    x: str
    y: str
    """What the rows are."""
    columns: Sequence[str]
    panels: Sequence[MapPanel]


@dataclass(frozen=True, kw_only=True)
class Colours:
    """How values become colours: as in the figure of the map."""

    log: bool
    lower_is_better: bool
    worst: float | None
    """Where the colours end."""

    def classes(self, values: Sequence[float | None]) -> dict[float | None, str]:
        """The class of each value."""
        low, high = colour_scale(values, log=self.log, worst=self.worst)
        return {value: self._class(value, low, high) for value in values}

    def _class(self, value: float | None, low: float, high: float) -> str:
        place = shade(value, log=self.log)
        if place is None:
            return "unknown" if value is None else "not-finite"
        part = min(1.0, max(0.0, (place - low) / (high - low)))
        return f"shade-{min(SHADES - 1, int(SHADES * (part if self.lower_is_better else 1 - part)))}"


def sweep_map(found: TrainabilityMap, runs: Sequence[RunSummary], colours: Colours) -> SweepMap | None:
    """The tables, with the largest value of the second field on top; None if they had more than MOST_CELLS cells."""
    cells = [cell for arm in found.arms for row in arm.cells for cell in row]
    if len(cells) > MOST_CELLS:
        return None
    classes = colours.classes([None if cell is None else cell.median for cell in cells])
    there: dict[tuple[str | None, frozenset[tuple[str, object]]], list[str]] = {}
    for run in runs:
        there.setdefault((run.arm, _place(run.point or {})), []).append(run.id)

    def row(arm: ArmMap, index: int) -> list[MapCell | None]:
        points = (_point(found, column, index) for column in range(len(found.x.values)))
        return [
            None if cell is None else _cell(cell, classes[cell.median], point, there.get((arm.arm, _place(point)), []))
            for cell, point in zip(arm.cells[index], points, strict=True)
        ]

    if found.y is None:
        panels = [MapPanel("", [MapRow(arm.arm, row(arm, 0)) for arm in found.arms])]
    else:
        heights = list(enumerate(f"{value:g}" for value in found.y.values))[::-1]
        panels = [
            MapPanel(_titled(arm), [MapRow(height, row(arm, index)) for index, height in heights]) for arm in found.arms
        ]
    y = "arm" if found.y is None else filters.field(found.y.field)
    return SweepMap(filters.field(found.x.field), y, [f"{value:g}" for value in found.x.values], panels)


def _titled(arm: ArmMap) -> str:
    part = arm.trainable_fraction
    return arm.arm if part is None else f"{arm.arm}: {filters.percent(part)} learned"


def _point(found: TrainabilityMap, column: int, row: int) -> JsonObject:
    x = {found.x.field: found.x.values[column]}
    return x if found.y is None else {**x, found.y.field: found.y.values[row]}


def _place(point: JsonObject) -> frozenset[tuple[str, object]]:
    return frozenset(point.items())


def _cell(cell: Cell, classes: str, point: JsonObject, run_ids: Sequence[str]) -> MapCell:
    learned = round(cell.learned_fraction * cell.runs)
    words = f"{filters.point(point)}: {filters.words(cell.outcome)}, {learned} of {cell.runs} runs learned"
    return MapCell(cell.median, classes, words, address_of(run_ids))
