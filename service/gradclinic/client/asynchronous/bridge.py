"""Runs synchronous code that awaits in its innermost calls, as SQLAlchemy's asyncio does.

The code runs in a greenlet, which is left at each request and entered again with the response. So the client is written
once, and the event loop goes on in the meantime.
"""

import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar, copy_context
from typing import Any, ParamSpec, TypeVar

from ..extras import extra

Given = ParamSpec("Given")
Result = TypeVar("Result")

_loop: ContextVar[Any] = ContextVar("loop")
"""The greenlet in which the event loop runs, for code in a greenlet of `bridged`."""


def wait_for(awaitable: Awaitable[Result]) -> Result:
    """Wait in synchronous code for what the event loop has to do. Only for code that `bridged` runs."""
    result: Result = _loop.get().switch(awaitable)
    return result


async def bridged(work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """The result of a synchronous function, which waits with `wait_for`. Raises SetupFailed without greenlet."""
    green = extra("greenlet", name="async")

    def run() -> Result:
        _loop.set(green.getcurrent().parent)
        return work(*args, **kwargs)

    task = green.greenlet(run)
    task.gr_context = copy_context()
    step = task.switch()
    while not task.dead:
        try:
            value = await step
        except BaseException:  # noqa: BLE001  # a cancellation, too, is raised where the code waits
            step = task.throw(*sys.exc_info())
        else:
            step = task.switch(value)
    result: Result = step
    return result
