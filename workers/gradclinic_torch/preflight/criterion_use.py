"""How the loss is called, and what of it is differentiated."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.experiments.losses import LossInput
from gradclinic.measurements.preflight import BOUNDS, InnerLoss, LossFacts, SelfComparison

from ..measure.loss_of_passes import Told, loss_of
from ..model.graph import holds_derivatives
from ..model.last_activation import last_activation
from .batch_facts import rarest_class
from .compared_samples import compared_samples
from .directions import spread_of_sizes
from .ignored_class import ignored_fraction
from .inner_losses import inner_losses
from .own_broadcast import broadcasts
from .own_floor import floors
from .right_outputs import RightOutputs, right_outputs
from .self_comparison import self_comparison
from .small_targets import largest_over_median
from .swapped_axes import are_swapped

_TAKES: tuple[tuple[type[nn.Module] | tuple[type[nn.Module], ...], LossInput], ...] = (
    ((nn.CrossEntropyLoss, nn.BCEWithLogitsLoss, nn.MultiLabelSoftMarginLoss, nn.SoftMarginLoss), "logits"),
    ((nn.NLLLoss, nn.KLDivLoss), "log_probabilities"),
    (nn.BCELoss, "probabilities"),
    ((nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss), "numbers"),
)
_BROADCASTING = (
    nn.MSELoss,
    nn.L1Loss,
    nn.SmoothL1Loss,
    nn.HuberLoss,
    nn.PoissonNLLLoss,
    nn.GaussianNLLLoss,
    nn.HingeEmbeddingLoss,
    nn.KLDivLoss,
    nn.MultiLabelSoftMarginLoss,
)
"""Losses that compare entry with entry, and broadcast outputs and targets of different shapes; others refuse them."""


class CriterionUse:
    """Follows the calls of one criterion through the first steps."""

    def __init__(self, criterion: nn.Module) -> None:
        self._criterion = criterion
        self._broadcasts = self._swapped = False
        self._returned: set[int] = set()
        """Addresses of the model's outputs of the first step."""
        self._rows: int | None = None
        """Rows of the model's output in the first step."""
        self._ignored: float | None = None
        self._sizes: float | None = None
        self._residual = False
        self._small_targets: float | None = None
        self._compared = 0
        self._right: RightOutputs | None = None
        self._self_compared: SelfComparison | None = None
        self._inner: tuple[InnerLoss, ...] = ()
        self._floors: tuple[float, float] | None = None
        self._values: list[Tensor] = []
        """The criterion's values since the last step."""
        self._told: list[Told] = []
        """What was differentiated since the last step."""
        self._factors: list[Tensor] = []

    def returned(self, output: Tensor) -> None:
        """The model has returned this tensor first, in the first step."""
        self._rows = len(output) if output.ndim else None
        self._returned.add(output.untyped_storage().data_ptr())

    def saw_value(self, value: Tensor) -> None:
        """The criterion was called."""
        self._values.append(value.detach())

    def saw_shapes(self, outputs: Tensor, targets: Tensor) -> None:
        """The criterion was called."""
        may_be = isinstance(self._criterion, _BROADCASTING)
        self._broadcasts = self._broadcasts or (may_be and outputs.shape != targets.shape)

    def differentiated(self, loss: Tensor | float, multiplied: Tensor | None) -> None:
        """A backward pass has ended."""
        told = loss.detach() if isinstance(loss, Tensor) else torch.tensor(float(loss))
        self._told.append((told.double().reshape(()).cpu(), None if multiplied is None else multiplied.double().cpu()))

    def after_step(self) -> None:
        """The optimizer has taken a step."""
        if self._values and self._told:
            mean = torch.stack([each.double().cpu() for each in self._values]).mean()
            self._factors.append(loss_of(self._told) / mean)
        self._values, self._told = [], []

    def saw_first(self, outputs: Tensor, targets: Tensor, value: Any) -> None:
        """Look for outputs whose axes were mixed up, and for targets that a loss of the program's own broadcasts."""
        if not isinstance(value, Tensor):
            return
        self._residual = self._residual or (not bool(targets.any()) and self._is_residual(outputs))
        takes_indices = targets.ndim < outputs.ndim and not targets.is_floating_point()
        self._swapped = self._swapped or (takes_indices and are_swapped(outputs, value))
        self._broadcasts = self._broadcasts or broadcasts(self._criterion, outputs, targets, value)
        self._ignored = self._ignored or ignored_fraction(self._criterion, outputs, targets, rows=self._rows)
        self._sizes = self._sizes or spread_of_sizes(self._criterion, outputs, targets, value)
        if self._small_targets is None:
            self._small_targets = largest_over_median(self._criterion, outputs, targets, value)
        self._compared = self._compared or compared_samples(self._criterion, outputs, targets, value)
        self._right = self._right or right_outputs(self._criterion, outputs, targets, value)
        if isinstance(self._criterion, nn.CrossEntropyLoss):
            self._self_compared = self._self_compared or self_comparison(outputs.detach(), targets)
        self._inner = self._inner or inner_losses(self._criterion, outputs, targets, value)
        activation = last_activation(outputs.grad_fn) or ""
        if self._floors is None and activation in BOUNDS:
            self._floors = floors(self._criterion, outputs, targets, value, bounds=BOUNDS[activation])

    def _is_residual(self, outputs: Tensor) -> bool:
        """Whether what the criterion gets is computed from the model's output, or holds derivatives of it."""
        direct = outputs.untyped_storage().data_ptr() in self._returned
        return not direct or (outputs.grad_fn is not None and holds_derivatives(outputs.grad_fn))

    def facts(self, targets: Tensor | None) -> LossFacts:
        """Everything that was seen so far; `targets` are rows, [rows, columns]."""
        takes = next((word for kinds, word in _TAKES if isinstance(self._criterion, kinds)), None)
        factor = _steady(self._factors)
        rare = rarest_class(self._criterion, targets) if targets is not None else None
        return LossFacts(
            name=type(self._criterion).__name__,
            takes=takes or "unknown",
            broadcasts=self._broadcasts,
            swapped=self._swapped,
            residual=self._residual,
            right_loss=self._right.loss if self._right is not None else None,
            opposed=self._right is not None and self._right.opposed,
            exceeded=self._right is not None and self._right.exceeded,
            inner=self._inner,
            small_targets=self._small_targets,
            ignored=self._ignored,
            spread_of_sizes=self._sizes,
            self_compared=self._self_compared,
            compared_samples=self._compared,
            bounded_floor=self._floors[0] if self._floors is not None else None,
            free_floor=self._floors[1] if self._floors is not None else None,
            factor=factor if factor is not None and factor > 0 else None,
            maximized=factor is not None and factor < 0,
            rare_weight=rare.weight if rare is not None else None,
            rare_fraction=rare.fraction if rare is not None else None,
        )


def _steady(factors: Sequence[Tensor]) -> float | None:
    """The factor of all steps, if it is equal within a thousandth; otherwise None."""
    if not factors:
        return None
    values = torch.stack(list(factors))
    if not bool(torch.isfinite(values).all()):
        return None
    middle = float(values.median())
    return middle if bool(((values - middle).abs() <= 1e-3 * abs(middle)).all()) else None
