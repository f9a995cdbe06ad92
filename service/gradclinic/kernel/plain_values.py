"""How numbers, booleans and times are written in text, such as a query, an option or a setting: as JSON writes them.

Without this, `limit=1_0`, `limit= 10` and `limit=010` would all be read as 10, as Python reads them, `confidence=inf`
as a number, and `total=on` as true.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from pydantic import AwareDatetime


@dataclass(frozen=True)
class Form:
    """How the values of a type are written."""

    type: type
    pattern: re.Pattern[str]
    words: str


FORMS = (
    Form(bool, re.compile("true|false"), "true or false"),
    Form(int, re.compile("-?(0|[1-9][0-9]*)"), "a whole number, for example 10"),
    Form(float, re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"), "a number, for example 0.5 or 1e-3"),
    Form(
        AwareDatetime,
        re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+"),
        "a date and a time with a time zone, for example 2026-11-30T12:00:00Z",
    ),
)


def refused_form(annotation: object, text: str) -> Form | None:
    """The form that a value with this annotation must have, if it has another one."""
    forms = [form_of(each) for each in _plain_types(annotation)]
    return forms[0] if forms and not any(form.pattern.fullmatch(text) for form in forms) else None


def form_of(wanted: type) -> Form:
    """The form of a type's values: bool, int, float or AwareDatetime."""
    return next(form for form in FORMS if form.type is wanted)


def _plain_types(annotation: object) -> Iterator[type]:
    """The types with a form in an annotation, for example the `int` in `Annotated[int, Query()] | None`."""
    if isinstance(annotation, type) and any(annotation is form.type for form in FORMS):
        yield annotation
    for inner in get_args(annotation):
        yield from _plain_types(inner)
