"""Values of exactly 0 on a logarithmic axis: gaps in their line, and marks on a floor below all other values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

from ..theme import NEUTRAL, Part, rounded

NAME = "exactly 0"


@dataclass(frozen=True)
class Floor:
    """Where values of exactly 0 are marked. The axis has no other meaning there."""

    at: float

    def marks(self, x: Sequence[float], text: Sequence[str], **axes: str) -> Part:
        """A trace with a cross for each value of exactly 0; `text` is what is shown when the pointer is over one."""
        return {
            "type": "scatter",
            "name": NAME,
            "x": list(x),
            "y": [self.at] * len(x),
            "text": list(text),
            "mode": "markers",
            "marker": {"color": NEUTRAL, "size": 8, "symbol": ["x"] * len(x)},
            "hovertemplate": f"%{{text}}<extra>{NAME}</extra>",
            **axes,
        }

    def line(self, *, y: str = "y") -> Part:
        """A shape: the floor, with its meaning."""
        return {
            "type": "line",
            "xref": "paper",
            "yref": y,
            "x0": 0,
            "x1": 1,
            "y0": self.at,
            "y1": self.at,
            "line": {"color": NEUTRAL, "dash": "dot", "width": 1},
            "label": {"text": NAME, "textposition": "start", "yanchor": "bottom", "font": {"size": 11}},
        }


def floor_below(values: Iterable[float]) -> Floor | None:
    """One to two orders of magnitude below the smallest positive value, or 1 if there is none; None without zeros."""
    known = [float(value) for value in values if isfinite(value)]
    if 0.0 not in known:
        return None
    positive = [value for value in known if value > 0]
    return Floor(10.0 ** (floor(log10(min(positive))) - 1) if positive else 1.0)


def on_log_scale(values: Iterable[float]) -> list[float | None]:
    """Values for a logarithmic axis, to four significant digits; 0 and what is not finite leave a gap."""
    return rounded(float(value) if value > 0 else float("nan") for value in values)
