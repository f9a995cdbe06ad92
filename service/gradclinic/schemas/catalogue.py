"""The catalogue, as it is returned."""

from pydantic import ConfigDict, Field

from .base import Answer, Json


class CatalogueEntry(Answer):
    """Something that a request can name."""

    model_config = ConfigDict(extra="allow")

    kind: str
    """Its name in requests."""
    help: str
    """What it is, in one line."""
    source: str
    """Where it was proposed or is defined."""
    json_schema: Json = Field(alias="schema")


class CatalogueAnswer(Answer):
    """Everything that a request can name, by section."""

    models: list[CatalogueEntry]
    layers: list[CatalogueEntry]
    activations: list[CatalogueEntry]
    initializations: list[CatalogueEntry]
    remedies: list[CatalogueEntry]
    data: list[CatalogueEntry]
    optimizers: list[CatalogueEntry]
    schedules: list[CatalogueEntry]
    clippings: list[CatalogueEntry]
    statistics: list[CatalogueEntry]
    rules: list[CatalogueEntry]
