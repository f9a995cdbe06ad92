"""Ticks and tick labels of drawings."""

import html
import re
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from .theme import Part

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def set_marks(axes: "Axes", x: Part, y: Part) -> None:
    """Set the ticks and ranges of both axes: those of the figure if it has any, otherwise readable ones."""
    if "tickvals" in x:
        places, names = _seen(x)
        crowded = len(places) > 4 and max(map(len, names)) > 5
        axes.set_xticks(places, names, rotation=30 if crowded else 0)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right" if crowded else "center")
    if "tickvals" in y:
        axes.set_yticks(*_seen(y))
    for settings, limit in ((x, axes.set_xlim), (y, axes.set_ylim)):
        if "range" in settings:
            low, high = settings["range"]
            limit(*((10.0**low, 10.0**high) if settings.get("type") == "log" else (low, high)))
    if "dtick" in x:
        first, last = axes.get_xlim()
        axes.set_xticks(range(ceil(first), floor(last) + 1, x["dtick"]))
    axes.minorticks_off()
    for line, settings in ((axes.xaxis, x), (axes.yaxis, y)):
        if settings.get("type") == "log" and "tickvals" not in settings:
            _narrow(line)


def _seen(axis: Part) -> tuple[list[float], list[str]]:
    """The ticks of an axis that are within its range, with their labels."""
    low, high = axis.get("range", (-np.inf, np.inf))
    if axis.get("type") == "log":
        low, high = 10.0**low, 10.0**high
    low, high = min(low, high), max(low, high)
    seen = [(at, plain(text)) for at, text in zip(axis["tickvals"], axis["ticktext"], strict=True) if low <= at <= high]
    return [at for at, _ in seen], [text for _, text in seen]


def _narrow(line: Any) -> None:
    """Ticks between the powers of ten if fewer than two of those would be visible."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

    low, high = line.get_view_interval()
    if low <= 0 or high > low * 30:
        return
    line.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > low * 4 else MaxNLocator(4))
    line.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))


def plain(text: str) -> str:
    """A figure's text for matplotlib: without HTML, mathematics, and characters that XML does not allow."""
    shown = _NO_XML.sub("\ufffd", html.unescape(text))
    return shown.replace("$", r"\$")  # a dollar sign would start mathematics
