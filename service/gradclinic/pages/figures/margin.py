"""One metric of a check: the difference between the new runs and the baseline, with its interval and the margin."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, isfinite, log10

from ...comparison import Effect, RatioEffect
from ...kernel.vocabulary import metric_in_words
from ...regression import MetricCheck, PairedRuns
from ..theme import NEUTRAL, WORSE, Figure, Part, axis, baseline_line, figure, interval_bar, rounded, said

VERDICTS: Mapping[str, str] = {"pass": "#009E73", "inconclusive": "#E69F00", "fail": WORSE}
MEAN, SEEDS = 1, 0
"""The rows."""
WIDE = 3.0
"""If the ends of the axis differ by at least this ratio, ratios are drawn on a logarithmic axis."""


def margin(found: MetricCheck, *, title: str = "") -> Figure:
    """The mean with its interval above, each seed below.

    Ratios to the baseline for losses and steps, differences for the accuracy; what lies in the shaded part is worse
    than the margin allows. A seed that is not finite on either side has no place, and is counted beside the row.
    """
    relative = isinstance(found.effect, RatioEffect)
    limit, origin = found.limit, 1.0 if relative else 0.0
    seeds = [(pair, _moved(pair, relative=relative)) for pair in found.values]
    placed = [(pair, value) for pair, value in seeds if value is not None]
    middle, interval = middle_of(found.effect)
    reached = [limit, origin, *(value for _, value in placed), *([middle] if middle is not None else [])]
    scale = span([*reached, *near(interval or (), reached, relative=relative)], relative=relative)
    low, high = scale.pop("ends")
    edge = low if found.better == "higher" else high
    data = [_seeds(placed)] if placed else []
    if middle is not None:
        data.append(_mean(middle, interval, verdict=found.verdict))
    data.append(_margin(limit, relative=relative))
    return figure(
        data,
        title=title or f"{metric_in_words(found.metric).capitalize()}, new against the baseline",
        xaxis=axis(_unit(found, relative=relative), **scale),
        yaxis=axis("", tickvals=[SEEDS, MEAN], ticktext=["each seed", "mean"], range=[-0.6, 1.7]),
        shapes=[baseline_line(origin), _worse(limit, edge)],
        annotations=_without_number(len(seeds) - len(placed), missing=middle is None),
        height=300,
        margin={"l": 70, "r": 20, "t": 50, "b": 100},
    )


def middle_of(effect: Effect | None) -> tuple[float | None, tuple[float, float] | None]:
    """The effect and its interval: ratios if it has any, otherwise differences."""
    if effect is None:
        return None, None
    if isinstance(effect, RatioEffect):
        return effect.ratio, effect.ratio_interval
    return effect.difference, effect.interval


def _moved(pair: PairedRuns, *, relative: bool) -> float | None:
    baseline, new = pair.baseline, pair.new
    if baseline is None or new is None or not (isfinite(baseline) and isfinite(new)):
        return None
    if not relative:
        return new - baseline
    return new / baseline if baseline > 0 and new > 0 else None


def near(interval: Sequence[float], reached: Sequence[float], *, relative: bool) -> list[float]:
    """The interval's ends, as far as an axis shows them on which the margin can be seen."""
    if relative:
        return [min(max(bound, min(reached) / 30), max(reached) * 30) for bound in interval]
    room = 3 * (max(reached) - min(reached))
    return [min(max(bound, min(reached) - room), max(reached) + room) for bound in interval]


def span(reached: Sequence[float], *, relative: bool) -> Part:
    """The settings of an axis that shows these values; `ends` are its ends, and no setting."""
    low, high = min(reached), max(reached)
    if relative and high > WIDE * low:
        logs = log10(low), log10(high)
        room = 0.08 * (logs[1] - logs[0])
        ends = logs[0] - room, logs[1] + room
        steps = (1, 2, 5) if ends[1] - ends[0] < 2.5 else (1,)
        ticks = [step * 10.0**power for power in range(floor(ends[0]), ceil(ends[1]) + 1) for step in steps]
        ticks = [tick for tick in ticks if ends[0] <= log10(tick) <= ends[1]]
        shown = {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}
        return {"type": "log", "range": rounded(ends), "ends": (10.0 ** ends[0], 10.0 ** ends[1]), **shown}
    room = 0.15 * (high - low) or 0.05
    return {"range": rounded((low - room, high + room), digits=6), "ends": (low - room, high + room)}


def _seeds(placed: Sequence[tuple[PairedRuns, float]]) -> Part:
    return {
        "type": "scatter",
        "name": "each seed",
        "mode": "markers",
        "x": rounded(value for _, value in placed),
        "y": [SEEDS] * len(placed),
        "text": [said(f"seed {pair.seed}: {pair.baseline:.4g} before, {pair.new:.4g} now") for pair, _ in placed],
        "marker": {"size": 10, "color": NEUTRAL},
        "hovertemplate": "%{text}<extra></extra>",
    }


def _mean(middle: float, interval: Sequence[float] | None, *, verdict: str) -> Part:
    low, high = interval or (middle, middle)
    colour = VERDICTS[verdict]
    return {
        "type": "scatter",
        "name": said(f"mean and interval: {verdict}"),
        "mode": "markers",
        "x": rounded([middle]),
        "y": [MEAN],
        "marker": {"color": colour, "size": 12},
        "error_x": interval_bar(middle, low, high, colour=colour, thickness=2.5, width=7),
        "hovertemplate": f"%{{x:.4g}} ({low:.4g} to {high:.4g})<extra></extra>",
    }


def _margin(limit: float, *, relative: bool) -> Part:
    return {
        "type": "scatter",
        "name": said(f"margin: {limit:.4g} times the baseline" if relative else f"margin: {limit:+.3g}"),
        "mode": "lines",
        "x": [limit, limit],
        "y": [-0.6, 1.7],
        "line": {"color": WORSE, "dash": "dash", "width": 2},
        "hoverinfo": "skip",
    }


def _worse(limit: float, edge: float) -> Part:
    return {
        "type": "rect", "xref": "x", "yref": "paper", "x0": limit, "x1": edge, "y0": 0, "y1": 1,
        "fillcolor": "rgba(213,94,0,0.15)", "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _unit(found: MetricCheck, *, relative: bool) -> str:
    side = "right" if found.better == "higher" else "left"
    return f"{'ratio to' if relative else 'difference from'} the baseline, {side} is better"


def _without_number(seeds: int, *, missing: bool) -> list[Part]:
    texts = []
    if missing:
        texts.append((MEAN, "no mean: not finite in some runs"))
    if seeds:
        texts.append((SEEDS, f"{seeds} seed{'s' * (seeds > 1)} not finite on one side"))
    return [
        {
            "text": text, "xref": "paper", "x": 0.02, "xanchor": "left", "yref": "y", "y": row + 0.25,
            "showarrow": False, "font": {"size": 12},
        }
        for row, text in texts
    ]  # fmt: skip
