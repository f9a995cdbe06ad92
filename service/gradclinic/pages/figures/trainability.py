"""The trainability map: the results of each arm over the swept fields, with one colour scale for all arms."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, isinf, log10

import numpy as np

from ...comparison.trainability import ArmMap, Cell, SweptField, TrainabilityMap
from ...kernel.vocabulary import metric_in_words
from ..theme import NOT_FINITE, Figure, Part, axis, figure, said
from .heatmap import SEQUENTIAL

LIGHT_IS_LOW = [[place, mirrored] for (place, _), (_, mirrored) in zip(SEQUENTIAL, reversed(SEQUENTIAL), strict=True)]
"""The lowest value is the lightest, so that light is good for losses, too."""
COLUMNS = 3
GAP = 0.05
NARROWEST = 1.0
"""The colours of a logarithmic scale span at least a factor of ten, so noise between equal cells has no colour."""


@dataclass(frozen=True)
class _Panel:
    """One rectangle of cells: those of one arm, or a row for each arm if only one field was swept."""

    name: str
    title: str
    """Of the vertical axis."""
    cells: Sequence[Sequence[Cell | None]]
    words: Sequence[Sequence[str]]
    """Hover text of each cell."""
    edges: Sequence[float]
    """Borders of the rows."""
    y: Part
    """The vertical axis."""

    @property
    def medians(self) -> list[list[float | None]]:
        return [[None if cell is None else cell.median for cell in row] for row in self.cells]


def trainability_map(
    found: TrainabilityMap, *, log: bool, lower_is_better: bool, worst: float | None = None, title: str = ""
) -> Figure:
    """From `comparison.trainability`: a panel an arm, x the first swept field, y the second.

    Over one swept field there is one panel, a row an arm. An axis is logarithmic where its values are spaced so.
    `worst` is where the colours end, so that what diverged does not hide what learned; beyond it is one colour.
    Cells whose median is not finite have a colour of their own; cells without an ended run are left open.
    """
    label = metric_in_words(found.metric)
    panels = _panels(found)
    scale = colour_scale([value for panel in panels for row in panel.medians for value in row], log=log, worst=worst)
    colours = LIGHT_IS_LOW if lower_is_better else SEQUENTIAL
    columns = min(COLUMNS, len(panels))
    rows = ceil(len(panels) / columns)
    x, edges_x = _axis(found.x)
    data: list[Part] = []
    layout: Part = {}
    notes = []
    for index, panel in enumerate(panels):
        row, column = divmod(index, columns)
        across, up = _suffix(column), _suffix(row)
        cells = {"x": edges_x, "y": panel.edges, "xaxis": f"x{across}", "yaxis": f"y{up}"}
        data += _cells(panel, cells, scale=scale, colours=colours, label=label, first=index == 0, log=log)
        left, right = _share(column, columns)
        bottom, top = _share(rows - 1 - row, rows, gap=0.16)
        lowest = _suffix((len(panels) - 1 - column) // columns)
        layout.setdefault(f"xaxis{across}", axis(_field(found.x), domain=[left, right], anchor=f"y{lowest}", **x))
        layout.setdefault(f"yaxis{up}", axis(panel.title, domain=[bottom, top], anchor="x", **panel.y))
        notes.append(_name(panel.name, f"panel x{across} y{up}", left, top))
    return figure(
        data,
        title=title or f"{label.capitalize()} over the sweep, median over seeds",
        annotations=notes,
        showlegend=any("legendgroup" in trace for trace in data),
        height=150 + rows * (240 if found.y is not None else 60 + 34 * len(found.arms)),
        margin={"l": 70, "r": 20, "t": 60, "b": 70},
        **layout,
    )


def _panels(found: TrainabilityMap) -> list[_Panel]:
    arms = found.arms
    if found.y is None:
        ticks = {"tickvals": list(range(len(arms))), "ticktext": [said(arm.arm, longest=30) for arm in arms]}
        return [
            _Panel(
                name="",
                title="",
                cells=[arm.cells[0] for arm in arms],
                words=[_words(arm, 0, found.metric) for arm in arms],
                edges=[index - 0.5 for index in range(len(arms) + 1)],
                y={**ticks, "range": [len(arms) - 0.5, -0.5]},
            )
        ]
    y, edges = _axis(found.y)
    return [
        _Panel(
            name=_called(arm),
            title=_field(found.y),
            cells=arm.cells,
            words=[_words(arm, row, found.metric) for row in range(len(arm.cells))],
            edges=edges,
            y=y,
        )
        for arm in arms
    ]


def _called(arm: ArmMap) -> str:
    share = arm.trainable_fraction
    return said(arm.arm, longest=26) + ("" if share is None else f": {100 * share:.0f} % learned")


def _words(arm: ArmMap, row: int, metric: str) -> list[str]:
    """Hover text of each cell of a row."""
    return [_cell_in_words(arm.arm, cell, metric) for cell in arm.cells[row]]


def _cell_in_words(arm: str, cell: Cell | None, metric: str) -> str:
    if cell is None:
        return "no ended run"
    value = "unknown" if cell.median is None else f"{cell.median:.4g}" if isfinite(cell.median) else "not finite"
    return said(
        f"{arm}: {metric_in_words(metric)} {value}, {cell.outcome.replace('_', ' ')}, "
        f"{100 * cell.learned_fraction:.0f} % of {cell.runs} runs learned",
        longest=200,
    )


def _cells(
    panel: _Panel,
    places: Part,
    *,
    scale: tuple[float, float],
    colours: Sequence[Sequence[object]],
    label: str,
    first: bool,
    log: bool,
) -> list[Part]:
    ticks = _colour_ticks(scale) if log else {}
    common = {"type": "heatmap", **places, "text": panel.words, "hovertemplate": "%{text}<extra></extra>"}
    traces: list[Part] = [
        {
            **common,
            "z": [[shade(value, log=log) for value in row] for row in panel.medians],
            "zmin": scale[0],
            "zmax": scale[1],
            "colorscale": colours,
            "showscale": first,
            "xgap": 1,
            "ygap": 1,
            "colorbar": {"title": {"text": said(label), "side": "right"}, "thickness": 14, **ticks},
        }
    ]
    beyond = [[1 if value is not None and isinf(value) else None for value in row] for row in panel.medians]
    if any(any(row) for row in beyond):
        traces.append(
            {
                **common,
                "z": beyond,
                "name": "not finite",
                "colorscale": [[0, NOT_FINITE], [1, NOT_FINITE]],
                "showscale": False,
                "xgap": 1,
                "ygap": 1,
            }
        )
    return traces


def shade(value: float | None, *, log: bool) -> float | None:
    """The place of a value on the colour scale; None if it has none or is not finite."""
    if value is None or not isfinite(value):
        return None
    return round(log10(max(value, 1e-12)) if log else value, 4)


def colour_scale(values: Sequence[float | None], *, log: bool, worst: float | None) -> tuple[float, float]:
    """The lowest and the highest place of the values on the scale."""
    known = [place for value in values if (place := shade(value, log=log)) is not None]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    if worst is not None and high > (end := shade(worst, log=log) or 0.0):
        low, high = min(low, end - NARROWEST), end
    if log and high - low < NARROWEST:
        low, high = (low + high - NARROWEST) / 2, (low + high + NARROWEST) / 2
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _colour_ticks(scale: tuple[float, float]) -> Part:
    steps = (1, 2, 5) if scale[1] - scale[0] < 2 else (1,)
    ticks = [step * 10.0**power for power in range(-13, 13) for step in steps]
    shown = [tick for tick in ticks if scale[0] - 0.02 <= log10(tick) <= scale[1] + 0.02]
    return {"tickvals": [round(log10(tick), 4) for tick in shown], "ticktext": [f"{tick:g}" for tick in shown]}


def _axis(swept: SweptField) -> tuple[Part, list[float]]:
    """Scale and ticks of a swept field's axis, and the borders of its cells."""
    values = list(swept.values)
    logarithmic = is_logarithmic(values)
    places = np.log10(values) if logarithmic else np.array(values)
    edges = _edges(places)
    shown = values[:: max(1, ceil(len(values) / 8))]
    settings: Part = {"tickvals": shown, "ticktext": [f"{value:g}" for value in shown], "showgrid": False}
    if logarithmic:
        settings["type"] = "log"
    settings["range"] = [round(float(edges[0]), 6), round(float(edges[-1]), 6)]
    return settings, [float(f"{10.0**edge if logarithmic else edge:.6g}") for edge in edges]


