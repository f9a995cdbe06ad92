"""The loss of the best constant output, fitted with the program's own criterion; for losses without a closed form.

A few calls of the criterion are kept. After the training, one output for all rows is fitted to them by LBFGS in
float64, with a copy of the criterion; and any output for each row, which gives the least value that the loss has. The
training's weights, gradients and generators do not change. If the criterion does not return the same result again,
there is no fitted loss, and the reason is logged.
"""

import copy
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.measurements.preflight import BOUNDS

from ..model.compiled import WRAPPED
from ..model.generator import kept_generators
from ..model.graph import Node, leaves_of, nearest_operation
from ..model.last_activation import last_activation

log = logging.getLogger("gradclinic.recording")

MOST_BATCHES = 32
"""Maximum number of kept calls of the criterion."""
ENOUGH_ROWS = 256
_SPREAD = (0, 1, 8, 64, 512)
"""Until so many rows are kept, every call is; then those with these numbers, as the first may be all alike."""
FEWEST_ROWS = 32
"""With fewer rows, a constant may fit them by chance."""
MOST_NUMBERS = 1_000_000
"""Maximum number of kept values, of outputs and other arguments."""
_ROUNDS, _ITERATIONS = 20, 5
"""Maximum number of rounds of LBFGS, and of iterations in each."""
_PATIENCE_S = 0.4
"""Seconds of processor time after which no further round starts."""
_SETTLED, _EXACT = 0.02, 1e-4
"""A fit has settled when its last round gained no more than this fraction, and is over from the second on."""
_FREE = (-inf, inf)
_ENDLESS = 1e6
"""A value that is negative, and this many times as far from 0 as the first one, is none that a loss ends at."""


class CannotFitError(Exception):
    """The reason why no constant output can be fitted."""


@dataclass(frozen=True)
class _Form:
    """The form of an argument that comes from the model, which a constant in its place must have."""

    row: int
    """Arguments that one network computes from different inputs (as in a triplet) have the same constant."""
    axis: int
    """The axis of the batch."""
    row_shape: tuple[int, ...]
    """Of the constant: without the batch's axis; where steps of time come first, of one step."""
    distribution: str | None
    """`softmax` or `log_softmax`, where the numbers of one row along `distribution_axis` are a distribution."""
    distribution_axis: int
    bounds: tuple[float, float]


@dataclass(frozen=True)
class _Call:
    """One call of the criterion."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, object]
    forms: Mapping[int | str, _Form]
    """Of the arguments that come from the model, by place or name."""
    value: Tensor
    """The value of the criterion."""


class FittedConstant:
    """Calls of one criterion, and its smallest mean value over them for a constant output."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._seen = self._rows = self._numbers = 0
        self._criterion: nn.Module | None = None
        self._first_spread: Tensor | None = None
        self._last: Tensor | None = None
        """Outputs of the last call."""
        self._known: dict[bool, float | None] = {}
        """Fitted values: with any output for each row (True), and with one output for all of them (False)."""

    @torch.no_grad()
    def saw(self, criterion: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, object], value: Any) -> None:
        """Keep one call of the criterion, if there is room and need."""
        self._follow(args[0] if args else None)
        number, self._seen = self._seen, self._seen + 1
        wanted = self._rows < ENOUGH_ROWS or number in _SPREAD
        if not wanted or len(self._calls) >= MOST_BATCHES or not isinstance(value, Tensor) or value.numel() != 1:
            return
        named = _named(args, kwargs)
        tensors = {place: each for place, each in named.items() if isinstance(each, Tensor)}
        size = sum(each.numel() for each in tensors.values())
        if self._numbers + size > MOST_NUMBERS:
            return
        axis = _batch_axis(criterion, list(tensors.values()))
        forms = _forms(tensors, axis) if axis is not None else {}
        if not forms or (self._calls and forms != self._calls[0].forms):
            return
        held = {place: each.detach().clone() if isinstance(each, Tensor) else each for place, each in named.items()}
        self._calls.append(
            _Call(
                tuple(held[place] for place in range(len(args))),
                {name: held[name] for name in kwargs},
                forms,
                value.detach().reshape(()),
            )
        )
        self._criterion = criterion
        self._numbers += size
        self._rows += next(each.shape[axis or 0] for place, each in tensors.items() if place in forms)

    def value(self) -> float | None:
        """The loss with one output for all rows, mean over the kept calls; None if unknown, or negative."""
        constant = self.constant()
        return constant if constant is not None and constant >= 0 else None

    def constant(self) -> float | None:
        """The same, also where it is negative; None if it cannot be fitted, which is logged with the reason."""
        return self._fit("the loss of always predicting the average", free=False)

    def floor(self) -> float | None:
        """The least loss that any outputs reach, mean over the kept calls; None if unknown, or without a bound.

        None also if the search ended above the value for a constant, and so before the least one.
        """
        constant = self.constant()
        least = None if constant is None else self._fit("the least value of the loss", free=True)
        if constant is None or least is None or least > constant + _EXACT * abs(constant):
            return None
        return least

    def spread_left(self) -> float | None:
        """Deviation of the outputs over a batch, last over first, median over columns; None if the first had none."""
        if self._first_spread is None or self._last is None:
            return None
        first, last = self._first_spread, _spread(self._last)
        varied = first > 0
        return float((last[varied] / first[varied]).median()) if first.shape == last.shape and varied.any() else None

    def _follow(self, outputs: object) -> None:
        """Keep the outputs of this call, and the spread of the first."""
        if isinstance(outputs, Tensor) and outputs.is_floating_point() and outputs.ndim > 1 and len(outputs) > 1:
            self._last = outputs.detach() if outputs.numel() <= MOST_NUMBERS else None
            if self._first_spread is None and self._last is not None:
                self._first_spread = _spread(self._last)

    def _fit(self, what: str, *, free: bool) -> float | None:
        if self._criterion is not None and free not in self._known:
            try:
                self._known[free] = self._fitted(self._criterion, free=free)
            except Exception as error:  # noqa: BLE001  # the criterion may raise anything; then there is no constant
                why = str(error) if isinstance(error, CannotFitError) else f"{type(error).__name__}: {error}"
                log.info("%s is unknown: %s", what, why)
                self._known[free] = None
        return self._known.get(free)

    def _fitted(self, criterion: nn.Module, *, free: bool) -> float:
        if self._rows < FEWEST_ROWS:
            raise CannotFitError(f"only {self._rows} rows were seen, but {FEWEST_ROWS} are needed")
        return _least(criterion, self._calls, free=free)


