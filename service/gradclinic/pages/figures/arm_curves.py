"""The loss of each arm by step: the median over its seeds, and a band from the lowest to the highest seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...measurements.record import Series
from ..theme import LINES, NEUTRAL, Figure, Part, axis, figure, note_above, rounded, said, shaded, step_axis
from .curves import CLOSE_TO_ZERO, Validation, nothing_learned, with_zero
from .floor import on_log_scale

Floats = npt.NDArray[np.float64]
MAX_POINTS = 300
WIDE = 100
"""Ratio of the losses from which on their axis is logarithmic, if the loss of having learned nothing is not known."""


@dataclass(frozen=True)
class ArmCurve:
    """One arm with the loss of each of its seeds."""

    name: str
    seeds: Sequence[Series]
    """Each with values [n steps, 1]."""
    reference: bool = False
    """Drawn in grey, as the reference for the others."""


@dataclass(frozen=True)
class _Band:
    """An arm at no more than `MAX_POINTS` steps; NaN if no seed has a finite loss."""

    steps: Floats
    middle: Floats
    low: Floats
    high: Floats


def arm_curves(
    arms: Sequence[ArmCurve],
    *,
    constant_loss: float | None = None,
    validation: Validation | None = None,
    title: str,
    note: str = "",
) -> Figure:
    """A line and a band for each arm. Losses that are not finite are left out of both, and counted in its name."""
    bands = [_band(arm.seeds) for arm in arms]
    logarithmic = _spans_orders([band for band in bands if len(band.steps)], constant_loss)
    colours = iter(LINES * (1 + len(arms) // len(LINES)))
    data: list[Part] = []
    for arm, band in zip(arms, bands, strict=True):
        colour = NEUTRAL if arm.reference else next(colours)
        if len(arm.seeds) > 1:
            data.append(_shade(arm, band, colour, logarithmic=logarithmic))
        data.append(
            {
                "type": "scatter",
                "name": said(_named(arm), longest=80),
                "legendgroup": said(arm.name),
                "x": rounded(band.steps, digits=6),
                "y": on_log_scale(band.middle) if logarithmic else rounded(band.middle),
                "mode": "lines",
                "line": {"color": colour, "width": 4 if arm.reference else 2},
                "hovertemplate": "step %{x}<br>%{y:.4g}<extra>%{fullData.name}</extra>",
            }
        )
    if validation is not None:
        data.append(validation.mark())
    peak = max((float(np.nanmax(band.high)) for band in bands if np.isfinite(band.high).any()), default=1.0)
    peak = max(peak, validation.loss if validation is not None else 0.0)
    shown = [peak, constant_loss or 0.0, *(value for band in bands for value in band.low.tolist())]
    last = max((float(band.steps[-1]) for band in bands if len(band.steps)), default=0.0)
    return figure(
        data,
        title=title,
        xaxis=step_axis(last),
        yaxis=axis(
            "loss",
            nticks=6,
            exponentformat="power",
            **({"type": "log"} if logarithmic else {"range": with_zero(shown)}),
        ),
        shapes=[]
        if constant_loss is None
        else [nothing_learned(constant_loss, above=not logarithmic or peak > 2 * constant_loss)],
        annotations=[note_above(note)] if note else [],
    )


def _band(seeds: Sequence[Series]) -> _Band:
    """Median, lowest and highest of the seeds' finite losses by step, pooled to at most 300 places."""
    steps = np.unique(np.concatenate([each.steps for each in seeds])) if seeds else np.zeros(0, dtype=np.int64)
    table = np.full((len(seeds), len(steps)), np.nan)
    for row, each in enumerate(seeds):
        table[row, np.searchsorted(steps, each.steps)] = each.values[:, 0]
    table[~np.isfinite(table)] = np.nan
    parts = np.array_split(np.arange(len(steps)), min(MAX_POINTS, len(steps))) if len(steps) else []
    cells = [table[:, part] for part in parts]
    return _Band(
        np.array([steps[part].mean() for part in parts]),
        *(np.array([_quantile(cell, part) for cell in cells]) for part in (0.5, 0.0, 1.0)),
    )


def _quantile(cell: Floats, part: float) -> float:
    known = cell[np.isfinite(cell)]
    return float(np.quantile(known, part)) if len(known) else float("nan")


def _spans_orders(bands: Sequence[_Band], constant_loss: float | None) -> bool:
    """Whether the losses can only be distinguished on a logarithmic scale."""
    known = np.concatenate([np.concatenate([band.low, band.high]) for band in bands]) if bands else np.zeros(0)
    known = known[np.isfinite(known)]
    if not len(known) or known.min() <= 0:
        return False
    if constant_loss is None:
        return bool(known.max() > WIDE * known.min())
    return bool(known.min() < CLOSE_TO_ZERO * constant_loss or known.max() > 10 * constant_loss)


def _shade(arm: ArmCurve, band: _Band, colour: str, *, logarithmic: bool) -> Part:
    """The area between the lowest and the highest seed, if there is one."""
    there = np.isfinite(band.low) & (band.low > 0 if logarithmic else True)
    steps, low, high = (each[there].tolist() for each in (band.steps, band.low, band.high))
    return shaded(arm.name, steps, low, high, colour)


def _named(arm: ArmCurve) -> str:
    broken = sum(not np.isfinite(each.values).all() for each in arm.seeds)
    return arm.name if not broken else f"{arm.name} ({broken} of {len(arm.seeds)} seeds not finite)"
