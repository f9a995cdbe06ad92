"""What a service that is older than the recorder does not know, left out of what is sent to it.

Such a service refuses a request with a key, a statistic or a value that it does not know, and names the place. What
only adds to a recording is left out there and said, and the rest is sent again. What changes the meaning of the rest is
not: the refusal then says to upgrade the service.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gradclinic.kernel.json import JsonObject
from gradclinic.measurements.recording import CHANGES_MEANING

OWN_PARTS = frozenset({"preflight", "spikes", "ranks", "nonfinite_origin"})
"""Parts of an ending that stand for themselves: one with a value that the service does not know is left out whole."""

Path = tuple[str, ...]
"""Keys from the body down; "*" stands for every item of a list."""


class Fault(NamedTuple):
    """One problem of a request that the service has named."""

    pointer: str
    """JSON pointer into the body; "" for the whole of it."""
    detail: str
    value: object = None


class TooOld(Exception):  # its message is the reason
    """The service is too old for this recording."""


class OlderService:
    """What one service did not know so far."""

    def __init__(self) -> None:
        self._keys: dict[str, list[Path]] = {}
        """By kind of request: the places that are left out."""
        self._statistics: set[str] = set()

    def known(self, kind: str, body: JsonObject) -> JsonObject:
        """The body of a request without what the service does not know."""
        found: Any = body
        for path in self._keys.get(kind, []):
            found = _without(found, path)
        if kind == "window" and self._statistics:
            series = [each for each in found["series"] if each["statistic"] not in self._statistics]
            found = {**found, "series": series}
        kept: JsonObject = found
        return kept

    def learn(self, kind: str, body: JsonObject, faults: Sequence[Fault]) -> list[str]:
        """What is left out from now on, in words, because of these faults of a refused request.

        It is empty if one of them has another reason. Raises TooOld if the recording would mean something else without
        it.
        """
        statistics: set[str] = set()
        paths: set[Path] = set()
        for fault in faults:
            tokens = [each.replace("~1", "/").replace("~0", "~") for each in fault.pointer.split("/")]
            path = _pattern(tokens[1:], body)
            if fault.detail.startswith("unknown statistic") and kind == "window" and path:
                statistics.add(str(fault.value))
            elif fault.detail.startswith("unknown key") and path:
                _check(path, body)
                paths.add(path)
            elif kind == "finish" and tokens[1:] and tokens[1] in OWN_PARTS:
                paths.add((tokens[1],))
            else:
                return []
        left_out = sorted(path for path in paths if not any(path[:end] in paths for end in range(1, len(path))))
        self._keys.setdefault(kind, []).extend(left_out)
        self._statistics |= statistics
        return [*("/".join(path) for path in left_out), *(f"the statistic {name}" for name in sorted(statistics))]


def _check(path: Path, body: JsonObject) -> None:
    """Raise TooOld if the body would mean something else without the values at this place."""
    name = "/".join(path)
    if name in CHANGES_MEANING and any(not _is_empty(value) for value in _values(body, path)):
        raise TooOld(
            f"the service is older than this recorder and does not know {name!r}, without which the recording would"
            " mean something else: upgrade the service"
        )


def _pattern(tokens: Sequence[str], body: Any) -> Path:
    """A place in the body for all items of the lists on its way; () if there is no such place."""
    path: list[str] = []
    for token in tokens:
        if isinstance(body, list) and token.isdecimal() and int(token) < len(body):
            path.append("*")
            body = body[int(token)]
        elif isinstance(body, Mapping) and token in body:
            path.append(token)
            body = body[token]
        else:
            return ()
    return tuple(path)


def _without(body: Any, path: Path) -> Any:
    first, rest = path[0], path[1:]
    if first == "*":
        return [_without(each, rest) for each in body] if rest and isinstance(body, list) else body
    if not isinstance(body, Mapping) or first not in body:
        return body
    if rest:
        return {**body, first: _without(body[first], rest)}
    return {key: value for key, value in body.items() if key != first}


def _values(body: Any, path: Path) -> Iterable[Any]:
    if not path:
        yield body
    elif path[0] == "*":
        for each in body if isinstance(body, list) else ():
            yield from _values(each, path[1:])
    elif isinstance(body, Mapping) and path[0] in body:
        yield from _values(body[path[0]], path[1:])


def _is_empty(value: Any) -> bool:
    """Whether a value says nothing, so that a service that does not know its key loses nothing."""
    return value is None or value in ("", [], {})
