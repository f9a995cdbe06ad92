"""A statistic by layer and step as colours: of the gradient and other sizes, the logarithm."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from ...measurements.record import Series
from ..theme import NOT_FINITE, ZERO, Figure, Part, axis, figure, said, step_axis

Scale = Literal["absolute", "relative"]
Floats = npt.NDArray[np.float64]

MAX_COLUMNS, MAX_ROWS = 240, 120
NARROWEST, WIDEST = 8.0, 20.0
"""Orders of magnitude that the colours span. The gradients of a healthy network differ by far less than the narrowest,
so they have nearly one colour, even while they shrink with the loss; differences above the widest do not matter."""
NARROWEST_RELATIVE, WIDEST_RELATIVE = 3.0, 10.0

SEQUENTIAL = [[0, "#00204D"], [0.25, "#31446B"], [0.5, "#7C7B78"], [0.75, "#BCAF6F"], [1, "#FFEA46"]]
"""Cividis (Nunez, Anderton, Renslow 2018): even in lightness, readable for the colour-blind."""
DIVERGING = [[0, "#2166AC"], [0.25, "#92C5DE"], [0.5, "#F7F7F7"], [0.75, "#F4A582"], [1, "#B2182B"]]


def heatmap(
    series: Series,
    layers: Sequence[str],
    *,
    reference: int = -1,
    scale: Scale = "absolute",
    symbol: str = "gradient",
    logarithmic: bool = True,
    title: str = "",
) -> Figure:
    """log10 g, pooled to at most 240 x 120 cells: the mean of the logarithms that fall into one.

    series.values is g [n steps, L layers], layers in forward order. `absolute` colours log10 g itself; `relative`
    its distance from the column `reference` (the output's side) at the same step, so that + explodes and - vanishes.
    A cell with a NaN or an infinity in it has a colour of its own. Of a statistic that is not `logarithmic`, the values
    are coloured as they are.
    """
    values = series.values.astype(np.float64)
    finite = np.isfinite(values)
    logs = np.log10(np.where(finite, np.maximum(values, ZERO), 1.0)) if logarithmic else np.where(finite, values, 0.0)
    if scale == "relative":
        finite = finite & finite[:, [reference]]
        logs = logs - logs[:, [reference]]
    rows, columns = _buckets(logs.shape[1], MAX_ROWS), _buckets(logs.shape[0], MAX_COLUMNS)
    pooled = _pool(np.where(finite, logs, np.nan), columns, rows)
    broken = _pool((~finite).astype(np.float64), columns, rows) > 0
    names = [_span([layers[row] for row in rows[i]]) for i in range(len(rows))]
    steps = [float(np.mean(series.steps[column])) for column in columns]
    low, high = (_limits if logarithmic else _linear_limits)(pooled[~broken], scale)
    cells = {"x": steps, "y": names}
    label = (f"log10 of {symbol}" if logarithmic else symbol) + (
        ", relative to the output" if scale == "relative" else ""
    )
    data: list[Part] = [
        {
            "type": "heatmap",
            **cells,
            "z": [[_cell(value) for value in row] for row in np.where(broken, np.nan, pooled).T],
            "zmin": low,
            "zmax": high,
            "colorscale": SEQUENTIAL if scale == "absolute" else DIVERGING,
            "colorbar": {"title": {"text": label, "side": "right"}, "thickness": 14},
            "hovertemplate": f"%{{y}}<br>step %{{x:.0f}}<br>{label} = %{{z:.2f}}<extra></extra>",
        }
    ]
    if broken.any():
        data.append(
            {
                "type": "heatmap",
                **cells,
                "z": [[1 if cell else None for cell in row] for row in broken.T],
                "colorscale": [[0, NOT_FINITE], [1, NOT_FINITE]],
                "showscale": False,
                "hovertemplate": "%{y}<br>step %{x:.0f}<br>NaN or infinite<extra></extra>",
            }
        )
    return figure(
        data,
        title=title or "Gradient by layer and step",
        xaxis=step_axis(float(series.steps[-1]) if len(series) else 0.0),
        yaxis=axis("layer (input at the bottom)", type="category"),
    )


def _buckets(count: int, most: int) -> list[npt.NDArray[np.intp]]:
    return [part for part in np.array_split(np.arange(count), min(count, most)) if len(part)]


def _pool(values: Floats, columns: Sequence[npt.NDArray[np.intp]], rows: Sequence[npt.NDArray[np.intp]]) -> Floats:
    """Mean of what is not NaN in each cell: [columns, rows]."""
    known = ~np.isnan(values)
    totals, counts = np.where(known, values, 0.0), known.astype(np.float64)
    starts = [part[0] for part in columns], [part[0] for part in rows]
    for axis_, at in enumerate(starts):
        if values.size:
            totals = np.add.reduceat(totals, at, axis=axis_)
            counts = np.add.reduceat(counts, at, axis=axis_)
    return np.where(counts > 0, totals / np.maximum(counts, 1.0), np.nan)


def _limits(logs: Floats, scale: Scale) -> tuple[float, float]:
    known = logs[np.isfinite(logs)]
    if scale == "relative":
        reach = float(np.abs(known).max(initial=0.0))
        reach = min(max(reach, NARROWEST_RELATIVE), WIDEST_RELATIVE)
        return -reach, reach
    # Where every gradient is exactly 0, the floor is the largest of them, and still the dark end.
    high = max(float(known.max()), float(np.log10(ZERO)) + NARROWEST) if len(known) else 0.0
    low = float(known.min()) if len(known) else 0.0
    return round(max(min(low, high - NARROWEST), high - WIDEST), 3), round(high, 3)


def _linear_limits(values: Floats, scale: Scale) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    reach = float(np.abs(known).max(initial=0.0))
    if scale == "relative" or known.min(initial=0.0) < 0:
        return -(reach or 1.0), reach or 1.0
    return 0.0, max(reach, 1.0)


def _cell(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None


def _span(names: Sequence[str]) -> str:
    return said(names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}")