def _spread(outputs: Tensor) -> Tensor:
    """[columns]: deviation of each entry of the outputs over the samples, in float64 on the CPU."""
    return outputs.reshape(len(outputs), -1).double().std(0, unbiased=False).cpu()


def _least(criterion: nn.Module, calls: Sequence[_Call], *, free: bool) -> float:
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


def _check_repeats(criterion: nn.Module, calls: Sequence[_Call], dtype: torch.dtype | None) -> None:
    """Raise if the criterion does not return the same values again, because it has a state or is random."""
    for call in calls:
        again = _evaluated(criterion, call, {}, dtype).detach().double()
        half = torch.finfo(call.value.dtype).bits < 32 if call.value.is_floating_point() else False
        if not torch.isclose(again, call.value.double(), rtol=5e-2 if half else 1e-3, atol=1e-6):
            raise CannotFitError("the criterion returns different values for the same arguments")


def _fitted(criterion: nn.Module, calls: Sequence[_Call], dtype: torch.dtype | None, *, free: bool) -> float:
    each_call = _outputs_of_each(calls, dtype) if free else _one_output(calls, dtype)

    def mean() -> Tensor:
        values = [_evaluated(criterion, call, outputs, dtype) for call, outputs in zip(calls, each_call, strict=True)]
        return torch.stack(values).mean()

    if not free:
        _start(each_call[0], calls[0], mean)
    variables = list({id(each): each for outputs in each_call for each in outputs.values()}.values())
    return _settled(_history(variables, mean), begun=float(calls[0].value))


def _one_output(calls: Sequence[_Call], dtype: torch.dtype | None) -> list[dict[int | str, Tensor]]:
    """For each call, the same output for all rows, in place of each argument that comes from the model."""
    device = calls[0].value.device
    rows = {
        form.row: torch.zeros(form.row_shape, dtype=dtype or torch.float32, device=device, requires_grad=True)
        for form in calls[0].forms.values()
    }
    return [{place: rows[form.row] for place, form in call.forms.items()} for call in calls]


