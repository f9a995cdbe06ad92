"""The base class of declarative values: frozen, strict and bounded; unknown keys are rejected."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, Strict

Item = TypeVar("Item")

Shape = tuple[int, ...]
"""Shape of one sample, without the batch dimension."""

TAGS = ("kind", "scheme", "name")
"""Fields that tell the members of a union apart."""


class Spec(BaseModel):
    """A frozen value that is read from and written to JSON, without silent type conversion."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        serialize_by_alias=True,
    )

    def to_json(self) -> dict[str, Any]:
        """The spec as plain JSON values, including all defaults."""
        return self.model_dump(mode="json")

    def in_short(self) -> dict[str, Any]:
        """The spec as briefly as it can be posted: what tags it, and what differs from the defaults."""
        said = self.to_json()
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if isinstance(value, Spec):
                said[name] = value.in_short()
            elif name not in TAGS and value == field.get_default(call_default_factory=True):
                del said[name]
        return said


Items = Annotated[tuple[Item, ...], Strict(strict=False)]
"""A JSON array: items are strict, but both lists and tuples are accepted."""
Many = Annotated[tuple[Item, ...], Strict(strict=False), FailFast()]
"""The same for long arrays: validation ends at the first item that is wrong, because describing each is costly."""

PositiveFloat = Annotated[float, Field(gt=0, le=1e30)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Width = Annotated[int, Field(ge=1, le=65_536)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


def first_line(cls: type) -> str:
    """The help text in the catalogue: the first line of the class's docstring."""
    return (cls.__doc__ or "").strip().splitlines()[0].strip()
