"""Checks whether the output for one sample depends on other samples of its batch, for example after swapped axes.

Before the first step a copy of the model, in evaluation mode, is called with a few samples, and again with one of them
replaced by another. Where the other samples' outputs change, samples are mixed. The model itself is not called, and no
generator advances.
"""

import copy
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.measurements.preflight import MixingFacts

from ..model.compiled import is_wrapper
from ..model.generator import kept_generators
from ..model.hooks import first_tensor

SAMPLES, FEWEST = 8, 4
"""Maximum and minimum number of samples that the copy is called with."""
MOST_NUMBERS = 50_000_000
"""Maximum number of weights and buffer entries of a model that is copied."""
_ROUNDING = 64
"""A change counts if it is at least this many units in the last place of the outputs' range."""
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_BATCH_NORM = nn.modules.batchnorm._BatchNorm
Arguments = tuple[tuple[Any, ...], Mapping[str, object]]


class SampleMixing:
    """Keeps the first batch of a training until it has been checked."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._arguments: Arguments | None = None
        self._samples: int | None = None
        self._over_samples = self._done = False

    def before_forward(self, args: tuple[Any, ...], kwargs: Mapping[str, object]) -> None:
        """The model is about to be called."""
        if not self._done and self._arguments is None:
            self._arguments = (args, kwargs)

    def after_loss(self, outputs: Tensor, targets: Any) -> None:
        """The criterion was called: outputs and targets have a row for each sample, or nothing can be told."""
        if self._done or not isinstance(targets, Tensor) or not targets.ndim or not outputs.ndim:
            return
        self._samples = len(targets) if len(targets) == len(outputs) else None
        self._over_samples = len(outputs) >= FEWEST and _sum_to_one(outputs.detach())

    def facts(self) -> MixingFacts | None:
        """What the first batch shows, looked at once; None where it cannot be told."""
        arguments, samples = self._arguments, self._samples
        self._done, self._arguments = True, None
        if arguments is None or samples is None or samples < FEWEST:
            return None
        if self._over_samples:
            return MixingFacts(samples=samples, influence=1.0, over_samples=True)
        try:
            return _facts(self._model, arguments, samples)
        except Exception:  # noqa: BLE001  # a model need not take so few samples, nor be copied
            return None


def _facts(model: nn.Module, arguments: Arguments, samples: int) -> MixingFacts | None:
    count = min(SAMPLES, samples)
    given = _few(arguments, samples, count)
    inputs = first_tensor((*given[0], *given[1].values()))
    if inputs is None or len(inputs) != count or not _may_be_copied(model):
        return None
    alone = _copied(model).eval()
    changed_row = count // 2
    before = _output(alone, given, inputs.device)
    after = _output(alone, _with_another(given, count, changed_row), inputs.device)
    if before is None or after is None or before.shape != after.shape or len(before) != count:
        return None
    if before.ndim > 2 and inputs.ndim > 1 and before.shape[1] == inputs.shape[1]:
        return MixingFacts(samples=count, influence=0.0)  # the first axis may be time, in outputs and inputs alike
    change = (after - before).abs().reshape(count, -1).amax(1)
    range_ = float(before.max() - before.min())
    moved = change > _ROUNDING * torch.finfo(before.dtype).eps * max(range_, float(before.abs().max()))
    others = [row for row in range(count) if row != changed_row and bool(moved[row])]
    if not others:
        return MixingFacts(samples=count, influence=0.0)
    again = _output(alone, given, inputs.device)
    if again is None or not torch.equal(again, before):
        return None  # it has a state, so two calls differ
    return MixingFacts(
        samples=count,
        influence=float(change[others].max() / change.max()),
        later_only=min(others) > changed_row,
        over_samples=_sum_to_one(before),
        has_axes=inputs.ndim > 2 or not inputs.is_floating_point(),
    )


def _sum_to_one(outputs: Tensor) -> bool:
    """Whether each output is a distribution over the samples."""
    return bool((outputs >= 0).all()) and bool(((outputs.sum(0) - 1).abs() < 1e-2).all())


def _may_be_copied(model: nn.Module) -> bool:
    """Not where it is large, compiled, or one of several processes, nor where its batch norm has no statistics kept."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return False
    size = sum(each.numel() for each in (*model.parameters(), *model.buffers()))
    return size <= MOST_NUMBERS and not any(
        is_wrapper(module)
        or getattr(module, "_compiled_call_impl", None) is not None
        or (isinstance(module, _BATCH_NORM) and module.running_mean is None)
        for module in model.modules()
    )


def _copied(model: nn.Module) -> nn.Module:
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


def _output(model: nn.Module, arguments: Arguments, device: torch.device) -> Tensor | None:
    """The first tensor that the model makes; None where it is not all finite numbers with an axis."""
    with kept_generators(device), torch.no_grad():
        found = first_tensor(model(*arguments[0], **arguments[1]))
    if found is None or not found.ndim or not found.is_floating_point() or not bool(torch.isfinite(found).all()):
        return None
    return found.clone()


def _few(arguments: Arguments, samples: int, count: int) -> Arguments:
    """The arguments with the first `count` samples of every tensor that has a row for each."""

    def few(tensor: Tensor) -> Tensor:
        return tensor.detach()[:count].clone() if tensor.ndim and len(tensor) == samples else tensor

    return tuple(_mapped(each, few) for each in arguments[0]), {
        name: _mapped(each, few) for name, each in arguments[1].items()
    }


def _with_another(arguments: Arguments, count: int, row: int) -> Arguments:
    """The arguments with one sample replaced by the first."""

    def replaced(tensor: Tensor) -> Tensor:
        if not tensor.ndim or len(tensor) != count:
            return tensor
        other = tensor.clone()
        other[row] = tensor[0]
        return other

    return tuple(_mapped(each, replaced) for each in arguments[0]), {
        name: _mapped(each, replaced) for name, each in arguments[1].items()
    }


def _mapped(value: Any, change: Any) -> Any:
    """The same nested lists, tuples and mappings with every tensor changed."""
    if isinstance(value, Tensor):
        return change(value)
    if type(value) in (list, tuple):
        return type(value)(_mapped(each, change) for each in value)
    if type(value) is dict:
        return {name: _mapped(each, change) for name, each in value.items()}
    return value
