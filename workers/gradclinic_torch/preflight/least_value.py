"""The least mean value of a criterion over kept calls, with one output for all rows or any for each, by LBFGS."""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from math import isfinite

import torch
from torch import Tensor, nn

from ..model.compiled import WRAPPED
from ..model.generator import kept_generators
from .criterion_call import FREE, ArgumentForm, CriterionCall, by_place, evaluated

_ROUNDS, _ITERATIONS = 20, 5
"""Maximum number of rounds of LBFGS, and of iterations in each."""
_PATIENCE_S = 0.4
"""Seconds of processor time after which no further round starts."""
_SETTLED, EXACT = 0.02, 1e-4
"""A fit has settled when its last round gained no more than this fraction, and is over from the second on."""
_ENDLESS = 1e6
"""A value that is negative, and this many times as far from 0 as the first one, is none that a loss ends at."""


_FAR, _STEADY = 1e3, 0.9
"""The same for a fit whose last round gained at least this fraction of what the one before it did."""


class CannotFitError(Exception):
    """The reason why no constant output can be fitted."""


class EndlessError(CannotFitError):
    """A constant output lowers the loss without end."""


def least_value(criterion: nn.Module, calls: Sequence[CriterionCall], *, free: bool) -> float:
    """The least mean over the calls, with any output for each row if free; raises CannotFitError if there is none.

    The criterion itself may raise anything.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        raise CannotFitError("a criterion may wait for other processes")
    plain = criterion._modules.get(WRAPPED) or criterion
    if any(True for _ in plain.parameters()):
        raise CannotFitError("the criterion has weights of its own")
    for dtype in (torch.float64, None):
        copied = _copied(plain, dtype)
        with kept_generators(calls[0].value.device), torch.enable_grad():
            try:
                _check_repeats(copied, calls, dtype)
            except RuntimeError:
                if dtype is None:
                    raise
                continue  # it mixes types, so it does not accept float64
            return _fitted(copied, calls, dtype, free=free)
    raise CannotFitError("the criterion cannot be called again")


def _copied(criterion: nn.Module, dtype: torch.dtype | None) -> nn.Module:
    copied = copy.deepcopy(criterion)
    return copied if dtype is None else copied.to(dtype)


def _check_repeats(criterion: nn.Module, calls: Sequence[CriterionCall], dtype: torch.dtype | None) -> None:
    """Raise if the criterion does not return the same values again, because it has a state or is random."""
    for call in calls:
        again = evaluated(criterion, call, {}, dtype).detach().double()
        half = torch.finfo(call.value.dtype).bits < 32 if call.value.is_floating_point() else False
        if not torch.isclose(again, call.value.double(), rtol=5e-2 if half else 1e-3, atol=1e-6):
            raise CannotFitError("the criterion returns different values for the same arguments")


def _fitted(criterion: nn.Module, calls: Sequence[CriterionCall], dtype: torch.dtype | None, *, free: bool) -> float:
    each_call = _outputs_of_each(calls, dtype) if free else _one_output(calls, dtype)

    def mean() -> Tensor:
        values = [evaluated(criterion, call, outputs, dtype) for call, outputs in zip(calls, each_call, strict=True)]
        return torch.stack(values).mean()

    if not free:
        _start(each_call[0], calls[0], mean)
    variables = list({id(each): each for outputs in each_call for each in outputs.values()}.values())
    return _settled(_history(variables, mean), begun=float(calls[0].value))


def _one_output(calls: Sequence[CriterionCall], dtype: torch.dtype | None) -> list[dict[int | str, Tensor]]:
    """For each call, the same output for all rows, in place of each argument that comes from the model."""
    device = calls[0].value.device
    rows = {
        form.row: torch.zeros(form.row_shape, dtype=dtype or torch.float32, device=device, requires_grad=True)
        for form in calls[0].forms.values()
    }
    return [{place: rows[form.row] for place, form in call.forms.items()} for call in calls]


def _outputs_of_each(calls: Sequence[CriterionCall], dtype: torch.dtype | None) -> list[dict[int | str, Tensor]]:
    """For each call, an output of each row's own; from where the model's outputs were, if nothing bounds them."""

    def begun(value: Tensor, form: ArgumentForm) -> Tensor:
        plain = form.distribution is None and form.bounds == FREE
        start = value.to(dtype or torch.float32)
        return (start.clone() if plain else torch.zeros_like(start)).requires_grad_()

    return [
        {
            place: begun(value, call.forms[place])
            for place, value in by_place(call.args, call.kwargs).items()
            if place in call.forms
        }
        for call in calls
    ]


def _history(variables: list[Tensor], mean: Callable[[], Tensor]) -> list[float]:
    """The smallest values that were reached after each round."""
    optimizer = torch.optim.LBFGS(variables, max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        value = mean()
        gradients = torch.autograd.grad(value, variables, allow_unused=True)
        for each, gradient in zip(variables, gradients, strict=True):
            each.grad = torch.zeros_like(each) if gradient is None else gradient
        return value.detach()

    history: list[float] = []
    began = 0.0
    for _ in range(_ROUNDS):
        optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch's own
        history.append(float(mean().detach()))
        began = time.thread_time() if len(history) == 1 else began  # the first may import what torch needs
        settled = len(history) > 1 and history[-2] - history[-1] <= EXACT * abs(history[-1])
        if settled or not isfinite(history[-1]) or time.thread_time() - began > _PATIENCE_S:
            break
    return history


def _settled(history: Sequence[float], *, begun: float) -> float:
    """The last value of a fit; raises where it still falls, or is not finite."""
    least = history[-1]
    if _is_endless(history, begun=max(1.0, abs(begun))):
        raise EndlessError("the loss falls without end")
    if not isfinite(least):
        raise CannotFitError("the loss is not finite")
    if abs(least) <= 1e-6 * min(1.0, abs(begun)):
        return 0.0
    if len(history) < 2 or history[-2] - least > _SETTLED * abs(least):
        raise CannotFitError("the loss has not settled")
    return least


def _is_endless(history: Sequence[float], *, begun: float) -> bool:
    """Whether a fit went far below 0, or less far and does not slow down, as along a straight line."""
    least = history[-1]
    if least < -_ENDLESS * begun or len(history) < 3:
        return least < -_ENDLESS * begun
    falls = history[-3] - history[-2], history[-2] - least
    return least < -_FAR * begun and falls[1] >= _STEADY * falls[0] > 0


def _start(outputs: Mapping[int | str, Tensor], call: CriterionCall, mean: Callable[[], Tensor]) -> None:
    """Begin at the mean of the model's outputs or of the targets if that is better than 0.

    At 0 a cosine has no gradient, and large targets are far away. Where an output has more columns than the targets, as
    for a mean and its spread, the first ones take the targets' mean.
    """
    named = by_place(call.args, call.kwargs)
    for place, form in call.forms.items():
        if form.distribution is not None or form.bounds != FREE or form.axis:
            continue
        _take_if_better(outputs[place], named[place].to(outputs[place].dtype).mean(0), mean)
        for other, targets in named.items():
            if other not in call.forms and isinstance(targets, Tensor) and _may_begin(named[place], targets):
                begun = outputs[place].detach().clone()
                begun[..., : targets.shape[-1]] = targets.double().mean(0)
                _take_if_better(outputs[place], begun, mean)


@torch.no_grad()
def _take_if_better(row: Tensor, other: Tensor, mean: Callable[[], Tensor]) -> None:
    kept, before = row.detach().clone(), float(mean())
    row.copy_(other)
    if not float(mean()) < before:
        row.copy_(kept)


def _may_begin(outputs: Tensor, targets: Tensor) -> bool:
    """Whether the targets are numbers for the first columns of the outputs."""
    if not targets.is_floating_point() or targets.ndim != outputs.ndim or targets.ndim < 2:
        return False
    return targets.shape[:-1] == outputs.shape[:-1] and targets.shape[-1] <= outputs.shape[-1]
