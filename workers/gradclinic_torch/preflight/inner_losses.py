"""The losses of torch's that a loss of the program's own calls as functions, and the arguments that they get.

A copy of the loss is called once more with the first batch, under a mode that sees each call of a function of torch's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from gradclinic.measurements.preflight import InnerLoss, SelfComparison

from ..model.generator import kept_generators
from ..model.last_activation import last_activation
from .batch_facts import ENTRIES, as_rows, output_facts
from .own_loss import copied_loss
from .self_comparison import self_comparison

MOST_CALLS = 16
"""Calls that are looked at."""
_LOSSES: Mapping[Callable[..., Any], str] = {
    getattr(functional, name): name
    for name in (
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "cross_entropy",
        "ctc_loss",
        "kl_div",
        "nll_loss",
    )
}
_OF_NUMBERS: Mapping[Callable[..., Any], str] = {
    getattr(functional, name): name
    for name in (
        "gaussian_nll_loss",
        "hinge_embedding_loss",
        "huber_loss",
        "l1_loss",
        "mse_loss",
        "multilabel_soft_margin_loss",
        "poisson_nll_loss",
        "smooth_l1_loss",
    )
}
"""Losses that are described only where they broadcast what they compare."""


class _Seen(TorchFunctionMode):
    """Describes the first argument of each loss that is called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[InnerLoss] = []

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = kwargs or {}
        name = _LOSSES.get(function)
        if name is None and function in _OF_NUMBERS and _broadcasts(args, given):
            name = _OF_NUMBERS[function]
        if name is not None and len(self.calls) < MOST_CALLS:
            found = _described(name, args, given)
            self.calls += [] if found is None else [found]
        return function(*args, **given)


def inner_losses(criterion: nn.Module, outputs: Tensor, targets: Tensor, value: Tensor) -> tuple[InnerLoss, ...]:
    """The calls, in their order; none if the loss is one of torch's own modules, or cannot be called again."""
    loss = copied_loss(criterion, outputs, targets, known=value)
    if loss is None:
        return ()
    seen = _Seen()
    try:
        with kept_generators(outputs.device), torch.enable_grad(), seen:
            loss(outputs, targets)
    except Exception:  # noqa: BLE001  # a loss may raise anything
        return ()
    return tuple(seen.calls)


def _described(name: str, args: tuple[Any, ...], given: Mapping[str, object]) -> InnerLoss | None:
    first = args[0] if args else given.get("log_probs" if name == "ctc_loss" else "input")
    if not isinstance(first, Tensor) or not first.is_floating_point() or not first.numel() or not first.ndim:
        return None
    with torch.no_grad():
        values = first.reshape(-1, first.shape[-1]) if name == "ctc_loss" else as_rows(first)
        rows = values[: max(1, ENTRIES // max(1, values.shape[1]))].double().cpu()
        facts = output_facts(rows, activation=last_activation(first.grad_fn))
        return InnerLoss(
            function=name,
            form=facts.form,
            activation=facts.activation,
            high=facts.high,
            entries=rows.numel(),
            broadcasts=name in _OF_NUMBERS.values(),
            targets_outside_unit=_outside_unit(args, given) if name.startswith("binary") else 0.0,
            blank_in_targets=name == "ctc_loss" and _has_blank(args, given),
            self_compared=_self_comparison(first, args, given) if name == "cross_entropy" else None,
        )


def _broadcasts(args: tuple[Any, ...], given: Mapping[str, object]) -> bool:
    """Whether outputs and targets have shapes that are broadcast to more entries than either has."""
    pair = (*args, *(given[name] for name in ("input", "target") if name in given))[:2]
    if len(pair) < 2 or not all(isinstance(each, Tensor) for each in pair):
        return False
    most = max(each.numel() for each in pair)
    whole: Sequence[Tensor] = torch.broadcast_tensors(*pair)  # type: ignore[no-untyped-call]  # torch's own
    return bool(whole[0].numel() > most)


def _outside_unit(args: tuple[Any, ...], given: Mapping[str, object]) -> float:
    """Fraction of the targets of a binary cross entropy that are below 0 or above 1."""
    targets = args[1] if len(args) > 1 else given.get("target")
    if not isinstance(targets, Tensor) or not targets.numel():
        return 0.0
    return float(((targets < 0) | (targets > 1)).double().mean())


def _self_comparison(logits: Tensor, args: tuple[Any, ...], given: Mapping[str, object]) -> SelfComparison | None:
    targets = args[1] if len(args) > 1 else given.get("target")
    return self_comparison(logits, targets) if isinstance(targets, Tensor) else None


def _has_blank(args: tuple[Any, ...], given: Mapping[str, object]) -> bool:
    """Whether the number of the blank is a target; targets in one row have no padding, others may, at their ends."""
    targets = args[1] if len(args) > 1 else given.get("targets")
    lengths = args[3] if len(args) > 3 else given.get("target_lengths")
    blank = args[4] if len(args) > 4 else given.get("blank", 0)
    if not isinstance(targets, Tensor) or not isinstance(lengths, Tensor) or not isinstance(blank, int):
        return False
    if targets.ndim < 2:
        return bool((targets - blank == 0).any())
    inside = torch.arange(targets.shape[1], device=targets.device) < lengths.to(targets.device)[:, None]
    return bool(((targets - blank == 0) & inside).any())
