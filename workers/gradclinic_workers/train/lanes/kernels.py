"""Torch's fused updates, called at once: in small networks, what `Optimizer.step` does around them takes longer."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Update = Callable[[float], None]
"""Updates all parameters of an optimizer with this learning rate."""


def update_of(optimizer: torch.optim.Optimizer) -> Update:
    """The optimizer's update, after its first step, which made its state.

    Its tensors must remain, and have gradients that remain, too.
    """
    if isinstance(optimizer, torch.optim.Adam):  # AdamW is one, too
        return _adam(optimizer)
    if type(optimizer) is torch.optim.SGD:
        return _sgd(optimizer)
    return lambda rate: _by_torch(optimizer, rate)


def _by_torch(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for settings in optimizer.param_groups:
        settings["lr"] = rate
    optimizer.step()


def _adam(optimizer: torch.optim.Adam) -> Update:
    settings, values, gradients = _of(optimizer)
    means, squares, steps = (_states(optimizer, name) for name in ("exp_avg", "exp_avg_sq", "step"))
    if settings["amsgrad"] or settings["maximize"]:
        return lambda rate: _by_torch(optimizer, rate)
    kernel = torch._fused_adamw_ if settings["decoupled_weight_decay"] else torch._fused_adam_
    beta1, beta2 = settings["betas"]

    def update(rate: float) -> None:
        torch._foreach_add_(steps, 1)
        kernel(
            values, gradients, means, squares, [], steps,
            lr=rate, beta1=beta1, beta2=beta2, weight_decay=settings["weight_decay"], eps=settings["eps"],
            amsgrad=False, maximize=False,
        )  # fmt: skip

    return update


def _sgd(optimizer: torch.optim.SGD) -> Update:
    settings, values, gradients = _of(optimizer)
    buffers = _states(optimizer, "momentum_buffer") if settings["momentum"] else []

    def update(rate: float) -> None:
        torch._fused_sgd_(
            values, gradients, buffers,
            lr=rate, weight_decay=settings["weight_decay"], momentum=settings["momentum"],
            dampening=settings["dampening"], nesterov=settings["nesterov"], maximize=settings["maximize"],
            is_first_step=False,
        )  # fmt: skip

    return update


def _states(optimizer: torch.optim.Optimizer, name: str) -> list[Tensor]:
    (settings,) = optimizer.param_groups
    return [optimizer.state[value][name] for value in settings["params"]]


def _of(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Any], list[Tensor], list[Tensor]]:
    """Its settings, and its tensors and their gradients."""
    (settings,) = optimizer.param_groups
    values = settings["params"]
    return settings, values, [value.grad for value in values]
