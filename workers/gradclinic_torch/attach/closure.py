"""The optimizer's side of a step: when the gradients are computed, and which optimizer takes the step."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def wrapped(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """The optimizer inside another that a framework put around it (Accelerate, Lightning), which takes the steps."""
    inner = getattr(optimizer, "optimizer", None)
    return wrapped(inner) if isinstance(inner, torch.optim.Optimizer) else optimizer


def is_within_backward() -> bool:
    """Whether a backward pass is under way on this thread.

    Some programs have each parameter's optimizer step there, as soon as its gradient is there, and drop the gradient.
    """
    return bool(torch._C._current_graph_task_id() != -1)


def followed(args: tuple[Any, ...], kwargs: Mapping[str, Any], then: Callable[[], None]) -> Arguments | None:
    """The arguments of `optimizer.step` with a closure that calls `then` after the program's own; None without one.

    args: the optimizer itself, and what was given by position.
    """
    given = args[1] if len(args) > 1 else kwargs.get("closure")
    if not callable(given):
        return None

    def closure(*inner_args: Any, **inner_kwargs: Any) -> Any:
        found = given(*inner_args, **inner_kwargs)
        then()
        return found

    return ((args[0], closure, *args[2:]), dict(kwargs)) if len(args) > 1 else (args, {**kwargs, "closure": closure})
