"""Finds the first errors of a body that has very many: to describe 100,000 takes a second and 250 MB.

pydantic counts errors at little cost, but describes all or none. So only a beginning of the body is validated again,
of a length for which there are few.
"""

from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from .validation import place_of

MOST_DESCRIBED = 1000
"""Maximum number of errors that are described."""
_OF_A_WHOLE = ("missing", "too_short", "value_error", "assertion_error", "union_tag_not_found")
"""Errors of objects and lists that are not complete."""


def refuse_many_errors(adapter: TypeAdapter[Any], body: Any, *, most_values: int) -> None:
    """Raises RequestValidationError with the first errors of a body if it has more than MOST_DESCRIBED.

    The body has at most `most_values` items of lists and members of objects.
    """
    error = _error_of(adapter, body)
    if error is None or error.error_count() <= MOST_DESCRIBED:
        return
    found = _first_errors(adapter, body, most_values)
    raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found], body=body)


def _first_errors(adapter: TypeAdapter[Any], body: Any, most_values: int) -> Sequence[ErrorDetails]:
    """The first errors of a body, by bisection between a beginning that has none and one that has too many."""
    without, beyond = 0, most_values
    found: Sequence[ErrorDetails] = ()
    while not found and beyond - without > 1:
        middle = min((without + beyond) // 2, 8 * max(without, MOST_DESCRIBED // 8))
        beginning = _Beginning(middle)
        error = _error_of(adapter, beginning.of(body))
        if error is not None and error.error_count() > MOST_DESCRIBED:
            beyond = middle
            continue
        errors = [] if error is None else error.errors(include_url=False)
        found = [each for each in errors if not beginning.caused(each, body)]
        without = middle
    if found:
        return found
    error = _error_of(adapter, _Beginning(beyond).of(body))  # a single value has them all
    return [] if error is None else error.errors(include_url=False)[:MOST_DESCRIBED]


def _error_of(adapter: TypeAdapter[Any], value: Any) -> ValidationError | None:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        return error
    return None


class _Beginning:
    """The first values of a body, in the order in which they were sent."""

    def __init__(self, values: int) -> None:
        self._left = values
        self._path: list[int | str] = []
        self._end: tuple[int | str, ...] = ()

    def of(self, value: Any) -> Any:
        """The beginning of a value."""
        if isinstance(value, dict):
            return {key: self._child(key, item) for key, item in value.items() if self._left > 0}
        if isinstance(value, list):
            return [self._child(index, item) for index, item in enumerate(value) if self._left > 0]
        return value

    def caused(self, error: ErrorDetails, body: Any) -> bool:
        """Whether an error may be there only because its object or list goes on in the whole body."""
        if error["type"] not in _OF_A_WHOLE:
            return False
        at = tuple(place_of(error, body))
        return at == self._end[: len(at)]

    def _child(self, key: int | str, item: Any) -> Any:
        self._left -= 1
        self._path.append(key)
        self._end = tuple(self._path)
        beginning = self.of(item)
        self._path.pop()
        return beginning
