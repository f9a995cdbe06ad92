"""The gradients of another program's training: their norms, and the factor of a scaler."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..model.placement import is_split, plain
from .one_pass import DTYPE, LAYOUT, ON_CPU
from .parts import Parts
from .reductions import known_norm, norms_of, sent

VERSION = attrgetter("_version")
COMPLEX = {torch.complex32, torch.complex64, torch.complex128}
EXACT_LOOKS = 8
"""Times that all gradients are looked at for a change without a mark, until one is known: a loop clips in one way."""
SMALL, SAMPLED = 2**14, 4
"""Entries of a small parameter, and how many of those are looked at in steps whose norms are not taken."""

Marks = tuple[list[int], list[int]]


class Gradients:
    """The gradients of all parameters of a model and of its optimizer."""

    def __init__(self, parameters: Sequence[nn.Parameter], optimizer: torch.optim.Optimizer, *, scaler: Any) -> None:
        self._parts = Parts.of(parameters) if any(map(is_split, parameters)) else None
        self._parameters, self._optimizer, self._scaler = parameters, optimizer, scaler
        self._smallest = min(range(len(parameters)), key=lambda index: parameters[index].numel(), default=0)
        self._sample = _spread_over(parameters)
        self._known: tuple[Tensor, Marks | None] | None = None
        """The last norms, and the marks of the gradients that they were taken of."""
        self._may_change_unmarked = False
        self._exact_looks = 0

    def norms(self) -> Tensor:
        """[parameters]: L2 norm of each one's gradient, 0 if it has none; of its part if some are sharded (`Parts`)."""
        gradients = self._plain()
        norms = self._measured(gradients)
        self._known = norms, _marks(gradients)
        return norms

    def norms_again(self, *, exact: bool) -> Tensor:
        """The same after the program may have clipped the gradients: those of last time, if nothing has changed since.

        What changes a gradient through `.data` leaves no mark. It is noticed if it changes the smallest gradient, as
        clipping by the whole norm does. Exact: the first times, take them again in any case; if one differs without a
        mark, they are taken again always from then on.
        """
        gradients = self._plain()
        known, marks = self._known, _marks(gradients)
        if gradients is None or known is None or marks is None or marks != known[1]:
            return self._measured(gradients)
        before = known[0]
        exact = exact and self._exact_looks < EXACT_LOOKS
        if not exact and not self._may_change_unmarked and self._is_smallest(gradients, before):
            return before
        self._exact_looks += exact
        norms = self._measured(gradients)
        self._may_change_unmarked = self._may_change_unmarked or not torch.equal(norms, before)
        return norms

    def sampled_norm(self) -> float:
        """Sum of the L2 norms of the gradients of a few small parameters from the first layer to the last.

        In a backward pass a number that is not finite spreads towards the first layer, so that most are seen there.
        """
        return sum(float(known_norm(_dense(each.grad))) for each in self._sample if each.grad is not None)

    def _is_smallest(self, gradients: Sequence[Tensor], norms: Tensor) -> bool:
        """Whether the smallest gradient still has its norm."""
        now = norms_of([gradients[self._smallest]])
        return float(now) == float(norms[self._smallest])

    def _plain(self) -> list[Tensor] | None:
        """The gradients of all parameters; None if one is missing, or is not dense and real."""
        found = [each.grad for each in self._parameters]
        plain = set(map(type, found)) <= {Tensor} and set(map(LAYOUT, found)) <= {torch.strided}
        return cast("list[Tensor]", found) if plain and COMPLEX.isdisjoint(map(DTYPE, found)) else None

    def _measured(self, gradients: Sequence[Tensor] | None) -> Tensor:
        norms = self._measured_here(gradients)
        return norms if self._parts is None else self._parts.of_norms(norms)

    def _measured_here(self, gradients: Sequence[Tensor] | None) -> Tensor:
        if gradients is not None:
            return norms_of(gradients)
        known = [(index, _dense(each.grad)) for index, each in enumerate(self._parameters) if each.grad is not None]
        norms = torch.zeros(len(self._parameters), dtype=torch.float64, device=self._parameters[0].device)
        if known:
            found = norms_of([each for _, each in known])
            if len(known) == len(norms):
                return found
            norms[sent(tuple(index for index, _ in known), torch.long, norms.device)] = found
        return norms

    @property
    def scale(self) -> float:
        """The factor by which the scaler multiplies the loss; 1 without a scaler."""
        return float(self._scaler.get_scale()) if self._scaler is not None and self._scaler.is_enabled() else 1.0

    @property
    def weights_scale(self) -> float:
        """The factor by which the weights' gradients are currently multiplied."""
        return 1.0 if self._is_unscaled() else self.scale

    @property
    def are_thrown_away(self) -> bool:
        """Whether the gradients of a step are gone: the loop has cleared them, or a scaler has skipped the step."""
        gradients = [each.grad for each in self._parameters if each.grad is not None]
        return not gradients or (self._scaler is not None and not any(bool(plain(each).any()) for each in gradients))

    def _is_unscaled(self) -> bool:
        """Whether the weights' gradients are no longer what the scaler made of the loss."""
        if self._scaler is None or not self._scaler.is_enabled():
            return True
        return bool(self._scaler._per_optimizer_states[id(self._optimizer)]["stage"].name != "READY")


def _dense(gradient: Tensor) -> Tensor:
    """The numbers of a gradient that may be sharded, complex or sparse."""
    found = plain(gradient)
    return found.coalesce().values() if found.is_sparse else found


def _spread_over(parameters: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    """Up to 4 parameters, evenly spaced from the first to the last of the small ones; without those, the smallest."""
    small = [each for each in parameters if each.numel() <= SMALL] or sorted(parameters, key=Tensor.numel)[:1]
    return small[:: max(1, len(small) // SAMPLED)][:SAMPLED]


def _marks(gradients: Sequence[Tensor] | None) -> Marks | None:
    """What changes if a gradient is replaced or changed in place; None for gradients that do not tell.

    None on a GPU, too: there it costs less to take all norms than to wait for one.
    """
    if gradients is None or not all(map(ON_CPU, gradients)):
        return None
    return list(map(Tensor.data_ptr, gradients)), list(map(VERSION, gradients))
