"""A declared model in a few words, for lists and for search."""

from collections.abc import Iterator
from typing import Any

from ..kernel.json import JsonObject

MOST_CHARACTERS = 200
_ACRONYMS = {"mlp", "cnn", "rnn", "lstm", "gru"}


def model_in_words(experiment: JsonObject) -> str | None:
    """The model of an experiment: `MLP 30 x 64, sigmoid, batch norm`; None if it declares none.

    It reads the posted document, because documents of earlier versions need not be valid today.
    """
    model = experiment.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("kind"), str):
        return None
    return ", ".join(_parts(model))[:MOST_CHARACTERS]


def _parts(model: JsonObject) -> Iterator[str]:
    layers = model.get("layers")
    if isinstance(layers, list):
        yield f"{len(layers)} layers"
        yield from dict.fromkeys(_words(layer.get("kind")) for layer in layers if isinstance(layer, dict))
        return
    gated = model.get("cell") in ("lstm", "gru")
    size = " x ".join(str(model[key]) for key in ("depth", "width", "channels") if key in model)
    yield f"{_words(model.get('cell') or model['kind'])} {size}".strip()
    if "activation" in model and not gated:
        yield _words(model["activation"])
    if model.get("normalization"):
        yield _words(model["normalization"])
    if model.get("skip"):
        yield "skip connections"


def _words(named: Any) -> str:
    """An identifier, or an object that has one, as words."""
    name = str(named.get("kind") or named.get("name") if isinstance(named, dict) else named)
    return name.upper() if name in _ACRONYMS else name.replace("_", " ")
