"""Makes awaited methods of the synchronous ones, with the same parameters."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from .bridge import bridged

Given = ParamSpec("Given")
Found = TypeVar("Found")
Wrapped = TypeVar("Wrapped")
Itself = TypeVar("Itself", bound="Wrapper[Any]")

_END = object()


class Wrapper(Generic[Found]):
    """Something of the synchronous client, whose methods are awaited."""

    def __init__(self, sync: Found) -> None:
        self._sync = sync

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._sync!r}>"


def awaited(
    method: Callable[Concatenate[Any, Given], Found],
) -> Callable[Concatenate[Any, Given], Coroutine[Any, Any, Found]]:
    """The method, awaited."""

    @wraps(method)
    async def call(self: Wrapper[Any], /, *args: Given.args, **kwargs: Given.kwargs) -> Found:
        return await bridged(method, self._sync, *args, **kwargs)

    return call


def awaited_itself(
    method: Callable[Concatenate[Any, Given], object],
) -> Callable[Concatenate[Itself, Given], Coroutine[Any, Any, Itself]]:
    """A method that returns its object."""

    @wraps(method)
    async def call(self: Itself, /, *args: Given.args, **kwargs: Given.kwargs) -> Itself:
        await bridged(method, self._sync, *args, **kwargs)
        return self

    return call


def awaited_as(
    wrap: Callable[[Found], Wrapped], method: Callable[Concatenate[Any, Given], Found]
) -> Callable[Concatenate[Any, Given], Coroutine[Any, Any, Wrapped]]:
    """A method whose result has awaited methods, too."""

    @wraps(method)
    async def call(self: Wrapper[Any], /, *args: Given.args, **kwargs: Given.kwargs) -> Wrapped:
        return wrap(await bridged(method, self._sync, *args, **kwargs))

    return call


def iterated(
    method: Callable[Concatenate[Any, Given], Iterator[Found]],
) -> Callable[Concatenate[Any, Given], AsyncIterator[Found]]:
    """A method that returns an iterator."""
    return iterated_as(_same, method)


def iterated_as(
    wrap: Callable[[Found], Wrapped], method: Callable[Concatenate[Any, Given], Iterator[Found]]
) -> Callable[Concatenate[Any, Given], AsyncIterator[Wrapped]]:
    """A method that returns an iterator over what has awaited methods, too."""

    @wraps(method)
    async def call(self: Wrapper[Any], /, *args: Given.args, **kwargs: Given.kwargs) -> AsyncIterator[Wrapped]:
        items = await bridged(method, self._sync, *args, **kwargs)
        while (item := await bridged(next, items, _END)) is not _END:
            yield wrap(item)  # type: ignore[arg-type]  # it is not the end

    return call


def _same(item: Found) -> Found:
    return item
