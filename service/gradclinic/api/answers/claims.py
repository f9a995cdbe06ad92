"""Claims and rulings, as they are returned."""

from typing import Literal

from .base import Answer, Json


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


class RulingAnswer(ClaimBase):
    """A claim with what a study says of it."""

    verdict: Literal["supported", "refuted", "mixed", "inconclusive"]
    explanation: str
    figures: list[Json]
    """The measured numbers that the verdict rests on."""
