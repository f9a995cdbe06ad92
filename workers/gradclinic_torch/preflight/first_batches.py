"""Checks the first batches of a training for mistakes that gradients do not show, without side effects.

before_forward   the model is called: its input
after_forward    the model has returned: its output
after_loss       the criterion was called: outputs, targets, its value
after_backward   the gradients of a step are there, before any clipping
after_step       the optimizer has taken a step
facts            what was seen
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.experiments.losses import LossInput
from gradclinic.measurements.preflight import (
    BOUNDS,
    InputFacts,
    LossFacts,
    MixingFacts,
    NormFacts,
    OptimizerFacts,
    OrderFacts,
    OutputFacts,
    PrecisionFacts,
    Preflight,
    TargetFacts,
    WiringFacts,
)

from ..model.graph import Node, holds_derivatives, is_linear_map, leaves_of
from ..model.last_activation import before_last_activation, last_activation
from .batch_facts import ENTRIES, as_rows, input_facts, output_facts, rarest_class, target_facts, with_reach
from .clamped import clamped_at
from .own_broadcast import broadcasts
from .own_floor import floors
from .right_outputs import loss_of_right_outputs
from .sample_mixing import SampleMixing
from .step_order import StepOrder
from .swapped_axes import are_swapped
from .target_order import TargetOrder

BATCHES = 8
"""Number of batches that are checked."""

_SAMPLES = 8
"""Fewest samples of a batch that are not equal by chance."""
_BATCH_NORM = nn.modules.batchnorm._BatchNorm
_TAKES: tuple[tuple[type[nn.Module] | tuple[type[nn.Module], ...], LossInput], ...] = (
    ((nn.CrossEntropyLoss, nn.BCEWithLogitsLoss, nn.MultiLabelSoftMarginLoss, nn.SoftMarginLoss), "logits"),
    ((nn.NLLLoss, nn.KLDivLoss), "log_probabilities"),
    (nn.BCELoss, "probabilities"),
    ((nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss), "numbers"),
)


class FirstLook:
    """Observes the first batches of one training."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        criterion: nn.Module | None = None,
    ) -> None:
        self._model, self._optimizer, self._criterion = model, optimizer, criterion
        self._inputs, self._targets = _Kept(), _Kept()
        self._inputs_alike: list[bool] = []
        """For each batch, whether all its samples were equal."""
        self._targets_are_indices = False
        self._target_order = TargetOrder()
        self._outputs: OutputFacts | None = None
        self._broadcasts = self._swapped = False
        self._returned: set[int] = set()
        """Addresses of the model's outputs of the first step."""
        self._residual = False
        self._right_loss: float | None = None
        self._floors: tuple[float, float] | None = None
        self._values: list[Tensor] = []
        """The criterion's values since the last step."""
        self._factors: list[Tensor] = []
        self._told: list[Tensor] = []
        self._narrowest: torch.dtype | None = None
        self._mixing = SampleMixing(model)
        self._mixes: MixingFacts | None = None
        self._step_order = StepOrder(model)
        self._order: OrderFacts | None = None
        self._linear: bool | None = None
        self._norm: NormFacts | None = None
        self._least_momentum = _least_momentum(model)
        self._handles = [
            module.register_forward_pre_hook(self._norm_seer(name))
            for name, module in model.named_modules()
            if isinstance(module, _BATCH_NORM)
        ]
        self._leaves: list[Tensor] = []
        self._versions: dict[int, int] = {}
        self._without_gradient: set[int] = set()
        self._ran: dict[int, bool] = {}
        """Whether the layers of parameters without a gradient, by the parameter's identity, ever ran with one."""
        self._zero: list[bool] = []
        self._unmoved: list[Tensor] = []
        """Weights whose gradient was exactly zero at every step so far."""
        self._bounds: list[float | None] = []
        """The bound that most weights are clamped at, at each step but the first."""
        self._stops_at: str | None = None
        self._uncleared: list[bool] = []
        self._evaluating: tuple[str, ...] = ()
        self._alike = False
        self._dropout: float | None = None
        self._settings: OptimizerFacts | None = None
        self._batch_size: int | None = None
        self._step = 0
        self._fresh = True
        """Whether no gradient has come since the last step."""

    @property
    def done(self) -> bool:
        """Whether enough batches were observed."""
        return self._step >= BATCHES

    # --- events ---

    @torch.no_grad()
    def before_forward(self, inputs: Any, args: tuple[Any, ...], kwargs: Mapping[str, object]) -> None:
        """The model is about to be called; `inputs` is the first tensor among its arguments."""
        self._mixing.before_forward(args, kwargs)
        self._step_order.before_forward(args, kwargs)
        if not self.done and isinstance(inputs, Tensor) and inputs.is_floating_point() and inputs.ndim > 0:
            self._inputs.add(as_rows(inputs))
            alone = sum(isinstance(each, Tensor) for each in (*args, *kwargs.values())) == 1
            self._inputs_alike.append(alone and len(inputs) >= _SAMPLES and bool((inputs == inputs[:1]).all()))

    def after_forward(self, output: Tensor | None) -> None:
        """The model has returned this tensor first."""
        if self._step == 0 and output is not None:
            self._returned.add(output.untyped_storage().data_ptr())

    def after_loss(self, outputs: Any, targets: Any, value: Any) -> None:
        """The criterion was called in training."""
        if isinstance(targets, Tensor):
            self._target_order.saw(targets)
        if self.done or not isinstance(outputs, Tensor):
            return
        self._mixing.after_loss(outputs, targets)
        self._step_order.after_loss(targets)
        if isinstance(value, Tensor) and value.ndim == 0:
            self._values.append(value.detach())
            if value.requires_grad:
                value.register_hook(lambda _: self._before_backward())  # type: ignore[no-untyped-call]
        with torch.no_grad():
            self._saw_outputs(outputs)
            if isinstance(targets, Tensor):
                if self._step == 0:
                    self._compare_shapes(outputs, targets, value)
                self._saw_targets(outputs, targets)

    @torch.no_grad()
    def after_backward(self, loss: Tensor | float) -> None:
        """A backward pass has ended; `loss` is what the program differentiated."""
        if self.done:
            return
        told = loss.detach() if isinstance(loss, Tensor) else torch.tensor(float(loss))
        self._told.append(told.double().reshape(()))
        if self._step == 0 and self._fresh:
            self._saw_wiring(loss.grad_fn if isinstance(loss, Tensor) else None)
        self._fresh = False

    @torch.no_grad()
    def before_step(self) -> None:
        """The optimizer is about to take a step."""
        if self.done:
            return
        gradients = [each.grad for each in self._leaves if each.grad is not None]
        self._zero.append(bool(gradients) and not any(bool(each.any()) for each in gradients))
        held = [each for group in self._optimizer.param_groups for each in group["params"]]
        missing = {id(each) for each in held if each.requires_grad and each.grad is None}
        self._without_gradient = missing if self._step == 0 else self._without_gradient & missing
        weights = [each for each in self._leaves if each.ndim > 1] if self._step == 0 else self._unmoved
        self._unmoved = [each for each in weights if each.grad is not None and not bool(each.grad.any())]
        if self._step > 0:
            self._bounds.append(clamped_at(self._leaves))
        if self._step == 0:
            self._watch_the_forward_of(missing)
            self._stops_at = self._first_without_signal()
            self._mixes = self._mixes or self._mixing.facts()
            self._order = self._order or self._step_order.facts()

    def after_step(self) -> None:
        """The optimizer has taken a step."""
        if self.done:
            return
        if self._values and self._told:
            mean = torch.stack([each.double().cpu() for each in self._values]).mean()
            self._factors.append(torch.stack([each.cpu() for each in self._told]).sum() / mean)
        self._values, self._told = [], []
        self._step += 1
        self._fresh = True

    def close(self) -> None:
        """Remove all hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    # --- results ---

    def facts(self, *, scaled: bool = False) -> Preflight:
        """Everything that was seen so far; `scaled`: whether a gradient scaler is in use."""
        self.close()
        return Preflight(
            inputs=self._input_facts(),
            targets=self._target_facts(),
            outputs=self._output_facts(),
            loss=self._loss_facts(),
            wiring=self._wiring_facts(),
            precision=self._precision_facts(scaled=scaled),
            optimizer=self._settings,
            norm=self._norm,
            mixing=self._mixes,
            order=self._order,
            linear=self._linear,
            dropout=self._dropout,
            batch_size=self._batch_size,
        )

    # --- its parts ---

    def _before_backward(self) -> None:
        """The first gradient of a backward is there, none of the parameters' own yet."""
        if self._fresh and 1 <= self._step < BATCHES:
            stale = [each.grad for group in self._optimizer.param_groups for each in group["params"]]
            self._uncleared.append(any(each is not None and bool(each.any()) for each in stale))

    def _saw_outputs(self, outputs: Tensor) -> None:
        self._narrow(outputs.dtype)
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
        same = outputs.shape == targets.shape
        by_number = isinstance(self._criterion, nn.MSELoss | nn.L1Loss | nn.SmoothL1Loss | nn.HuberLoss)
        self._broadcasts = self._broadcasts or (by_number and not same)
        self._targets.add(targets.reshape(-1, 1) if indices or targets.ndim < 2 else as_rows(targets))

    def _compare_shapes(self, outputs: Tensor, targets: Tensor, value: Any) -> None:
        """Look for outputs whose axes were mixed up, and for targets that a loss of the program's own broadcasts."""
        if not isinstance(value, Tensor) or self._criterion is None:
            return
        self._residual = self._residual or (not bool(targets.any()) and self._is_residual(outputs))
        takes_indices = targets.ndim < outputs.ndim and not targets.is_floating_point()
        self._swapped = self._swapped or (takes_indices and are_swapped(outputs, value))
        self._broadcasts = self._broadcasts or broadcasts(self._criterion, outputs, targets, value)
        if self._right_loss is None:
            self._right_loss = loss_of_right_outputs(self._criterion, outputs, targets, value)
        activation = last_activation(outputs.grad_fn) or ""
        if self._floors is None and activation in BOUNDS:
            self._floors = floors(self._criterion, outputs, targets, value, bounds=BOUNDS[activation])

    def _is_residual(self, outputs: Tensor) -> bool:
        """Whether what the criterion gets is computed from the model's output, or holds derivatives of it."""
        direct = outputs.untyped_storage().data_ptr() in self._returned
        return not direct or (outputs.grad_fn is not None and holds_derivatives(outputs.grad_fn))

    def _saw_wiring(self, root: Node | None) -> None:
        self._leaves = leaves_of(root) if root is not None else list(self._model.parameters())
        self._versions = {id(each): each._version for each in self._leaves}
        self._evaluating = tuple(
            name
            for name, module in self._model.named_modules()
            if isinstance(module, _BATCH_NORM | nn.modules.dropout._DropoutNd) and not module.training
        )
        dropped = [
            float(module.p)
            for module in self._model.modules()
            if isinstance(module, nn.modules.dropout._DropoutNd) and module.training
        ]
        self._dropout = max(dropped, default=None)
        matrices = [each for each in self._leaves if isinstance(each, nn.Parameter) and each.ndim > 1]
        self._alike = len(matrices) > 1 and all(each.numel() > 1 and _is_one_value(each) for each in matrices)
        group = self._optimizer.param_groups[0]
        betas = group.get("betas", (0.0, 0.0))
        self._settings = OptimizerFacts(
            name=type(self._optimizer).__name__,
            learning_rate=float(group["lr"]),
            weight_decay=float(group.get("weight_decay", 0.0)),
            momentum=float(group.get("momentum", betas[0])),
        )
        for parameter in self._model.parameters():
            self._narrow(parameter.dtype)

    def _first_without_signal(self) -> str | None:
        """The weight nearest to the loss whose gradient is exactly zero."""
        names = {id(each): name for name, each in self._model.named_parameters()}
        for leaf in self._leaves:
            if leaf.ndim > 1 and leaf.grad is not None and not bool(leaf.grad.any()):
                return names.get(id(leaf), f"a weight of shape {list(leaf.shape)}")
        return None

    def _wiring_facts(self) -> WiringFacts | None:
        if not self._leaves:
            return None
        names = {id(each): name for name, each in self._model.named_parameters()}
        own = [each for group in self._optimizer.param_groups for each in group["params"]]
        held, trained = {id(each) for each in own}, {id(each) for each in own if each.requires_grad}
        stuck = [
            each
            for each in self._leaves
            if isinstance(each, nn.Parameter) and id(each) not in held and each._version == self._versions[id(each)]
        ]
        weights = [each for each in self._leaves if isinstance(each, nn.Parameter)]
        everything = sum(each.numel() for each in weights)
        return WiringFacts(
            untrained=_called(stuck, names),
            unregistered=sum(id(each) not in names for each in stuck),
            untrained_fraction=sum(each.numel() for each in stuck) / everything if everything else 0.0,
            without_gradient=tuple(name for key, name in names.items() if key in self._without_gradient),
            unreached=bool(self._without_gradient) and self._without_gradient >= trained,
            cut_off=tuple(
                name for key, name in names.items() if key in self._without_gradient and not self._ran.get(key, True)
            ),
            zero_gradient=bool(self._zero) and all(self._zero),
            unmoved=tuple(names[id(each)] for each in self._unmoved if id(each) in names),
            stops_at=self._stops_at,
            uncleared=len(self._uncleared) >= 2 and all(self._uncleared),
            evaluating=self._evaluating,
            alike=self._alike,
            clamped_at=_one_bound(self._bounds),
        )

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
        if outputs is None or targets is None or self._targets_are_indices:
            return outputs
        return with_reach(outputs, targets)

    def _loss_facts(self) -> LossFacts | None:
        if self._criterion is None:
            return None
        takes = next((word for kinds, word in _TAKES if isinstance(self._criterion, kinds)), None)
        factor = _steady(self._factors)
        targets = self._targets.rows()
        rare = rarest_class(self._criterion, targets) if targets is not None else None
        return LossFacts(
            name=type(self._criterion).__name__,
            takes=takes or "unknown",
            broadcasts=self._broadcasts,
            swapped=self._swapped,
            residual=self._residual,
            right_loss=self._right_loss,
            bounded_floor=self._floors[0] if self._floors is not None else None,
            free_floor=self._floors[1] if self._floors is not None else None,
            factor=factor if factor is not None and factor > 0 else None,
            maximized=factor is not None and factor < 0,
            rare_weight=rare.weight if rare is not None else None,
            rare_fraction=rare.fraction if rare is not None else None,
        )

    def _precision_facts(self, *, scaled: bool) -> PrecisionFacts | None:
        if self._narrowest is None:
            return None
        return PrecisionFacts(lowest=str(self._narrowest).removeprefix("torch."), scaled=scaled)

    def _narrow(self, dtype: torch.dtype) -> None:
        if not dtype.is_floating_point:
            return
        if self._narrowest is None or torch.finfo(dtype).bits < torch.finfo(self._narrowest).bits:
            self._narrowest = dtype

    def _watch_the_forward_of(self, missing: set[int]) -> None:
        """Note from the next forward on whether layers that got no gradient run with gradients enabled."""

        def watch(own: list[int]) -> Callable[[nn.Module, tuple[Any, ...]], None]:
            def see(module: nn.Module, _: tuple[Any, ...]) -> None:
                if module.training:
                    for key in own:
                        self._ran[key] = self._ran.get(key, False) or torch.is_grad_enabled()

            return see

        for module in self._model.modules() if missing else ():
            own = [id(each) for each in module.parameters(recurse=False) if id(each) in missing]
            if own:
                self._handles.append(module.register_forward_pre_hook(watch(own)))

    def _norm_seer(self, name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def see(module: nn.Module, args: tuple[Any, ...]) -> None:
            if module.training and args and isinstance(args[0], Tensor) and args[0].ndim > 1:
                values = args[0].numel() // max(1, args[0].shape[1])
                if self._norm is None or values < self._norm.values:
                    self._norm = NormFacts(layer=name, values=values, least_momentum=self._least_momentum)

        return see


def _least_momentum(model: nn.Module) -> float | None:
    """The least momentum of the running statistics of any batch norm that has seen no batch; None without one."""
    norms = [module for module in model.modules() if isinstance(module, _BATCH_NORM)]
    begin = [each for each in norms if each.num_batches_tracked is not None and not bool(each.num_batches_tracked)]
    return min((float(each.momentum) for each in begin if each.momentum is not None), default=None)


class _Kept:
    """The first rows of a tensor, as float64 on the CPU."""

    def __init__(self) -> None:
        self._parts: list[Tensor] = []
        self._entries = 0

    def add(self, rows: Tensor) -> None:
        """Keep what there is room for; rows of another width than the first are left out."""
        room = (ENTRIES - self._entries) // max(1, rows.shape[1])
        if room <= 0 or (self._parts and self._parts[0].shape[1] != rows.shape[1]):
            return
        part = rows[:room].detach().double().cpu()
        self._parts.append(part)
        self._entries += part.numel()

    def rows(self) -> Tensor | None:
        """[rows, columns]; None if nothing was kept."""
        return torch.cat(self._parts) if self._parts else None


def _one_bound(bounds: Sequence[float | None]) -> float | None:
    """The bound, where it is the same at every step."""
    return bounds[0] if len(bounds) > 1 and len(set(bounds)) == 1 else None


def _is_one_value(weight: Tensor) -> bool:
    return bool((weight == weight.flatten()[0]).all())


def _called(parameters: Sequence[Tensor], names: Mapping[int, str]) -> tuple[str, ...]:
    """The parameters by name; those that no module holds by their shape, each shape once."""
    unnamed = Counter(tuple(each.shape) for each in parameters if id(each) not in names)
    return (
        *(names[id(each)] for each in parameters if id(each) in names),
        *(
            f"{f'{count} parameters' if count > 1 else 'a parameter'} of shape {list(shape)}"
            for shape, count in unnamed.items()
        ),
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
