"""The arms of a comparison, best on top: the effect of each on the metric, with its interval."""

from math import ceil, floor, inf, log10

from ...comparison import ArmComparison, Comparison, Effect, RatioEffect
from ...kernel.errors import InsufficientData
from ...kernel.vocabulary import metric_in_words
from ..theme import NEUTRAL, VERDICTS, Figure, Part, axis, baseline_line, figure, interval_bar, rounded, said

_STEPS = (
    (0.3, (1, 1.1, 1.2, 1.35, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9)),
    (1, (1, 1.5, 2, 3, 4, 5, 7)),
    (3, (1, 2, 5)),
    (inf, (1,)),
)
"""Ticks per power of ten on a logarithmic axis that spans fewer orders of magnitude than the first number."""


def ranking(comparison: Comparison, *, title: str = "") -> Figure:
    """One row per arm: the ratio to the baseline, or the difference if it has no ratio.

    If an outcome of an arm is not finite, its row shows the number of wins instead. Arms that cannot be compared yet
    are left out; raises InsufficientData if none can be.
    """
    arms = sorted(comparable(comparison), key=lambda arm: arm.rank, reverse=True)
    if not arms:
        raise InsufficientData(_nothing_to_compare(comparison))
    metric = comparison.metric
    effects = [arm.effects.get(metric) for arm in arms]
    relative = any(isinstance(effect, RatioEffect) for effect in effects)
    data: list[Part] = []
    annotations: list[Part] = []
    for row, (arm, effect) in enumerate(zip(arms, effects, strict=True)):
        middle, interval = _shown(effect)
        if middle is None:
            annotations.append(_without_number(row, effect))
            continue
        data.append(_row(row, arm, middle, interval))
    return figure(
        data,
        title=title or f"{metric_in_words(metric).capitalize()} against {comparison.baseline}",
        xaxis=axis(
            "ratio to the baseline, left is better" if relative and _lower_is_better(metric) else _unit(metric),
            **(_log_ticks(data) if relative else {}),
        ),
        yaxis=axis(
            "",
            tickvals=list(range(len(arms))),
            ticktext=[said(f"{arm.rank}. {arm.arm}", longest=40) for arm in arms],
            range=[-0.6, len(arms) - 0.4],
        ),
        shapes=[baseline_line(1.0 if relative else 0.0)],
        annotations=annotations,
        showlegend=False,
        height=120 + 42 * max(len(arms), 1),
    )


def comparable(comparison: Comparison) -> list[ArmComparison]:
    """The arms that are compared by the metric so far; all of them when every run has ended."""
    return [arm for arm in comparison.arms if comparison.complete or comparison.metric in arm.effects]


def _nothing_to_compare(comparison: Comparison) -> str:
    if not comparison.arms:
        return "there is only the baseline: no arm to compare it with"
    total = sum(arm.runs + arm.pending + arm.lost for arm in comparison.arms)
    ended = sum(arm.runs + arm.lost for arm in comparison.arms)
    return f"no arm can be compared with the baseline yet: {ended} of {total} runs of the arms have ended"


def _log_ticks(data: list[Part]) -> Part:
    """A logarithmic axis with ticks between powers of ten, or at powers of ten only if there are many."""
    reached = [1.0]  # the baseline
    for row in data:
        (middle,), error = row["x"], row["error_x"]
        reached += [middle - error["arrayminus"][0], middle + error["array"][0]]
    low, high = (log10(max(pick(reached), 1e-12)) for pick in (min, max))
    steps = next(steps for widest, steps in _STEPS if high - low < widest)
    ticks = [step * 10.0**power for power in range(floor(low) - 1, ceil(high) + 1) for step in steps]
    margin = 0.12 * max(high - low, 0.3)  # room for the words above a mark
    span = [round(low - margin, 4), round(high + margin, 4)]
    return {"type": "log", "range": span, "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _row(row: int, arm: ArmComparison, middle: float, interval: tuple[float, float] | None) -> Part:
    colour = VERDICTS.get(arm.verdict, NEUTRAL)
    low, high = interval or (middle, middle)
    return {
        "type": "scatter",
        "name": said(arm.arm, longest=60),
        "x": rounded([middle]),
        "y": [row],
        "mode": "markers+text",
        "cliponaxis": False,
        "text": [said(arm.verdict.replace("_", " "))],
        "textposition": "top center",
        "marker": {"color": colour, "size": 11},
        "error_x": interval_bar(middle, low, high, colour=colour, thickness=2, width=5),
        "hovertemplate": f"%{{x:.4g}} ({low:.4g} to {high:.4g})<extra>%{{fullData.name}}</extra>",
    }


def _shown(effect: Effect | None) -> tuple[float | None, tuple[float, float] | None]:
    """Ratio and interval where the metric has ratios, else difference and interval."""
    if effect is None:
        return None, None
    if isinstance(effect, RatioEffect):
        return effect.ratio, effect.ratio_interval
    return effect.difference, effect.interval


def _without_number(row: int, effect: Effect | None) -> Part:
    text = "no finished pair yet"
    if effect is not None:
        text = f"not finite in some runs; better than the baseline in {effect.wins} of {effect.pairs}"
    return {
        "text": text,
        "xref": "paper",
        "x": 0.02,
        "xanchor": "left",
        "yref": "y",
        "y": row,
        "showarrow": False,
        "font": {"size": 12},
    }


def _lower_is_better(metric: str) -> bool:
    return "accuracy" not in metric


def _unit(metric: str) -> str:
    return "difference from the baseline, " + ("left is better" if _lower_is_better(metric) else "right is better")