def _outputs_of_each(calls: Sequence[_Call], dtype: torch.dtype | None) -> list[dict[int | str, Tensor]]:
    """For each call, an output of each row's own; from where the model's outputs were, if nothing bounds them."""

    def begun(value: Tensor, form: _Form) -> Tensor:
        plain = form.distribution is None and form.bounds == _FREE
        start = value.to(dtype or torch.float32)
        return (start.clone() if plain else torch.zeros_like(start)).requires_grad_()

    return [
        {
            place: begun(value, call.forms[place])
            for place, value in _named(call.args, call.kwargs).items()
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
        settled = len(history) > 1 and history[-2] - history[-1] <= _EXACT * abs(history[-1])
        if settled or not isfinite(history[-1]) or time.thread_time() - began > _PATIENCE_S:
            break
    return history


def _settled(history: Sequence[float], *, begun: float) -> float:
    """The last value of a fit; raises where it still falls, or is not finite."""
    least = history[-1]
    if not isfinite(least) or least < -_ENDLESS * max(1.0, abs(begun)):
        raise CannotFitError("the loss is infinite, or falls without end")
    if abs(least) <= 1e-6 * min(1.0, abs(begun)):
        return 0.0
    if len(history) < 2 or history[-2] - least > _SETTLED * abs(least):
        raise CannotFitError("the loss has not settled")
    return least


def _start(outputs: Mapping[int | str, Tensor], call: _Call, mean: Callable[[], Tensor]) -> None:
    """Begin at the mean of the model's outputs or of the targets if that is better than 0.

    At 0 a cosine has no gradient, and large targets are far away. Where an output has more columns than the targets, as
    for a mean and its spread, the first ones take the targets' mean.
    """
    named = _named(call.args, call.kwargs)
    for place, form in call.forms.items():
        if form.distribution is not None or form.bounds != _FREE or form.axis:
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


def _evaluated(
    criterion: nn.Module, call: _Call, outputs: Mapping[int | str, Tensor], dtype: torch.dtype | None
) -> Tensor:
    """The criterion's value with these outputs in place of what the model made; without any, of what it made."""

    def given(place: int | str, value: Any) -> Any:
        form = call.forms.get(place)
        if form is not None and outputs:
            return _as_the_model_makes(outputs[place], form, value.shape)
        if not isinstance(value, Tensor):
            return value
        own = value.to(dtype) if dtype is not None and value.is_floating_point() else value.clone()
        return own.requires_grad_() if form is not None else own

    found: Tensor = criterion.forward(
        *(given(place, each) for place, each in enumerate(call.args)),
        **{name: given(name, each) for name, each in call.kwargs.items()},
    )
    return found.reshape(())


def _as_the_model_makes(row: Tensor, form: _Form, shape: torch.Size) -> Tensor:
    """A batch of what the model could have made: of one row for all samples, or of all rows."""
    low, high = form.bounds
    if form.distribution is not None:
        make = torch.log_softmax if form.distribution == "log_softmax" else torch.softmax
        of_all = form.distribution_axis >= 0 and row.ndim == len(shape)
        row = make(row, form.distribution_axis + 1 if of_all else form.distribution_axis)
    elif isfinite(low) and isfinite(high):
        row = low + (high - low) * torch.sigmoid(row)
    elif isfinite(low):
        row = low + nn.functional.softplus(row)
    elif isfinite(high):
        row = high - nn.functional.softplus(row)
    return row.expand(shape).clone()


def _named(args: tuple[Any, ...], kwargs: Mapping[str, object]) -> dict[int | str, Any]:
    """The arguments by place or name."""
    named: dict[int | str, Any] = dict(enumerate(args))
    named.update(kwargs)
    return named


def _batch_axis(criterion: nn.Module, tensors: Sequence[Tensor]) -> int | None:
    """The axis of the first argument along which its rows are other samples; None where the arguments do not tell."""
    if isinstance(criterion, nn.CTCLoss):
        return 1
    outputs, *others = tensors
    sizes = {len(each) for each in others if each.ndim > 0}
    if outputs.ndim > 0 and len(outputs) in sizes:
        return 0
    return 1 if outputs.ndim == 3 and outputs.shape[1] in sizes else None


def _forms(tensors: Mapping[int | str, Tensor], axis: int) -> dict[int | str, _Form]:
    """What the arguments that come from a model are, by place or name."""
    made = {
        place: each
        for place, each in tensors.items()
        if each.grad_fn is not None and each.is_floating_point() and each.ndim > axis
    }
    rows = _rows(made)
    return {place: _form(each, axis, row=rows[place]) for place, each in made.items()}


def _rows(made: Mapping[int | str, Tensor]) -> dict[int | str, int]:
    """The number of the constant that stands for each argument.

    Two that come from the same weights in two calls, as anchor and positive do, are outputs for other inputs: a network
    that gives a constant gives the same for both. Parts of one output, as mean and variance may be, are not.
    """
    found: dict[int | str, int] = {}
    if len(made) == 1:
        return dict.fromkeys(made, 0)
    known: list[tuple[frozenset[int], Node, torch.Size]] = []
    for place, each in made.items():
        own = (frozenset(id(leaf) for leaf in leaves_of(each.grad_fn)), nearest_operation(each.grad_fn), each.shape)
        same = (
            index
            for index, (leaves, node, shape) in enumerate(known)
            if leaves == own[0] and shape == own[2] and node is not own[1]
        )
        found[place] = next(same, len(known))
        known.append(own)
    return found


def _form(values: Tensor, axis: int, *, row: int) -> _Form:
    along = next((kind for kind in ((_distribution(values, a), a) for a in (-1, 1)) if kind[0] is not None), (None, -1))
    distribution, distribution_axis = along
    activation = last_activation(values.grad_fn)
    return _Form(
        row=row,
        axis=axis,
        row_shape=tuple(values.shape[1:]) if axis == 0 else tuple(values.shape[-1:]),
        distribution=distribution,
        distribution_axis=-1 if distribution_axis == -1 else distribution_axis - 1,
        bounds=BOUNDS.get(activation or "", _FREE) if distribution is None else _FREE,
    )


def _distribution(values: Tensor, axis: int) -> str | None:
    """Whether the numbers along an axis are probabilities, `softmax`, or their logarithms, `log_softmax`."""
    if values.ndim <= max(axis, 1) or values.shape[axis] < 2:
        return None
    for kind, shares in (("softmax", values), ("log_softmax", values.exp())):
        if bool((shares >= 0).all()) and bool(((shares.sum(axis) - 1).abs() < 1e-2).all()):
            return kind
    return None
