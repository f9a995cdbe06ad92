"""Checks the first batches of a training for mistakes that gradients do not show, without side effects.

before_forward   the model is called: its input
after_forward    the model has returned: its output
after_loss       the criterion was called: outputs, targets, its value
after_backward   the gradients of a step are there, before any clipping
after_step       the optimizer has taken a step
facts            what was seen
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.measurements.preflight import (
    FitFacts,
    InputFacts,
    MixingFacts,
    OptimizerFacts,
    OrderFacts,
    OutputFacts,
    PairingFacts,
    PrecisionFacts,
    Preflight,
    TargetFacts,
)

from ..model.dtype import name_of
from ..model.graph import is_linear_map
from ..model.last_activation import before_last_activation, last_activation
from ..model.learning_rate import rate_of
from .batch_facts import ENTRIES, as_rows, input_facts, output_facts, target_facts, with_reach
from .criterion_use import CriterionUse
from .dead_outputs import ENDS_AT_0, DeadOutputs
from .kept_rows import KeptRows
from .next_token import NextToken
from .norm_values import NormValues
from .pairing import Pairing
from .sample_mixing import SampleMixing
from .side_look import SideLook
from .step_order import StepOrder
from .target_order import TargetOrder
from .wiring import DROPOUT, Wiring

BATCHES = 8
"""Number of batches that are checked."""

_SAMPLES = 8
"""Fewest samples of a batch that are not equal by chance."""


class FirstLook:
    """Observes the first batches of one training."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        criterion: nn.Module | None = None,
    ) -> None:
        self._model, self._optimizer = model, optimizer
        self._inputs, self._targets = KeptRows(), KeptRows()
        self._inputs_alike: list[bool] = []
        """For each batch, whether all its samples were equal."""
        self._targets_are_indices = False
        self._target_order = TargetOrder()
        self._outputs: OutputFacts | None = None
        self._use = CriterionUse(criterion) if criterion is not None else None
        self._narrowest: torch.dtype | None = None
        self._mixing = SampleMixing(model)
        self._mixes: MixingFacts | None = None
        self._step_order = StepOrder(model)
        self._order: OrderFacts | None = None
        self._paired = Pairing()
        self._pairing = SideLook(self._paired, loses="it is not known whether targets depend on inputs")
        self._next_token = NextToken()
        self._dead = DeadOutputs()
        self._linear: bool | None = None
        self._norm = NormValues(model)
        self._wiring = Wiring(model, optimizer)
        self._dropout: float | None = None
        self._settings: OptimizerFacts | None = None
        self._batch_size: int | None = None
        self._step_samples = 0
        self._step = 0
        self._fresh = True
        """Whether no gradient has come since the last step."""

    @property
    def done(self) -> bool:
        """Whether enough batches were observed."""
        return self._step >= BATCHES

    @property
    def over(self) -> bool:
        """Whether nothing more is of interest, of any later batch either."""
        follows_outputs = self._outputs is not None and self._outputs.activation in ENDS_AT_0
        paired = self._paired.done or self._pairing.rests
        return self.done and paired and self._target_order.done and not follows_outputs

    # --- events ---

    @torch.no_grad()
    def before_forward(self, inputs: Any, args: tuple[Any, ...], kwargs: Mapping[str, object]) -> None:
        """The model is about to be called; `inputs` is the first tensor among its arguments."""
        self._pairing.do(lambda pairing: pairing.before_forward(args, kwargs))
        self._mixing.before_forward(args, kwargs)
        self._step_order.before_forward(args, kwargs)
        if self._step == 0:
            self._next_token.before_forward(args, kwargs)
        if not self.done and isinstance(inputs, Tensor) and inputs.is_floating_point() and inputs.ndim > 0:
            self._inputs.add(as_rows(inputs))
            alone = sum(isinstance(each, Tensor) for each in (*args, *kwargs.values())) == 1
            self._inputs_alike.append(alone and len(inputs) >= _SAMPLES and bool((inputs == inputs[:1]).all()))

    def after_forward(self, output: Tensor | None) -> None:
        """The model has returned this tensor first."""
        if self._use is not None and self._step == 0 and output is not None:
            self._use.returned(output)

    def after_loss(self, outputs: Any, targets: Any, value: Any) -> None:
        """The criterion was called in training."""
        if isinstance(targets, Tensor):
            self._target_order.saw(targets)
            self._pairing.do(lambda pairing: pairing.after_loss(targets))
            if self._outputs is not None and isinstance(outputs, Tensor) and self._outputs.activation in ENDS_AT_0:
                self._dead.saw(outputs.detach(), targets)
        if self.done or not isinstance(outputs, Tensor):
            return
        self._mixing.after_loss(outputs, targets)
        self._step_order.after_loss(targets)
        if self._step == 0 and isinstance(targets, Tensor):
            self._next_token.after_loss(targets)
        if isinstance(value, Tensor) and value.ndim == 0 and self._use is not None:
            self._use.saw_value(value)
        with torch.no_grad():
            self._saw_outputs(outputs)
            if isinstance(targets, Tensor):
                self._saw_targets(outputs, targets)
                if self._use is not None:
                    self._use.saw_shapes(outputs, targets)
                    if self._step == 0:
                        self._use.saw_first(outputs, targets, value)

    def before_backward(self) -> None:
        """The first gradient of a backward is there, none of the parameters' own yet."""
        if self._fresh and 1 <= self._step < BATCHES:
            self._wiring.before_backward()

    def after_backward(self, loss: Tensor | float, *, multiplied: Tensor | None = None) -> None:
        """A backward pass has ended; `loss` is what the program differentiated, times `multiplied` if that was seen."""
        if not self.done:
            self._after_backward(loss, multiplied)

    @torch.no_grad()
    def _after_backward(self, loss: Tensor | float, multiplied: Tensor | None) -> None:
        if self._use is not None:
            self._use.differentiated(loss, multiplied)
        if self._step == 0 and self._fresh:
            self._wiring.saw_loss(loss.grad_fn if isinstance(loss, Tensor) else None)
            self._saw_settings()
        self._fresh = False

    @torch.no_grad()
    def before_step(self) -> None:
        """The optimizer is about to take a step."""
        if self.done:
            return
        self._wiring.before_step(is_first=self._step == 0)
        if self._step == 0:
            self._mixes = self._mixes or self._mixing.facts()
            self._order = self._order or self._step_order.facts()

    def after_step(self) -> None:
        """The optimizer has taken a step."""
        if self.done:
            return
        if self._use is not None:
            self._use.after_step()
        self._step += 1
        self._fresh = True

    def close(self) -> None:
        """Remove all hooks."""
        self._norm.close()
        self._wiring.close()

    # --- results ---

    def facts(self, *, scaled: bool = False) -> Preflight:
        """Everything that was seen so far; `scaled`: whether a gradient scaler is in use."""
        self.close()
        return Preflight(
            inputs=self._input_facts(),
            targets=self._target_facts(),
            outputs=self._output_facts(),
            loss=self._use.facts(self._targets.rows()) if self._use is not None else None,
            wiring=self._wiring.facts(),
            precision=self._precision_facts(scaled=scaled),
            optimizer=self._settings,
            norm=self._norm.facts,
            mixing=self._mixes,
            order=self._order,
            pairing=self._pairing_facts(),
            fit=self._fit(),
            unexplained=self._unexplained(),
            next_token=self._next_token.found,
            linear=self._linear,
            dropout=self._dropout,
            batch_size=self._batch_size,
            step_samples=self._step_samples or None,
        )

    # --- its parts ---

    def _saw_outputs(self, outputs: Tensor) -> None:
        self._narrow(outputs.dtype)
        if self._step == 0 and outputs.ndim:
            self._step_samples += len(outputs)
        if self._outputs is not None or outputs.ndim == 0 or not outputs.numel():
            return
        self._batch_size = len(outputs)
        rows = as_rows(outputs[: max(1, ENTRIES // max(1, outputs[0].numel()))]).double().cpu()
        self._outputs = output_facts(rows, activation=last_activation(outputs.grad_fn))
        inner = before_last_activation(outputs.grad_fn)
        self._linear = None if inner is None else is_linear_map(inner)

    def _saw_targets(self, outputs: Tensor, targets: Tensor) -> None:
        indices = not targets.is_floating_point() and targets.ndim < outputs.ndim
        self._targets_are_indices = indices
        self._targets.add(targets.reshape(-1, 1) if indices or targets.ndim < 2 else as_rows(targets))

    def _saw_settings(self) -> None:
        dropped = [
            float(module.p) for module in self._model.modules() if isinstance(module, DROPOUT) and module.training
        ]
        self._dropout = max(dropped, default=None)
        self._settings = _settings_of(self._optimizer)
        for parameter in self._model.parameters():
            self._narrow(parameter.dtype)

    def _input_facts(self) -> InputFacts | None:
        rows = self._inputs.rows()
        alike = bool(self._inputs_alike) and all(self._inputs_alike)
        return input_facts(rows).model_copy(update={"alike": alike}) if rows is not None else None

    def _target_facts(self) -> TargetFacts | None:
        rows = self._targets.rows()
        facts = target_facts(rows, indices=self._targets_are_indices) if rows is not None else None
        if facts is None:
            return None
        return facts.model_copy(update={"in_order": self._target_order.is_sorted})

    def _output_facts(self) -> OutputFacts | None:
        outputs, targets = self._outputs, self._targets.rows()
        if outputs is None:
            return None
        outputs = outputs.model_copy(update={"dead": self._dead.count})
        return outputs if targets is None or self._targets_are_indices else with_reach(outputs, targets)

    def _pairing_facts(self) -> PairingFacts | None:
        found: list[PairingFacts | None] = []
        self._pairing.do(lambda pairing: found.append(pairing.facts()))
        return next(iter(found), None)

    def _fit(self) -> FitFacts | None:
        found: list[FitFacts | None] = []
        self._pairing.do(lambda pairing: found.append(pairing.fit()))
        return next(iter(found), None)

    def _unexplained(self) -> float | None:
        found: list[float | None] = []
        self._pairing.do(lambda pairing: found.append(pairing.unexplained()))
        return next(iter(found), None)

    def _precision_facts(self, *, scaled: bool) -> PrecisionFacts | None:
        if self._narrowest is None:
            return None
        return PrecisionFacts(lowest=name_of(self._narrowest), scaled=scaled)

    def _narrow(self, dtype: torch.dtype) -> None:
        if not dtype.is_floating_point:
            return
        if self._narrowest is None or torch.finfo(dtype).bits < torch.finfo(self._narrowest).bits:
            self._narrowest = dtype


def _settings_of(optimizer: torch.optim.Optimizer) -> OptimizerFacts | None:
    """The settings of the first group; None without a learning rate."""
    rate, group = rate_of(optimizer), optimizer.param_groups[0]
    if rate is None:
        return None
    betas, eps = group.get("betas") or (0.0,), group.get("eps")
    return OptimizerFacts(
        name=type(optimizer).__name__,
        learning_rate=rate,
        weight_decay=float(group.get("weight_decay") or 0.0),
        momentum=float(group.get("momentum", betas[0]) or 0.0),
        eps=float(eps) if isinstance(eps, float | int) else None,
    )
