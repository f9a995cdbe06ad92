"""Activations, one per file. A spec gives a name (`"relu"`) or an object with parameters.

Example of an object: `{"name": "leaky_relu", "negative_slope": 0.2}`.
"""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from ...kernel import registry
from .base import Activation, TorchName

ACTIVATIONS = registry.members(__name__, Activation, tag="name")


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _shortest(activation: Activation) -> str | dict[str, Any]:
    parameters = activation.model_dump(mode="json", exclude_defaults=True)
    return {"name": activation.name, **parameters} if parameters else activation.name


def _schema() -> dict[str, Any]:
    objects = [cls.model_json_schema() for cls in ACTIVATIONS.values()]
    return {"anyOf": [{"type": "string", "enum": list(ACTIVATIONS)}, *objects]}


if TYPE_CHECKING:
    AnyActivation: TypeAlias = Activation
else:
    AnyActivation = Annotated[
        registry.tagged_union(ACTIVATIONS, tag="name"),
        BeforeValidator(_named),
        PlainSerializer(_shortest),
        WithJsonSchema(_schema()),
    ]

__all__ = ["ACTIVATIONS", "Activation", "AnyActivation", "TorchName"]
