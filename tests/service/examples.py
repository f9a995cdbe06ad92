"""Draws an example of any registered entry from its own schema, so that a new one is tested without a new line here."""

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from gradclinic.experiments.activations import ACTIVATIONS

SMALL = 6
"""Widths, kernels and counts are drawn up to here, so that what is drawn can be built and run."""

_BODIES: list[list[dict[str, Any]]] = [
    [{"kind": "activation", "activation": "tanh"}],
    [{"kind": "dropout", "p": 0.1}, {"kind": "activation", "activation": "relu"}],
    [{"kind": "linear", "out_features": 3}],
    [{"kind": "conv2d", "out_channels": 2}, {"kind": "layer_norm"}],
    [{"kind": "self_attention"}],
]


@st.composite
def examples(draw: st.DrawFn, cls: type[BaseModel], **fixed: Any) -> Any:
    """An instance of a registered class; examples that the class itself refuses are drawn again."""
    schema = cls.model_json_schema()
    definitions = schema.get("$defs", {})
    if "$ref" in schema:  # a class that can hold itself
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    chosen = {
        name: draw(_values(name, field, definitions))
        for name, field in schema["properties"].items()
        if name in schema.get("required", ()) or draw(st.booleans())
    }
    try:
        return cls.model_validate(chosen | fixed)
    except ValidationError:
        assume(condition=False)
        raise


def _values(name: str, field: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in field:
        return _values(name, definitions[field["$ref"].rsplit("/", 1)[1]], definitions)
    if name == "body":
        return st.sampled_from(_BODIES)
    if name == "activation" and "anyOf" in field:
        return st.sampled_from(sorted(ACTIVATIONS))
    if name == "initialization":
        return st.just({"scheme": "xavier_normal"})
    if name == "optimizer":
        return st.sampled_from([{"kind": "adam", "learning_rate": 0.01}, {"kind": "rmsprop", "learning_rate": 0.001}])
    if "const" in field:
        return st.just(field["const"])
    if "enum" in field:
        return st.sampled_from(field["enum"])
    if "anyOf" in field:
        return st.one_of(*(_values(name, option, definitions) for option in field["anyOf"]))
    return _plain(field)


def _plain(field: dict[str, Any]) -> st.SearchStrategy[Any]:
    kind = field.get("type")
    if kind == "null":
        return st.none()
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        low = field.get("minimum", 0)
        return st.integers(low, max(low, min(field.get("maximum", SMALL), SMALL)))
    if kind == "number":
        low = max(field.get("minimum", field.get("exclusiveMinimum", -2.0)), -2.0)
        high = min(field.get("maximum", field.get("exclusiveMaximum", 2.0)), 2.0)
        return st.floats(low, high, exclude_min=True, exclude_max=True, allow_subnormal=False)
    return st.nothing()
