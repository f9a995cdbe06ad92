"""Expands a sweep into experiments: all combinations of values, set by JSON pointer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from ..kernel.errors import InvalidSpec, TooLarge
from ..kernel.json import JsonObject
from ..kernel.spec import Many, Spec
from .experiment import Experiment

MAX_POINTS = 10_000
"""Hard limit on the points of a sweep; settings cannot raise it."""

SEED = "/training/seed"


class SweepAxis(Spec):
    """One numeric field of the experiment, and its values."""

    field: Annotated[str, StringConstraints(min_length=2, max_length=200, pattern=r"^/")]
    """JSON pointer to the field in the experiment, for example `/optimizer/learning_rate`."""
    values: Annotated[
        Many[Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | float], Field(min_length=1, max_length=200)
    ]
    """The values of the field, in order."""


@dataclass(frozen=True)
class SweepPoint:
    """One combination of values, and the experiment with these values."""

    values: Mapping[str, float]
    """Values by pointer, in the order of the axes; empty without a sweep."""
    experiment: Experiment


def expand_sweep(experiment: Experiment, sweep: Sequence[SweepAxis], *, at: str = "/sweep") -> tuple[SweepPoint, ...]:
    """All points of the sweep, the last axis varying fastest; without axes, only the experiment itself.

    `at` is the JSON pointer to the sweep in the request. Raises InvalidSpec with the place, the value and what is
    allowed, or TooLarge. Shapes and sizes of the experiments are not checked here.
    """
    document = experiment.to_json()
    _check(document, sweep, at=at)
    for index, axis in enumerate(sweep):
        for position, value in enumerate(axis.values):
            _experiment(document, {axis.field: value}, at=f"{at}/{index}/values/{position}")
    points = (
        dict(zip((axis.field for axis in sweep), values, strict=True))
        for values in product(*(axis.values for axis in sweep))
    )
    return tuple(SweepPoint(point, _experiment(document, point, at=at) if point else experiment) for point in points)


def numeric_fields(document: JsonObject, *, prefix: str = "") -> list[str]:
    """JSON pointers to the numeric fields of an experiment, in document order."""
    found = []
    for pointer, value in _leaves(document, prefix):
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.append(pointer)
    return found


def _check(document: JsonObject, sweep: Sequence[SweepAxis], *, at: str) -> None:
    fields = [axis.field for axis in sweep]
    known = dict(_leaves(document, ""))
    for index, field in enumerate(fields):
        place = f"{at}/{index}/field"
        if field == SEED:
            raise InvalidSpec.at(
                place, "a sweep cannot vary the seed", value=field, allowed="the list `seeds` of the study"
            )
        if field not in known:
            raise InvalidSpec.at(place, "the experiment has no such field", value=field, allowed=_one_of(document))
        if isinstance(known[field], str | bool):
            raise InvalidSpec.at(place, "this field is not a number", value=field, allowed=_one_of(document))
        if field in fields[:index]:
            raise InvalidSpec.at(
                place, "another axis already varies this field", value=field, allowed="a different field for each axis"
            )
        values = sweep[index].values
        for position, value in enumerate(values):
            if value in values[:position]:
                raise InvalidSpec.at(
                    f"{at}/{index}/values/{position}",
                    "duplicate value",
                    value=value,
                    allowed="each value once",
                )
    points = prod(len(axis.values) for axis in sweep)
    if points > MAX_POINTS:
        raise TooLarge.at(at, f"the sweep has {points:,} points", value=points, allowed=f"at most {MAX_POINTS:,}")


def _one_of(document: JsonObject) -> str:
    return f"one of {', '.join(pointer for pointer in numeric_fields(document) if pointer != SEED)}"


def _leaves(value: Any, pointer: str) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        items = [(str(key).replace("~", "~0").replace("/", "~1"), each) for key, each in value.items()]
    elif isinstance(value, list):
        items = [(str(index), each) for index, each in enumerate(value)]
    else:
        return [(pointer, value)]
    return [leaf for token, each in items for leaf in _leaves(each, f"{pointer}/{token}")]


def _experiment(document: JsonObject, point: Mapping[str, float], *, at: str) -> Experiment:
    changed = json.loads(json.dumps(document))
    for pointer, value in point.items():
        *path, last = pointer[1:].split("/")
        holder = changed
        for token in path:
            holder = holder[_key(token, holder)]
        holder[_key(last, holder)] = value
    try:
        return Experiment.model_validate_json(json.dumps(changed))
    except (ValidationError, ValueError) as error:
        where = ", ".join(f"{field} = {value:g}" for field, value in point.items())
        shown = next(iter(point.values())) if len(point) == 1 else dict(point)
        raise InvalidSpec.at(at, f"{where} is not valid here", value=shown, allowed=_allowed(error)) from None


def _key(token: str, holder: Any) -> str | int:
    return int(token) if isinstance(holder, list) else token.replace("~1", "/").replace("~0", "~")


def _allowed(error: ValueError) -> str:
    said = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else str(error)
    return said.removeprefix("Value error, ").removeprefix("Input should be ")
