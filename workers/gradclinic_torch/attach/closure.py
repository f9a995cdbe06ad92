"""The optimizer's side of a step: when the gradients are computed, and which optimizer takes the step."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def wrapped(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """The optimizer inside another that was put around it, which takes the steps.

    Frameworks do that (Accelerate, Lightning), schedules, and optimizers such as Lookahead and sharpness-aware
    minimization. An attribute is such an optimizer if it is the only one and holds the same parameters.
    """
    named = getattr(optimizer, "optimizer", None)
    inside = [each for each in vars(optimizer).values() if isinstance(each, torch.optim.Optimizer)]
    inner = named if isinstance(named, torch.optim.Optimizer) else inside[0] if len(inside) == 1 else None
    if inner is None or inner is optimizer:
        return optimizer
    return wrapped(inner) if inner is named or _held(inner) == _held(optimizer) else optimizer


def _held(optimizer: torch.optim.Optimizer) -> set[int]:
    """The parameters that an optimizer holds, by identity."""
    return {id(each) for group in getattr(optimizer, "param_groups", ()) for each in group["params"]}


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
