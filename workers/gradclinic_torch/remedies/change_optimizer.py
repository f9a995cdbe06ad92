from collections.abc import Mapping
from dataclasses import replace

import torch

from gradclinic.kernel.calls import Call
from gradclinic.remedies.base import refuse
from gradclinic.remedies.change_optimizer import ChangeOptimizer

from .base import in_loop
from .loop import Loop


@in_loop.register
def change_optimizer(remedy: ChangeOptimizer, loop: Loop) -> Loop:
    """Make another optimizer for the same groups of parameters."""
    groups = [{"params": group["params"], **_decay(remedy, group)} for group in loop.optimizer.param_groups]
    call = remedy.optimizer.call()
    options = {name: value for name, value in call.kwargs.items() if name != "weight_decay"}
    kind: type[torch.optim.Optimizer] = getattr(torch.optim, call.target.removeprefix("optim."))
    changed = kind(groups, **options)
    if _settings(changed, options) == _settings(loop.optimizer, options) and type(loop.optimizer) is kind:
        raise refuse(f"the optimizer is {remedy.optimizer.kind} with these fields already")
    decay = 'group.get("weight_decay", 0.0)' if remedy.weight_decay is None else repr(remedy.weight_decay)
    made = Call(f"torch.{call.target}", kwargs=options)
    return replace(loop, optimizer=changed).changed(
        "after building",
        "groups = [",
        f'    {{"params": group["params"], "weight_decay": {decay}}} for group in optimizer.param_groups',
        "]",
        "optimizer = " + str(made).replace("(", "(groups, ", 1),
    )


def _decay(remedy: ChangeOptimizer, group: Mapping[str, object]) -> dict[str, object]:
    return {"weight_decay": group.get("weight_decay", 0.0) if remedy.weight_decay is None else remedy.weight_decay}


def _settings(optimizer: torch.optim.Optimizer, options: Mapping[str, object]) -> list[list[object]]:
    return [[group.get(name) for name in (*options, "weight_decay")] for group in optimizer.param_groups]
