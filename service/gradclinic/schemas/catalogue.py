"""The catalogue, as it is returned."""

from typing import Literal

from pydantic import ConfigDict, Field

from .base import Answer, Json


class CatalogueEntry(Answer):
    """Something that a request can name."""

    model_config = ConfigDict(serialize_by_alias=True)

    kind: str
    """Its name in requests."""
    help: str
    """What it is, in one line."""
    source: str
    """Where it was proposed or is defined."""
    json_schema: Json = Field(alias="schema")
    """Its JSON schema."""


class RemedyEntry(CatalogueEntry):
    """A remedy."""

    rank: int | None
    """Its place in common advice; null where that does not name it."""


class StatisticEntry(CatalogueEntry):
    """A statistic that runs record."""

    per: Literal["site", "weight", "run"]
    unit: str
    shape: str
    recorded: str
    """How often."""


class ThresholdAnswer(Answer):
    """A number that a rule compares measured ones with."""

    name: str
    default: float
    unit: str
    source: str
    """Where it comes from."""
    help: str


class RuleEntry(CatalogueEntry):
    """A rule of the diagnosis."""

    thresholds: list[ThresholdAnswer]
    """Those that it uses; each can be replaced by name when a run is judged again."""


class CatalogueAnswer(Answer):
    """Everything that a request can name, by section."""

    models: list[CatalogueEntry]
    layers: list[CatalogueEntry]
    activations: list[CatalogueEntry]
    initializations: list[CatalogueEntry]
    remedies: list[RemedyEntry]
    """Those that common advice names come first, in its order."""
    data: list[CatalogueEntry]
    optimizers: list[CatalogueEntry]
    schedules: list[CatalogueEntry]
    clippings: list[CatalogueEntry]
    statistics: list[StatisticEntry]
    rules: list[RuleEntry]
