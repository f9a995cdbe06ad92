"""One metric of a baseline's last checks: each change from the baseline with its interval, and the margin."""

from collections.abc import Sequence
from datetime import datetime

from ...comparison import RatioEffect
from ...kernel.vocabulary import metric_in_words
from ...regression import MetricCheck
from ..theme import NEUTRAL, UPWARDS, WORSE, Figure, Part, axis, figure, rounded, said
from .margin import VERDICTS, middle_of, near, span

MOST_DATES = 6
"""Dates below the axis."""


def trend(checks: Sequence[tuple[datetime, MetricCheck]]) -> Figure:
    """The checks from left to right, oldest first, at equal distances; at least one of them.

    Ratios to the baseline for losses and steps, differences for the accuracy. Checks without a mean leave a gap.
    """
    last = checks[-1][1]
    relative = isinstance(last.effect, RatioEffect)
    limit, origin = last.limit, 1.0 if relative else 0.0
    found = [(*middle_of(each.effect), each.verdict) for _, each in checks]
    reached = [limit, origin, *(middle for middle, _, _ in found if middle is not None)]
    bounds = [bound for _, interval, _ in found for bound in interval or ()]
    scale = span([*reached, *near(bounds, reached, relative=relative)], relative=relative)
    low, high = scale.pop("ends")
    edge = low if last.better == "higher" else high
    dates = [f"{at:%Y-%m-%d %H:%M}" for at, _ in checks]
    every = -(-len(dates) // MOST_DATES)
    return figure(
        [_line([middle for middle, _, _ in found]), *_marks(found)],
        title=f"{metric_in_words(last.metric).capitalize()} by check",
        xaxis=axis(
            "created (UTC)",
            autotickangles=UPWARDS,
            tickvals=list(range(0, len(dates), every)),
            ticktext=dates[::every],
            range=[-0.5, max(1, len(dates)) - 0.5],
        ),
        yaxis=axis(f"{'ratio to' if relative else 'difference from'} the baseline", **scale),
        shapes=[
            _level(origin, color=NEUTRAL, dash="dot"),
            _level(limit, color=WORSE, dash="dash"),
            _worse(limit, edge),
        ],
        height=340,
        margin={"l": 70, "r": 20, "t": 50, "b": 100},
    )


def _line(values: Sequence[float | None]) -> Part:
    return {
        "type": "scatter",
        "name": "each check",
        "mode": "lines",
        "showlegend": False,
        "x": list(range(len(values))),
        "y": [None if value is None else rounded([value])[0] for value in values],
        "line": {"color": NEUTRAL, "width": 1},
        "hoverinfo": "skip",
    }


def _marks(found: Sequence[tuple[float | None, tuple[float, float] | None, str]]) -> list[Part]:
    """A trace for each verdict that occurs."""
    return [
        _mark([(index, *each[:2]) for index, each in enumerate(found) if each[2] == verdict], verdict=verdict)
        for verdict in VERDICTS
        if any(each[2] == verdict for each in found)
    ]


def _mark(placed: Sequence[tuple[int, float | None, tuple[float, float] | None]], *, verdict: str) -> Part:
    shown = [(index, middle, interval or (middle, middle)) for index, middle, interval in placed if middle is not None]
    return {
        "type": "scatter",
        "name": said(f"mean and interval: {verdict}"),
        "mode": "markers",
        "x": [index for index, _, _ in shown],
        "y": rounded(middle for _, middle, _ in shown),
        "marker": {"color": VERDICTS[verdict], "size": 11},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": rounded(high - middle for _, middle, (_, high) in shown),
            "arrayminus": rounded(middle - low for _, middle, (low, _) in shown),
            "color": VERDICTS[verdict],
            "thickness": 2,
            "width": 6,
        },
        "hovertemplate": "%{y:.4g}<extra></extra>",
    }


def _level(at: float, **line: object) -> Part:
    return {
        "type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": at, "y1": at,
        "line": {"width": 1.5, **line},
    }  # fmt: skip


def _worse(limit: float, edge: float) -> Part:
    return {
        "type": "rect", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": limit, "y1": edge,
        "fillcolor": "rgba(213,94,0,0.15)", "line": {"width": 0}, "layer": "below",
    }  # fmt: skip
