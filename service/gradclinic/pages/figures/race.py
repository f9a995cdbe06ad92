"""The relative training loss of the candidates of a search, by round, best on top."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor, isfinite, log10

from ..theme import LINES, NEUTRAL, Figure, Part, axis, figure, rounded, said

MOST = 30
"""Number of candidates that fit; the worst ones are left out, and counted."""
LONGEST = 56
LEAST, MOST_LEFT = 1e-4, 2.0
"""Range of the relative loss; marks outside are shown at the border, so that one outlier does not hide differences."""


@dataclass(frozen=True)
class Entrant:
    """A candidate: the training loss of each run relative to the constant predictor's, by round."""

    name: str
    left: Sequence[tuple[str, float]] = field(default=())
    """(round, relative loss); not finite if training diverged."""
    reference: bool = False
    """Whether it is a reference: the unchanged experiment, or the random control."""


def race(entrants: Sequence[Entrant], *, rounds: Sequence[str], title: str = "") -> Figure:
    """One row per entrant, in the given order from the top; one mark per run, coloured by round, the latest on top."""
    shown = list(entrants[:MOST])
    rows = {id(each): len(shown) - 1 - index for index, each in enumerate(shown)}
    data = [
        _marks(round_, shown, rows, LINES[index % len(LINES)])
        for index, round_ in enumerate(rounds)
        if any(name == round_ for each in shown for name, _ in each.left)
    ]
    beyond = len(entrants) - len(shown)
    title = title or "Remaining loss of each candidate"
    return figure(
        data,
        title=title + (f" (the best {MOST} of {len(entrants)})" if beyond > 0 else ""),
        xaxis=axis("training loss relative to always predicting the average", **_scale(shown)),
        yaxis=axis(
            "",
            tickvals=[rows[id(each)] for each in shown],
            ticktext=[said(each.name, longest=LONGEST) for each in shown],
            range=[-0.7, max(len(shown), 1) - 0.3],
            ticklabelstandoff=4,
        ),
        shapes=[_nothing_learned()],
        height=150 + 26 * max(len(shown), 2),
        margin={"l": 70, "r": 20, "t": 50, "b": 110},
    )


def _marks(round_: str, shown: Sequence[Entrant], rows: dict[int, int], colour: str) -> Part:
    places = [(each, value) for each in shown for name, value in each.left if name == round_]
    return {
        "type": "scatter",
        "name": said(round_),
        "mode": "markers",
        "x": rounded(_at(value) for _, value in places),
        "y": [rows[id(each)] for each, _ in places],
        "text": [said(_words(value)) for _, value in places],
        "marker": {
            "size": 10,
            "color": colour,
            "symbol": ["circle" if _within(value) else "x" for _, value in places],
            "line": {"width": [0 if not each.reference else 1.5 for each, _ in places], "color": NEUTRAL},
        },
        "hovertemplate": "%{text}<extra>%{fullData.name}</extra>",
    }


def _at(value: float) -> float:
    """Position of a mark; at the right border if the value is not finite."""
    return min(max(value, LEAST), MOST_LEFT) if isfinite(value) else MOST_LEFT


def _within(value: float) -> bool:
    return isfinite(value) and value <= MOST_LEFT


def _words(value: float) -> str:
    if not isfinite(value):
        return "diverged: the loss is not finite"
    return f"{100 * value:.3g} % of the loss left"


def _scale(shown: Sequence[Entrant]) -> Part:
    reached = [_at(value) for each in shown for _, value in each.left] or [1.0]
    low, high = log10(min(*reached, 0.5)), log10(max(*reached, 1.0))
    margin = 0.06 * (high - low)
    steps = (1, 2, 5) if high - low < 2.5 else (1,)
    ticks = [step * 10.0**power for power in range(floor(low) - 1, 3) for step in steps]
    return {
        "type": "log",
        "range": [round(low - margin, 4), round(high + margin, 4)],
        "tickvals": ticks,
        "ticktext": [f"{100 * tick:g} %" for tick in ticks],
    }


def _nothing_learned() -> Part:
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": 1.0,
        "x1": 1.0,
        "y0": 0,
        "y1": 1,
        "line": {"color": NEUTRAL, "dash": "dot", "width": 1.5},
    }