def is_logarithmic(values: Sequence[float]) -> bool:
    """Whether values are spaced more evenly in their logarithms than as they are; two are, from a factor of 4 on."""
    if len(values) < 2 or min(values) <= 0:
        return False
    if len(values) == 2:
        return max(values) >= 4 * min(values)
    gaps, ratios = np.diff(values), np.diff(np.log(values))
    return bool(np.std(ratios) / np.mean(ratios) < np.std(gaps) / np.mean(gaps))


def _edges(places: "np.typing.NDArray[np.float64]") -> "np.typing.NDArray[np.float64]":
    if len(places) == 1:
        return np.array([places[0] - 0.5, places[0] + 0.5])
    between = (places[1:] + places[:-1]) / 2
    return np.concatenate([[2 * places[0] - between[0]], between, [2 * places[-1] - between[-1]]])


def _field(swept: SweptField) -> str:
    """`/optimizer/learning_rate` as `learning rate`."""
    return swept.field.rsplit("/", 1)[-1].replace("_", " ")


def _suffix(index: int) -> str:
    return "" if index == 0 else str(index + 1)


def _share(index: int, count: int, *, gap: float = GAP) -> tuple[float, float]:
    width = (1 - gap * (count - 1)) / count
    start = index * (width + gap)
    return round(start, 4), round(start + width, 4)


def _name(text: str, place: str, left: float, top: float) -> Part:
    return {
        "name": place,
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": left,
        "y": top,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 13},
    }
