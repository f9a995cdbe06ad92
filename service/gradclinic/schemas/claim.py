"""Responses about claims and rulings."""

from typing import Literal

from ..kernel.vocabulary import ClaimVerdict
from .base import Answer, Json
from .comparison import Interval


class ClaimBase(Answer):
    """A piece of common advice, and how it is tested."""

    id: str
    statement: str
    source: str
    """Source of the claim."""
    design: str
    """The experiments that test it."""
    rule: str
    """How the verdict is decided."""
    quick: bool
    runs: int


class ClaimAnswer(ClaimBase):
    """A claim with the body of the study that tests it."""

    study: Json
    """Ready to post to `/v1/studies`."""


class ClaimList(Answer):
    """All claims, in order."""

    items: list[ClaimAnswer]


class FigureAnswer(Answer):
    """A measured number on which the verdict is based."""

    name: str
    value: float
    """Median over the seeds, or a fraction of the networks or orders."""
    unit: str
    interval: Interval | None
    """For a median: distribution-free, between two of the measured values. For a fraction: Wilson's interval. null for
    a single seed, and for complete counts."""
    confidence: float | None
    """Confidence of the interval: at least 0.95 with six or more seeds."""
    n: int
    """Number of seeds, networks or orders."""
    of: Literal["seeds", "networks", "orders"]


class RulingAnswer(ClaimBase):
    """A claim with the verdict from a study."""

    verdict: ClaimVerdict
    explanation: str
    figures: list[FigureAnswer]
    """The measured numbers on which the verdict is based."""
