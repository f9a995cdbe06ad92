"""What every declarative part of an experiment has in common: frozen, strict, bounded, unknown keys refused."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict

Item = TypeVar("Item")

Shape = tuple[int, ...]
"""Sizes of one sample, without the batch dimension."""


class Spec(BaseModel):
    """A frozen value that came from, and goes back to, JSON; nothing in it is coerced in silence."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        serialize_by_alias=True,
    )

    def to_json(self) -> dict[str, Any]:
        """The spec as plain JSON values, every default spelled out."""
        return self.model_dump(mode="json")


Items = Annotated[tuple[Item, ...], Strict(strict=False)]
"""A JSON array; strict about its items, tolerant of list against tuple."""

PositiveFloat = Annotated[float, Field(gt=0, le=1e30)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Width = Annotated[int, Field(ge=1, le=65_536)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


def first_line(cls: type) -> str:
    """The one-sentence help that the catalogue shows: the first line of a class's docstring."""
    return (cls.__doc__ or "").strip().splitlines()[0].strip()
