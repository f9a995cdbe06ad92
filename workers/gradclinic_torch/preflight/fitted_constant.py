"""The loss of the best constant output, fitted with the program's own criterion; for losses without a closed form.

A few calls of the criterion are kept. After the training, one output for all rows is fitted to them by LBFGS in
float64, with a copy of the criterion; and any output for each row, which gives the least value that the loss has. The
training's weights, gradients and generators do not change. If the criterion does not return the same result again,
there is no fitted loss, and the reason is logged.
"""

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .criterion_call import CriterionCall, batch_axis, by_place, forms_of
from .least_value import EXACT, CannotFitError, EndlessError, least_value

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


class FittedConstant:
    """Calls of one criterion, and its smallest mean value over them for a constant output."""

    def __init__(self) -> None:
        self._calls: list[CriterionCall] = []
        self._seen = self._rows = self._numbers = 0
        self._criterion: nn.Module | None = None
        self._first_spread: Tensor | None = None
        self._last: Tensor | None = None
        """Outputs of the last call."""
        self._endless = False
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
        named = by_place(args, kwargs)
        tensors = {place: each for place, each in named.items() if isinstance(each, Tensor)}
        size = sum(each.numel() for each in tensors.values())
        if self._numbers + size > MOST_NUMBERS:
            return
        axis = batch_axis(criterion, list(tensors.values()))
        forms = forms_of(tensors, axis) if axis is not None else {}
        if not forms or (self._calls and forms != self._calls[0].forms):
            return
        held = {place: each.detach().clone() if isinstance(each, Tensor) else each for place, each in named.items()}
        self._calls.append(
            CriterionCall(
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

    def is_endless(self) -> bool:
        """Whether one output for all rows lowers the loss without end."""
        self.constant()
        return self._endless

    def floor(self) -> float | None:
        """The least loss that any outputs reach, mean over the kept calls; None if unknown, or without a bound.

        None also if the search ended above the value for a constant, and so before the least one.
        """
        constant = self.constant()
        least = None if constant is None else self._fit("the least value of the loss", free=True)
        if constant is None or least is None or least > constant + EXACT * abs(constant):
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
                self._endless = self._endless or (isinstance(error, EndlessError) and not free)
                self._known[free] = None
        return self._known.get(free)

    def _fitted(self, criterion: nn.Module, *, free: bool) -> float:
        if self._rows < FEWEST_ROWS:
            raise CannotFitError(f"only {self._rows} rows were seen, but {FEWEST_ROWS} are needed")
        return least_value(criterion, self._calls, free=free)


def _spread(outputs: Tensor) -> Tensor:
    """[columns]: deviation of each entry of the outputs over the samples, in float64 on the CPU."""
    return outputs.reshape(len(outputs), -1).double().std(0, unbiased=False).cpu()
