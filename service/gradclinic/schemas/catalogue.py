"""Responses about the catalogue."""

from typing import Literal

from pydantic import ConfigDict, Field

from .base import Answer, Json


class CatalogueEntry(Answer):
    """Something that requests can use by name."""

    model_config = ConfigDict(serialize_by_alias=True)

    kind: str
    """Its name in requests."""
    help: str
    """One-line description."""
    source: str
    """Publication or definition."""
    json_schema: Json = Field(alias="schema")
    """Its JSON schema."""


class RemedyEntry(CatalogueEntry):
    """A remedy."""

    rank: int | None
    """Its rank in common advice; null if common advice does not name it."""


class StatisticEntry(CatalogueEntry):
    """A statistic that runs record."""

    per: Literal["site", "weight", "run"]
    unit: str
    shape: str
    recorded: str
    """How often."""


class ThresholdAnswer(Answer):
    """A threshold of a rule."""

    name: str
    default: float
    unit: str
    source: str
    """Source of the value."""
    help: str


class RuleEntry(CatalogueEntry):
    """A rule of the diagnosis."""

    thresholds: list[ThresholdAnswer]
    """Thresholds of the rule. Each can be replaced by name when a run is diagnosed again."""


class CatalogueAnswer(Answer):
    """Everything that requests can use by name, by section."""

    models: list[CatalogueEntry]
    layers: list[CatalogueEntry]
    activations: list[CatalogueEntry]
    initializations: list[CatalogueEntry]
    remedies: list[RemedyEntry]
    """Remedies of common advice first, in its order."""
    data: list[CatalogueEntry]
    optimizers: list[CatalogueEntry]
    schedules: list[CatalogueEntry]
    clippings: list[CatalogueEntry]
    losses: list[CatalogueEntry]
    output_activations: list[CatalogueEntry]
    statistics: list[StatisticEntry]
    rules: list[RuleEntry]
