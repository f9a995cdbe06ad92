"""Checks which steps of a sequence a network with attention sees, and whether it tells their order.

Before the first step of training, a copy of the model, in evaluation mode, is called with a few samples: as they are,
with their inner steps in another order, and with their last step replaced. The model itself is not called, and no
generator advances.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.measurements.preflight import OrderFacts

from ..model.hooks import first_tensor
from .model_copy import Arguments, copied, few_of, mapped, may_be_copied, output_of

SAMPLES = 8
"""Maximum number of samples that the copy is called with."""
FEWEST_STEPS = 5
"""Three inner steps can be turned round without a step that stays."""
_UNCHANGED = 1e-4
"""Largest change of the outputs, over their range, that is rounding: sums over the steps in another order."""
_CHANGED = 1e-3
"""Least change, likewise, that other inner steps must make at the last step: else it sees none of them."""


class StepOrder:
    """Keeps the first batch of a training until it has been checked."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._arguments: Arguments | None = None
        self._targets: Tensor | None = None
        self._done = not any(_attends(module) for module in model.modules())

    def before_forward(self, args: tuple[Any, ...], kwargs: Mapping[str, object]) -> None:
        """The model is about to be called."""
        if not self._done and self._arguments is None:
            self._arguments = (args, kwargs)

    def after_loss(self, targets: Any) -> None:
        """The criterion was called."""
        if not self._done and self._targets is None and isinstance(targets, Tensor):
            self._targets = targets.detach()

    def facts(self) -> OrderFacts | None:
        """What the first batch shows, looked at once; None without attention over steps, or if it cannot be told."""
        arguments, targets = self._arguments, self._targets
        self._arguments = self._targets = None
        if self._done or arguments is None:
            return None
        self._done = True
        try:
            return _facts(self._model, arguments, targets)
        except Exception:  # noqa: BLE001  # a model need not take so few samples, nor be copied
            return None


def _attends(module: nn.Module) -> bool:
    name = type(module).__name__.lower()
    return "attention" in name or "attn" in name


def _facts(model: nn.Module, arguments: Arguments, targets: Tensor | None) -> OrderFacts | None:
    inputs = first_tensor((*arguments[0], *arguments[1].values()))
    if inputs is None or inputs.ndim != (3 if inputs.is_floating_point() else 2) or not may_be_copied(model):
        return None
    count, steps = len(inputs), inputs.shape[1]
    if count < 2 or steps < FEWEST_STEPS:  # steps are taken from another sample
        return None
    few, device = min(SAMPLES, count), inputs.device
    given = few_of(arguments, count, few)
    alone = copied(model).eval()
    inner = [0, *range(2, steps - 1), 1, steps - 1]  # the ends stay: outputs are often read there
    before = output_of(alone, given, device)
    turned = output_of(alone, _with_first(given, lambda rows: rows[:, inner]), device)
    replaced = output_of(alone, _with_first(given, _with_other_last_step), device)
    others = output_of(alone, _with_first(given, _with_other_inner_steps), device)
    if before is None or turned is None or replaced is None or others is None or len(before) != few:
        return None
    range_ = float(before.max() - before.min())
    axes = [axis for axis in range(1, before.ndim) if before.shape[axis] == steps]
    reached = (others - before).abs()
    if len(axes) == 1:
        reached = reached.movedim(axes[0], 0)[-1]
    if range_ <= 0 or float(reached.max()) < _CHANGED * range_:
        return None
    same_place = torch.tensor(inner, device=device)
    candidates = [before, *(before.index_select(axis, same_place.to(before.device)) for axis in axes)]
    blind = any(float((turned - each).abs().max()) <= _UNCHANGED * range_ for each in candidates)
    return OrderFacts(
        steps=steps,
        blind=blind,
        sees_later=_reaches_earlier(before, replaced, axes[0], range_) if len(axes) == 1 else None,
        predicts_next=_is_next(inputs, targets),
    )


def _with_first(arguments: Arguments, change: Any) -> Arguments:
    """The arguments with their first tensor changed."""
    first = first_tensor((*arguments[0], *arguments[1].values()))

    def only_first(tensor: Tensor) -> Tensor:
        return change(tensor) if tensor is first else tensor

    return tuple(mapped(each, only_first) for each in arguments[0]), {
        name: mapped(each, only_first) for name, each in arguments[1].items()
    }


def _with_other_inner_steps(rows: Tensor) -> Tensor:
    """The rows with all but the first and last step of the row before."""
    other = rows.clone()
    other[:, 1:-1] = rows[:, 1:-1].roll(1, 0)
    return other


def _with_other_last_step(rows: Tensor) -> Tensor:
    """The rows with the last step of the row before."""
    other = rows.clone()
    other[:, -1] = rows[:, -1].roll(1, 0)
    return other


def _reaches_earlier(before: Tensor, after: Tensor, axis: int, range_: float) -> bool | None:
    """Whether outputs at earlier steps change with the last step's input; None if none changes at all."""
    change = (after - before).abs().movedim(axis, 0).flatten(1).amax(1)
    if float(change.max()) < _CHANGED * range_:
        return None
    return bool(float(change[:-1].max()) > _UNCHANGED * range_)


def _is_next(inputs: Tensor, targets: Tensor | None) -> bool:
    """Whether the target of each step is the input of the next; one row of targets for each step, or all in a row."""
    if targets is None or inputs.is_floating_point() or targets.is_floating_point():
        return False
    if targets.numel() != inputs.numel():
        return False
    known = targets.reshape(inputs.shape)[:, :-1] == inputs[:, 1:]
    return bool(known.double().mean() > _ALMOST_ALL) and not bool(torch.equal(targets.reshape(inputs.shape), inputs))


_ALMOST_ALL = 0.9
"""Fraction of targets that are the next input; the others may be padding that is ignored."""
