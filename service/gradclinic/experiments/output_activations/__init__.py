"""What can follow the last layer: the activations of hidden layers, and those that only end a network, one per file.

An activation that learns or draws at random is none of them. A spec gives a name (`"softmax"`) or an object.
"""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from ...kernel import registry
from ..activations import ACTIVATIONS, Activation
from .base import OutputActivation

ENDINGS = registry.members(__name__, OutputActivation, tag="name")
"""Those that only end a network."""
OUTPUT_ACTIVATIONS: dict[str, type[Activation | OutputActivation]] = {
    **{name: cls for name, cls in ACTIVATIONS.items() if not cls.learned and not cls.random and name != "identity"},
    **ENDINGS,
}


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _shortest(activation: Activation | OutputActivation) -> str | dict[str, Any]:
    parameters = activation.model_dump(mode="json", exclude_defaults=True)
    return {"name": activation.name, **parameters} if parameters else activation.name


def _schema() -> dict[str, Any]:
    objects = [cls.model_json_schema() for cls in OUTPUT_ACTIVATIONS.values()]
    return {"anyOf": [{"type": "string", "enum": list(OUTPUT_ACTIVATIONS)}, *objects]}


if TYPE_CHECKING:
    AnyOutputActivation: TypeAlias = Activation | OutputActivation
else:
    AnyOutputActivation = Annotated[
        registry.tagged_union(OUTPUT_ACTIVATIONS, tag="name"),
        BeforeValidator(_named),
        PlainSerializer(_shortest),
        WithJsonSchema(_schema()),
    ]

__all__ = ["ENDINGS", "OUTPUT_ACTIVATIONS", "AnyOutputActivation", "OutputActivation"]
