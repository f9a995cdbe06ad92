"""The size of the gradient by depth, with the prediction of theory."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log10

from ..theme import LINES, NEUTRAL, UPWARDS, Figure, Part, axis, figure, note_above, rounded, said, shaded
from .floor import Floor, floor_below, on_log_scale

MOST_TICKS, MOST_LETTERS = 12, 80
NARROWEST = 3.0
"""Smallest range of the axis, in orders of magnitude. Vanishing begins at 1.5 over the whole depth; on a narrower axis,
the differences in a healthy network would look like it."""


@dataclass(frozen=True)
class Line:
    """One profile: a value for each layer, in forward order."""

    name: str
    layers: Sequence[str]
    values: Sequence[float]
    predicted: bool = False
    """Drawn dashed, without markers."""
    reference: bool = False
    """Drawn in grey, as the reference for the others."""
    band: tuple[Sequence[float], Sequence[float]] | None = None
    """The lowest and the highest value of several seeds for each layer."""


def profile(
    lines: Sequence[Line],
    *,
    title: str,
    symbol: str = "gradient",
    unit: str = "",
    logarithmic: bool = True,
    note: str | None = None,
) -> Figure:
    """All lines by depth (0 at the input, 1 at the output), on a logarithmic scale unless that is turned off.

    A value of exactly 0 is a gap in its line, and a cross on a floor below all other values.
    """
    data: list[Part] = []
    colours = iter(LINES * (1 + len(lines) // len(LINES)))
    for line in lines:
        colour = NEUTRAL if line.reference or line.predicted else next(colours)
        data += _shade(line, colour)
        data.append(
            {
                "type": "scatter",
                "name": said(line.name, longest=60),
                "legendgroup": said(line.name),
                "x": _depths(len(line.values)),
                "y": on_log_scale(line.values) if logarithmic else rounded(line.values),
                "text": [said(layer) for layer in line.layers],
                "mode": "lines" if line.predicted else "lines+markers",
                # Arms without an effect coincide with their reference, which is drawn wide so that both can be seen.
                "line": {"color": colour, "width": 7 if line.reference else 2, "dash": _dash(line)},
                "marker": {"size": 6, "color": colour},
                "hovertemplate": "%{text}<br>%{y:.3g}<extra>%{fullData.name}</extra>",
            }
        )
    floor = floor_below(value for line in lines for value in line.values) if logarithmic else None
    if floor is not None:
        data.append(_zeros(floor, lines))
    names = _shared_layers(lines)
    annotations = [] if note is None else [note_above(note)]
    return figure(
        data,
        title=title,
        xaxis=axis("depth, from input to output", autotickangles=UPWARDS, **_ticks(names)),
        yaxis=axis(
            f"{symbol} [{unit}]" if unit else symbol, **(_log_axis(floor, data) if logarithmic else {"nticks": 6})
        ),
        shapes=[] if floor is None else [floor.line()],
        annotations=annotations,
    )


def _shade(line: Line, colour: str) -> list[Part]:
    """The band of a line, where its values are positive and finite."""
    if line.band is None:
        return []
    places = [
        (depth, low, high)
        for depth, low, high in zip(_depths(len(line.values)), *line.band, strict=True)
        if 0 < low <= high < inf
    ]
    if len(places) < 2:
        return []
    depths, low, high = zip(*places, strict=True)
    return [shaded(line.name, depths, low, high, colour)]


def _log_axis(floor: Floor | None, data: Sequence[Part]) -> dict[str, object]:
    return {"type": "log", "exponentformat": "power", "nticks": 6, **_range(data), **_only_zero(floor, data)}


def _range(data: Sequence[Part]) -> dict[str, object]:
    """At least `NARROWEST` orders of magnitude, centred on the data; Plotly's choice if the data spans more."""
    drawn = [log10(value) for trace in data for value in trace["y"] if value is not None]
    if not drawn or max(drawn) - min(drawn) > 0.9 * NARROWEST:
        return {}
    middle = (max(drawn) + min(drawn)) / 2
    return {"range": [round(middle - NARROWEST / 2, 3), round(middle + NARROWEST / 2, 3)]}


def _only_zero(floor: Floor | None, data: Sequence[Part]) -> dict[str, object]:
    """The one tick of an axis on which all values are exactly 0."""
    if floor is None or {value for trace in data for value in trace["y"]} - {None, floor.at}:
        return {}
    return {"tickvals": [floor.at], "ticktext": ["0"]}


def _zeros(floor: Floor, lines: Sequence[Line]) -> Part:
    """The crosses of all lines, one at each depth where some line is exactly 0."""
    found: dict[float, list[str]] = {}
    for line in lines:
        for depth, layer, value in zip(_depths(len(line.values)), line.layers, line.values, strict=True):
            if value == 0:
                found.setdefault(depth, []).append(f"{said(layer)}: {said(line.name, longest=60)}")
    return floor.marks(list(found), ["<br>".join(words) for words in found.values()])


def _shared_layers(lines: Sequence[Line]) -> Sequence[str]:
    different = {tuple(line.layers) for line in lines}
    return lines[0].layers if len(different) == 1 else ()


def _dash(line: Line) -> str:
    return "dash" if line.predicted else "solid"


def _depths(count: int) -> list[float]:
    return [round(index / max(count - 1, 1), 4) for index in range(count)]


def _ticks(names: Sequence[str]) -> dict[str, object]:
    """Names of layers as ticks, as many as fit; none if the lines have different layers."""
    if not names:
        return {"tickvals": [0, 0.5, 1], "ticktext": ["input", "", "output"]}
    longest = min(max(len(name) for name in names), 24)
    every = max(1, -(-len(names) // min(MOST_TICKS, MOST_LETTERS // longest)))
    shown = range(0, len(names), every)
    depths = _depths(len(names))
    return {"tickvals": [depths[i] for i in shown], "ticktext": [said(names[i], longest=24) for i in shown]}
