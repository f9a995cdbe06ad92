"""A copy of the model that is being trained, called with a few samples of its first batch, without side effects."""

import copy
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..model.compiled import is_wrapper, takes_hooks
from ..model.generator import kept_generators
from ..model.hooks import first_tensor

MOST_NUMBERS = 50_000_000
"""Maximum number of weights and buffer entries of a model that is copied."""
ROUNDING = 64
"""A change counts if it is at least this many units in the last place of the outputs' range."""
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_BATCH_NORM = nn.modules.batchnorm._BatchNorm
Arguments = tuple[tuple[Any, ...], Mapping[str, object]]


def may_be_copied(model: nn.Module) -> bool:
    """Not where it is large, compiled, or one of several processes, nor where its batch norm has no statistics kept.

    A TorchScript program compiles itself after its first calls, and then rounds differently; calls of a copy count.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return False
    size = sum(each.numel() for each in (*model.parameters(), *model.buffers()))
    return size <= MOST_NUMBERS and not any(
        is_wrapper(module)
        or not takes_hooks(module)
        or getattr(module, "_compiled_call_impl", None) is not None
        or (isinstance(module, _BATCH_NORM) and module.running_mean is None)
        for module in model.modules()
    )


def copied(model: nn.Module) -> nn.Module:
    """The model without its hooks, and without the graph of tensors that it kept for itself."""
    memo: dict[int, object] = {}
    for module in model.modules():
        for name in _HOOKS:
            memo[id(getattr(module, name))] = OrderedDict[int, object]()
        for value in vars(module).values():
            for each in value if isinstance(value, list | tuple) else (value,):
                if isinstance(each, Tensor) and each.grad_fn is not None:
                    memo[id(each)] = each.detach().clone()
    return copy.deepcopy(model, memo)


def output_of(model: nn.Module, arguments: Arguments, device: torch.device) -> Tensor | None:
    """The first tensor that the model makes; None where it is not all finite numbers with an axis."""
    with kept_generators(device), torch.no_grad():
        found = first_tensor(model(*arguments[0], **arguments[1]))
    if found is None or not found.ndim or not found.is_floating_point() or not bool(torch.isfinite(found).all()):
        return None
    return found.clone()


@dataclass(frozen=True)
class Look:
    """The outputs of a copy for a few samples, to be compared with those for changed samples."""

    model: nn.Module
    given: Arguments
    before: Tensor
    device: torch.device

    @property
    def range(self) -> float:
        """The largest output less the smallest."""
        return float(self.before.max() - self.before.min())

    def after(self, changed: Arguments) -> Tensor | None:
        """The outputs for other arguments, as of `output_of`."""
        return output_of(self.model, changed, self.device)


def few_of(arguments: Arguments, samples: int, count: int) -> Arguments:
    """The arguments with the first `count` samples of every tensor that has a row for each."""

    def few(tensor: Tensor) -> Tensor:
        return tensor.detach()[:count].clone() if tensor.ndim and len(tensor) == samples else tensor

    return with_tensors(arguments, few)


def with_tensors(arguments: Arguments, change: Callable[[Tensor], Tensor]) -> Arguments:
    """The arguments with every tensor changed."""
    args, kwargs = arguments
    return tuple(_mapped(each, change) for each in args), {name: _mapped(each, change) for name, each in kwargs.items()}


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same nested lists, tuples and mappings with every tensor changed."""
    if isinstance(value, Tensor):
        return change(value)
    if type(value) in (list, tuple):
        return type(value)(_mapped(each, change) for each in value)
    if type(value) is dict:
        return {name: _mapped(each, change) for name, each in value.items()}
    return value
