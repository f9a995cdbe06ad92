"""Remedies in words: `swap activation (relu)`."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..kernel.json import JsonObject
from ..kernel.spec import Spec
from .base import Remedy

TAGS = ("kind", "name", "scheme")
TELLING = frozenset({"factor", "by", "cell", "warmup_steps"})
"""Parameters that are shown even at their defaults, because the remedy's kind alone is not informative."""


def in_words(remedy: Remedy | JsonObject) -> str:
    """A remedy with its non-default parameters; a remedy of another version is shown from its JSON."""
    if isinstance(remedy, Remedy):
        return _told(remedy.kind, _knobs(remedy, telling=TELLING))
    try:
        known: Remedy = _adapter().validate_python(dict(remedy))
    except ValidationError:
        knobs = [_knob(name, value) for name, value in remedy.items() if name != "kind" and value is not None]
        return _told(str(remedy["kind"]), knobs)
    return in_words(known)


def _told(kind: str, knobs: Sequence[str]) -> str:
    name = kind.replace("_", " ")
    return f"{name} ({', '.join(knobs)})" if knobs else name


def in_short(remedy: Remedy | JsonObject) -> str:
    """A short form: `relu`, `batch norm`, `adam, learning rate 0.003`."""
    words = in_words(remedy)
    verb, _, rest = words.partition(" ")
    kind, _, knobs = words.partition(" (")
    if verb in ("swap", "change") or kind == "set initialization":
        return knobs.removesuffix(")") or rest
    return rest if verb in ("add", "use") else words


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Any]:
    from . import AnyRemedy

    return TypeAdapter(AnyRemedy)


def _knobs(spec: Spec, *, telling: frozenset[str] = frozenset()) -> list[str]:
    found = []
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        said = isinstance(value, Spec) or value != field.default or name in telling
        if said and name not in TAGS and value is not None:
            found.append(_knob(name, value))
    return found


def _knob(name: str, value: Any) -> str:
    if isinstance(value, Spec):
        tag = next((str(getattr(value, each)) for each in TAGS if each in type(value).model_fields), name)
        return ", ".join([tag, *_knobs(value)])
    if isinstance(value, Mapping):
        return ", ".join(str(each) for each in value.values() if each is not None)
    words = name.replace("_", " ")
    return (
        value if isinstance(value, str) else f"{words} {value:.3g}" if isinstance(value, float) else f"{words} {value}"
    )
