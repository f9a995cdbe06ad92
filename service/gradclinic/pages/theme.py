"""Shared by all figures: colours that colour-blind people can distinguish, rounding, and escaping."""

import html
from collections.abc import Iterable, Mapping, Sequence
from math import floor, isfinite, log10
from typing import Any

Part = dict[str, Any]
"""A trace, an axis, a shape or another part of a figure, as Plotly reads it."""

Figure = Part
"""`{"data": [...], "layout": {...}}`, the complete figure."""

LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6BB1", "#B2A100")
"""Okabe and Ito 2008, Color Universal Design, with two more."""
NEUTRAL = "#7F7F7F"
NOT_FINITE = "#FF00AA"
"""Colour of NaN and infinity; it is not part of any scale."""
WORSE = "#D55E00"
"""Colour of the area that is worse than a margin allows."""
VERDICTS: Mapping[str, str] = {
    "cures": "#009E73",
    "improves": "#56B4E9",
    "no_effect": "#7F7F7F",
    "inconclusive": "#E69F00",
    "harms": "#D55E00",
}

UPWARDS = [0, -30, -90]
"""Angles of the labels below an axis: turned this way, the last one does not leave the chart, where Plotly hides it."""

FEW_STEPS = 10
"""If the last step is at most this, an axis labels every step."""

ZERO = 1e-45
"""Value that replaces a gradient of exactly 0 in a heatmap: log10 = -45, about the smallest float32."""


def figure(data: list[Part], *, title: str, **layout: Any) -> Figure:
    """A figure with a transparent background, for light and dark pages."""
    return {
        "data": data,
        "layout": {
            "title": {"text": said(title), "x": 0, "xref": "paper", "font": {"size": 15}},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(LINES),
            "margin": {"l": 70, "r": 20, "t": 50, "b": 60},
            "hovermode": "closest",
            "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
            **layout,
        },
    }


def note_above(text: str) -> Part:
    """A note at the upper left edge of a chart, just above it."""
    return {
        "text": said(text),
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "align": "left",
        "showarrow": False,
        "font": {"size": 12},
    }


def axis(title: str, **settings: Any) -> Part:
    """An axis whose grid is visible on a light and on a dark page."""
    return {
        "title": {"text": said(title), "standoff": 8},
        "gridcolor": "rgba(127,127,127,0.25)",
        "linecolor": NEUTRAL,
        "zeroline": False,
        "automargin": True,
        **settings,
    }


def shaded(line: str, x: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str) -> Part:
    """A trace: the range of the seeds around a line of that name, shown and hidden together with it."""
    return {
        "type": "scatter",
        "name": said(f"{line}: lowest to highest seed", longest=80),
        "legendgroup": said(line),
        "showlegend": False,
        "x": rounded([*x, *x[::-1]], digits=6),
        "y": rounded([*high, *low[::-1]]),
        "mode": "lines",
        "fill": "toself",
        "fillcolor": f"rgba({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))}, 0.18)",
        "line": {"color": colour, "width": 0},
        "hoverinfo": "skip",
    }


def baseline_line(at: float) -> Part:
    """A shape: the dotted line of no difference from the baseline."""
    line = {"color": NEUTRAL, "dash": "dot", "width": 1.5}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1, "line": line}


def interval_bar(middle: float, low: float, high: float, *, colour: str, thickness: float, width: float) -> Part:
    """The `error_x` of a mark at `middle`: an interval that need not be symmetric."""
    return {
        "type": "data",
        "symmetric": False,
        "array": rounded([high - middle]),
        "arrayminus": rounded([middle - low]),
        "color": colour,
        "thickness": thickness,
        "width": width,
    }


def step_axis(last_step: float, **settings: Any) -> Part:
    """An axis of training steps, with integer ticks."""
    return axis("step", **({"dtick": 1} if last_step <= FEW_STEPS else {}), **settings)


def said(text: str, *, longest: int = 200) -> str:
    """A text escaped for Plotly, which interprets some HTML."""
    shown = text if len(text) <= longest else text[: longest - 1] + "…"
    return html.escape(shown, quote=False)


def rounded(values: Iterable[float], *, digits: int = 4) -> list[float | None]:
    """The values rounded to significant digits; None (a gap in the plot) for values that are not finite."""
    return [_significant(float(value), digits) for value in values]


def _significant(value: float, digits: int) -> float | None:
    if not isfinite(value):
        return None
    if value == 0:
        return 0.0
    return round(value, digits - 1 - floor(log10(abs(value))))
