"""Loss, gradient norm and learning rate by step, one above the other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from ...measurements.record import Series
from ..theme import LINES, NEUTRAL, Figure, Part, axis, figure, rounded, step_axis
from .floor import floor_below, on_log_scale

MAX_POINTS = 600
FEW = 20
"""With fewer points, each gets a mark, so that a training that diverged in its first step is visible."""
PANELS = (
    ("loss", (0.66, 1.0), ("train_loss", "probe_loss")),
    ("gradient norm", (0.3, 0.58), ("grad_norm_l2", "grad_norm_l2_clipped")),
    ("learning rate", (0.0, 0.22), ("learning_rate",)),
)
NAMES = {
    "train_loss": "loss of the step's batch",
    "probe_loss": "loss of the probe batch",
    "grad_norm_l2": "gradient norm",
    "grad_norm_l2_clipped": "gradient norm after clipping",
    "learning_rate": "learning rate",
}
VALIDATION = LINES[3]
ROOM = 0.12
"""Space beyond the values of an axis, as a fraction of their range."""
CLOSE_TO_ZERO = 0.02
"""Losses below this fraction of the constant predictor's can only be distinguished on a logarithmic scale."""


@dataclass(frozen=True)
class Validation:
    """The loss of the validation samples after the last step, which is the only time that they are evaluated."""

    step: int
    loss: float

    def mark(self) -> Part:
        """A trace: a diamond at the end of the loss."""
        return {
            "type": "scatter",
            "name": "validation loss",
            "x": [self.step],
            "y": rounded([self.loss]),
            "mode": "markers",
            "marker": {"color": VALIDATION, "size": 10, "symbol": ["diamond"]},
            "cliponaxis": False,
            "hovertemplate": "step %{x}<br>%{y:.4g}<extra>%{fullData.name}</extra>",
        }


def curves(
    series: Mapping[str, Series],
    *,
    constant_loss: float | None = None,
    validation: Validation | None = None,
    clipped: bool = False,
    title: str = "",
) -> Figure:
    """The curves of one run; `constant_loss` is what a network that learns nothing reaches."""
    data: list[Part] = []
    layout: Part = {}
    levels: list[Part] = []
    zeros: list[Part] = []
    for number, (label, domain, statistics) in enumerate(PANELS, start=1):
        suffix = "" if number == 1 else str(number)
        drawn = [name for name in statistics if len(series.get(name, ())) and (clipped or "clipped" not in name)]
        logarithmic = _peak(series, drawn) > 0 and (
            label == "gradient norm" or (label == "loss" and _gets_close(series, drawn, constant_loss))
        )
        if label == "loss" and constant_loss is not None:
            room = not logarithmic or _peak(series, drawn) > 2 * constant_loss
            levels.append(nothing_learned(constant_loss, above=room))
        for name in drawn:
            data.append(_line(name, series[name], logarithmic, suffix, LINES[len(data) % len(LINES)]))
        if logarithmic:
            crosses, floors = _zeros([_sampled(series[name]) for name in drawn], suffix)
            zeros += crosses
            levels += floors
        layout[f"yaxis{suffix}"] = axis(
            label,
            domain=list(domain),
            anchor="x",
            exponentformat="power",
            nticks=4,
            **({"type": "log"} if logarithmic else {"range": _range(series, drawn, constant_loss, validation)}),
        )
    layout["xaxis"] = step_axis(
        max((float(each.steps[-1]) for each in series.values() if len(each)), default=0.0), anchor="y3"
    )
    marks = [] if validation is None else [validation.mark()]
    return figure([*data, *zeros, *marks], title=title or "Curves", shapes=levels, **layout)


def _zeros(drawn: Sequence[Series], suffix: str) -> tuple[list[Part], list[Part]]:
    """The crosses of a panel's values of exactly 0 and their floor; nothing where no value is 0."""
    floor = floor_below(value for each in drawn for value in each.values[:, 0])
    if floor is None:
        return [], []
    steps = [int(step) for each in drawn for step in each.steps[each.values[:, 0] == 0]]
    marks = floor.marks(steps, [f"step {step}" for step in steps], xaxis="x", yaxis=f"y{suffix}")
    return [marks], [floor.line(y=f"y{suffix}")]


def _range(
    series: Mapping[str, Series], drawn: list[str], constant_loss: float | None, validation: Validation | None
) -> list[float | None]:
    of_loss = bool(drawn) and drawn[0] in PANELS[0][2]
    levels = [constant_loss or 0.0, validation.loss if validation is not None else 0.0] if of_loss else []
    return with_zero([*levels, *(value for name in drawn for value in series[name].values[:, 0].tolist())])


def with_zero(values: Iterable[float]) -> list[float | None]:
    """The ends of a linear axis with these values and 0, so that a curve that does not move looks as if it did not."""
    finite = [value for value in values if isfinite(value)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    room = ROOM * (high - low)
    return rounded([low - room if low < 0 else 0.0, high + room or 1.0])


def _peak(series: Mapping[str, Series], drawn: list[str]) -> float:
    """The largest finite value; 0 where there is none above."""
    finite = [series[name].values[np.isfinite(series[name].values)] for name in drawn]
    return max((float(values.max()) for values in finite if len(values)), default=0.0)


def _line(name: str, series: Series, logarithmic: bool, suffix: str, colour: str) -> Part:  # noqa: FBT001
    kept = _sampled(series)
    values = kept.values[:, 0]
    return {
        "type": "scatter",
        "name": NAMES[name],
        "x": kept.steps.tolist(),
        "y": on_log_scale(values) if logarithmic else rounded(values),
        "mode": "lines" if len(kept) >= FEW else "lines+markers",
        "line": {"color": colour, "width": 1.5},
        "marker": {"color": colour, "size": 5},
        "xaxis": "x",
        "yaxis": f"y{suffix}",
        "hovertemplate": "step %{x}<br>%{y:.4g}<extra>%{fullData.name}</extra>",
    }


def _sampled(series: Series) -> Series:
    """At most 600 points: of each bucket the largest value, so that no spike is lost, NaN the largest of all."""
    if len(series) <= MAX_POINTS:
        return series
    buckets = np.array_split(np.arange(len(series)), MAX_POINTS)
    picked = [bucket[int(np.argmax(series.values[bucket, 0]))] for bucket in buckets]
    return Series(series.steps[picked], series.values[picked])


def _gets_close(series: Mapping[str, Series], names: list[str], constant_loss: float | None) -> bool:
    values = np.concatenate([series[name].values[:, 0] for name in names]) if names else np.zeros(0)
    known = values[np.isfinite(values)]
    if constant_loss is None and len(known):  # known at the end only; until then the first loss is about as large
        constant_loss = float(known[0])
    if not len(known) or known.min() <= 0 or constant_loss is None or not isfinite(constant_loss):
        return False
    # A diverging loss needs the same: on a linear scale everything before its last steps looks flat.
    return bool(known.min() < CLOSE_TO_ZERO * constant_loss or known.max() > 10 * constant_loss)


def nothing_learned(value: float, *, above: bool) -> Part:
    """What a network that learns nothing reaches; named above the line if there is room: curves seldom end there."""
    return {
        "type": "line",
        "xref": "paper",
        "yref": "y",
        "x0": 0,
        "x1": 1,
        "y0": value,
        "y1": value,
        "line": {"color": NEUTRAL, "dash": "dot", "width": 1},
        "label": {
            "text": "nothing learned",
            "textposition": "end",
            "yanchor": "bottom" if above else "top",
            "font": {"size": 11},
        },
    }
