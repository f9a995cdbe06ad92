from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from gradclinic_torch.model.pausable_hooks import PausableHooks


def noted(name: str, calls: list[str]) -> Callable[..., Any]:
    def note(*_: Any) -> None:
        calls.append(name)

    return note


def called(module: nn.Module, calls: list[str]) -> list[str]:
    calls.clear()
    module(torch.zeros(1, 1))
    return list(calls)


def test_hooks_leave_their_modules_and_return_to_their_place() -> None:
    calls: list[str] = []
    module, hooks = nn.Linear(1, 1), PausableHooks()
    module.register_forward_hook(noted("before", calls))
    hooks.add(module.register_forward_hook(noted("own", calls)))
    hooks.pause()
    assert hooks.are_paused
    module.register_forward_hook(noted("after", calls))
    assert called(module, calls) == ["before", "after"]
    hooks.go_on()
    assert called(module, calls) == ["before", "own", "after"]


def test_paused_hooks_can_be_removed() -> None:
    calls: list[str] = []
    module, hooks = nn.Linear(1, 1), PausableHooks()
    hooks.add(module.register_forward_pre_hook(noted("own", calls)))
    hooks.pause()
    hooks.remove()
    hooks.go_on()
    assert called(module, calls) == []
