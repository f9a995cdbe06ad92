"""Claims and rulings, as they are returned."""

from typing import Literal

from ..kernel.vocabulary import ClaimVerdict
from .base import Answer, Json
from .comparison import Interval


class ClaimBase(Answer):
    """A piece of common advice, and how it is tested."""

    id: str
    statement: str
    source: str
    """Where it is made."""
    design: str
    """What is trained."""
    rule: str
    """How it is decided."""
    quick: bool
    runs: int


class ClaimAnswer(ClaimBase):
    """A claim with the body of the study that tests it."""

    study: Json
    """Ready to post to `/v1/studies`."""


class ClaimList(Answer):
    """Every claim, in order."""

    items: list[ClaimAnswer]


class FigureAnswer(Answer):
    """A measured number that a verdict rests on."""

    name: str
    value: float
    """Median over the seeds, or the share of the networks or orders."""
    unit: str
    interval: Interval | None
    """Of a median: between two of the measured values, whatever their distribution. Of a share: Wilson's. Null for a
    single seed, and for what was counted in full."""
    confidence: float | None
    """Of the interval: at least 0.95 from six seeds on."""
    n: int
    """How many seeds, networks or orders it is taken over."""
    of: Literal["seeds", "networks", "orders"]


class RulingAnswer(ClaimBase):
    """A claim with what a study says of it."""

    verdict: ClaimVerdict
    explanation: str
    figures: list[FigureAnswer]
    """The measured numbers that the verdict rests on."""
