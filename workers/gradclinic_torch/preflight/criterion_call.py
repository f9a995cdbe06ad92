"""One call of a program's own criterion: what its arguments are, and its value for other outputs of the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.measurements.preflight import BOUNDS

from ..model.graph import Node, leaves_of, nearest_operation
from ..model.last_activation import last_activation

FREE = (-inf, inf)
"""The bounds of what nothing bounds."""


@dataclass(frozen=True)
class ArgumentForm:
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
class CriterionCall:
    """One call of the criterion."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, object]
    forms: Mapping[int | str, ArgumentForm]
    """Of the arguments that come from the model, by place or name."""
    value: Tensor
    """The value of the criterion."""


def evaluated(
    criterion: nn.Module, call: CriterionCall, outputs: Mapping[int | str, Tensor], dtype: torch.dtype | None
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


def _as_the_model_makes(row: Tensor, form: ArgumentForm, shape: torch.Size) -> Tensor:
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


def by_place(args: tuple[Any, ...], kwargs: Mapping[str, object]) -> dict[int | str, Any]:
    """The arguments by place or name."""
    named: dict[int | str, Any] = dict(enumerate(args))
    named.update(kwargs)
    return named


def batch_axis(criterion: nn.Module, tensors: Sequence[Tensor]) -> int | None:
    """The axis of the first argument along which its rows are other samples; None where the arguments do not tell."""
    if isinstance(criterion, nn.CTCLoss):
        return 1
    if not tensors:  # they are in tuples or dictionaries
        return None
    outputs, *others = tensors
    sizes = {len(each) for each in others if each.ndim > 0}
    if outputs.ndim > 0 and len(outputs) in sizes:
        return 0
    return 1 if outputs.ndim == 3 and outputs.shape[1] in sizes else None


def forms_of(tensors: Mapping[int | str, Tensor], axis: int) -> dict[int | str, ArgumentForm]:
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


def _form(values: Tensor, axis: int, *, row: int) -> ArgumentForm:
    along = next((kind for kind in ((_distribution(values, a), a) for a in (-1, 1)) if kind[0] is not None), (None, -1))
    distribution, distribution_axis = along
    activation = last_activation(values.grad_fn)
    return ArgumentForm(
        row=row,
        axis=axis,
        row_shape=tuple(values.shape[1:]) if axis == 0 else tuple(values.shape[-1:]),
        distribution=distribution,
        distribution_axis=-1 if distribution_axis == -1 else distribution_axis - 1,
        bounds=BOUNDS.get(activation or "", FREE) if distribution is None else FREE,
    )


def _distribution(values: Tensor, axis: int) -> str | None:
    """Whether the numbers along an axis are probabilities, `softmax`, or their logarithms, `log_softmax`."""
    if values.ndim <= max(axis, 1) or values.shape[axis] < 2:
        return None
    for kind, shares in (("softmax", values), ("log_softmax", values.exp())):
        if bool((shares >= 0).all()) and bool(((shares.sum(axis) - 1).abs() < 1e-2).all()):
            return kind
    return None
