"""Responses about recorded statistics."""

from typing import Literal

from ..kernel.status import RunStatus
from .base import Answer
from .prediction import PredictionAnswer


class SeriesAnswer(Answer):
    """One statistic of one run."""

    statistic: str
    unit: str
    per: Literal["site", "weight", "run"]
    layers: list[str]
    """Names of the columns; a statistic of the whole run has the one column `run`."""
    steps: list[int]
    """Step of each row; with an aggregate, the first step of each bucket."""
    values: list[list[float]] | None
    """[step][layer]; null for the aggregate `minmax`."""
    minimum: list[list[float]] | None
    """[step][layer]; only for the aggregate `minmax`."""
    maximum: list[list[float]] | None
    """[step][layer]; only for the aggregate `minmax`."""
    sampled: bool
    """Whether points were left out or aggregated because of `max_points`."""
    source_points: int
    """Number of recorded steps in the range, before sampling."""


class StatisticsAnswer(Answer):
    """Recorded statistics of one run."""

    run_id: str
    status: RunStatus
    aggregate: Literal["none", "max", "mean", "minmax"]
    sampled: bool
    """Whether any series was sampled."""
    source_points: int
    """Number of recorded steps of the longest series in the range."""
    statistics: list[SeriesAnswer]


class ProfilePoint(Answer):
    """One point of a profile."""

    layer: str
    depth: float
    """Depth fraction: 0 at the first point, 1 at the last."""
    value: float
    predicted: float | None
    """Mean-field prediction before the first step; null if there is none."""


class ProfileAnswer(Answer):
    """One statistic against depth, at one step."""

    run_id: str
    statistic: str
    unit: str
    step: int
    points: list[ProfilePoint]
    depth_slope: float | None
    """Gradient decay: orders of magnitude by which the gradient shrinks from output to input; null for fewer
    than 3 points. Negative: it grows."""
    predicted_depth_slope: float | None
    prediction: PredictionAnswer | None
    """The prediction, with its assumptions and expected error; null if no theory applies."""


class CurveAnswer(Answer):
    """One statistic of the whole run, by step."""

    statistic: str
    unit: str
    help: str
    steps: list[int]
    values: list[float]


class CurvesAnswer(Answer):
    """The curves of one run."""

    run_id: str
    status: RunStatus
    sampled: bool
    source_points: int
    curves: list[CurveAnswer]
