"""The last results of a baseline's checks as a small line with the margin, drawn into the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log

from ..comparison import RatioEffect
from ..regression import MetricCheck
from ..store import Check
from .sparkline import EDGE, HEIGHT, WIDTH


@dataclass(frozen=True)
class Trend:
    """One metric of the last checks, oldest first."""

    metric: str
    line: str
    """The results as the path of an SVG of WIDTH x HEIGHT: ratios on a logarithmic scale, or differences."""
    margin: str
    """The margin as a path: beyond it, a result is worse than allowed."""
    checks: int


def trend_of(checks: Sequence[Check]) -> Trend | None:
    """The trend of the first metric of the newest check, given the newest check first; None without a result."""
    metrics = [each.report.metrics for each in reversed(checks) if each.report is not None and each.report.metrics]
    if not metrics:
        return None
    name = metrics[-1][0].metric
    found = [each for judged in metrics for each in judged if each.metric == name]
    values = [value for each in found if (value := _result(each)) is not None]
    if not values:
        return None
    limit = _limit(found[-1])
    low, high = min(0.0, limit, *values), max(0.0, limit, *values)

    def y(value: float) -> float:
        return EDGE + (HEIGHT - 2 * EDGE) * (high - value) / (high - low or 1)

    across = WIDTH / max(1, len(values) - 1)
    points = [f"{across * index:.4g} {y(value):.3g}" for index, value in enumerate(values)]
    end = [] if len(points) > 1 else [f"{WIDTH} {y(values[0]):.3g}"]
    return Trend(name, "M" + "L".join(points + end), f"M0 {y(limit):.3g}H{WIDTH}", len(values))


def _result(metric: MetricCheck) -> float | None:
    effect = metric.effect
    if isinstance(effect, RatioEffect):
        value = log(effect.ratio) if effect.ratio else None
    else:
        value = None if effect is None else effect.difference
    return value if value is not None and isfinite(value) else None


def _limit(metric: MetricCheck) -> float:
    return log(metric.limit) if isinstance(metric.effect, RatioEffect) else metric.limit
