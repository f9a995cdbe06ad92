"""Hooks for the parts of a step outside of the layers: the calls of model and loss, and the optimizer's step."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gradclinic.measurements.origin import NonFiniteOrigin
from gradclinic.measurements.preflight import Preflight

from ..model.compiled import OutsideGraph, is_data_parallel, takes_hooks
from ..model.hooks import first_tensor
from ..model.placement import is_split
from ..non_finite.origin import LastBatch
from ..preflight.constant import ConstantLoss
from ..preflight.critic import Critic
from ..preflight.first_batches import FirstLook
from ..preflight.fitted_constant import FittedConstant
from ..preflight.loss_arguments import outputs_and_targets
from ..preflight.loss_gradient import LossGradient
from ..preflight.side_look import SideLook
from .closure import Arguments, followed, is_within_backward
from .observer import Observer

log = logging.getLogger("gradclinic.recording")

Safely = Callable[[Callable[[], None]], None]
"""Calls a function; if it fails, the recording ends."""


class TrainingHooks:
    """The hooks of one training; they notify the observer, and all else that observes the training."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        criterion: nn.Module | None,
        *,
        observer: Observer,
        safely: Safely,
    ) -> None:
        self._observer, self._safely = observer, safely
        self._constant: ConstantLoss | None = ConstantLoss()
        """None if the loss module also serves another training, because not all its targets belong to this one."""
        self._fitted = FittedConstant()
        self._loss_gradient = LossGradient()
        self._critic = Critic(each for group in optimizer.param_groups for each in group["params"])
        self._silent = False
        alone = not any(is_split(each) for each in model.parameters())
        """Whether no parameter is sharded over several processes; otherwise all of them would have to take part."""
        parallel = any(is_data_parallel(module) for module in model.modules())
        """Whether another forward pass, as the search for an origin makes it, may wait for other processes."""
        self._last_batch = SideLook(
            LastBatch(model, optimizer) if alone and not parallel else None,
            loses="the origin of the first NaN is unknown",
        )
        self._first_look = SideLook(
            FirstLook(model, optimizer, criterion) if alone else None, loses="the first batches are not checked"
        )
        self.origin: NonFiniteOrigin | None = None
        """The origin of the first number that is not finite."""
        self._handles: list[RemovableHandle] = [
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._stepped),
        ]
        if takes_hooks(model):
            self._handles.append(model.register_forward_pre_hook(OutsideGraph(self._called), with_kwargs=True))
            self._handles.append(model.register_forward_hook(OutsideGraph(self._returned)))
        if criterion is not None and takes_hooks(criterion):
            saw = OutsideGraph(self._saw_targets)
            self._handles.append(criterion.register_forward_hook(saw, with_kwargs=True))

    def after_backward(self, loss: Tensor | float) -> None:
        """A backward pass that started at this loss has ended."""
        self._first_look.do(lambda look: look.after_backward(loss, multiplied=self._multiplied(loss)))
        self._last_batch.do(lambda last: last.after_backward(loss))
        self._safely(lambda: self._observe(loss))
        if self._observer.steps_within_backward:
            self._safely(self._observer.before_step)
            self._safely(self._step_done)

    def after_multiplied(self, loss: Tensor, came_back: Tensor) -> None:
        """A backward has ended, in which this came back to the loss, a scalar: what the loop multiplied it by."""
        with torch.enable_grad():
            self.after_backward(loss * (came_back / self._observer.scale_behind(came_back)))

    def after_another(self) -> None:
        """A backward of another training has come through this model."""
        self._constant = None

    def preflight(self) -> Preflight | None:
        """The observations of the first batches."""
        seen: list[Preflight] = []
        self._first_look.ask(lambda look: seen.append(look.facts(scaled=self._observer.is_scaled)))
        facts = next(iter(seen), None)
        if facts is None:
            return None
        if self._constant is None:
            facts = facts.model_copy(update={"targets": None, "pairing": None, "unexplained": None})
        if facts.loss is not None and self._constant is not None and not self._critic.seen:
            fitted = {
                "constant": self._fitted.constant(),
                "floor": self._fitted.floor(),
                "endless": self._fitted.is_endless(),
                "spread_left": self._fitted.spread_left(),
            }
            of_soft_targets = self._constant.floor()
            if of_soft_targets is not None:
                fitted |= {"constant": self._constant.value(), "floor": of_soft_targets}
            facts = facts.model_copy(update={"loss": facts.loss.model_copy(update=fitted)})
        if facts.targets is None or facts.targets.distinct > 1 or not self._critic.seen:
            return facts
        return facts.model_copy(update={"targets": None})

    def constant_loss(self) -> float | None:
        """The loss of the best constant prediction, from the targets or by calling the loss module again.

        None where the targets are all alike because another network judges: they are not this model's.
        """
        if self._constant is None:
            return None
        counted = self._constant.value()
        if self._critic.seen and counted is not None and counted <= 0:
            return None
        return self._fitted.value() if counted is None else counted

    def end_trace(self) -> None:
        """Stop searching for the origin of a NaN, because the recording is over."""
        self._last_batch.end()

    def close(self) -> None:
        """Remove all hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _multiplied(self, loss: Tensor | float) -> Tensor | None:
        """What the loop multiplied a loss by, without a scaler's scale; None where that was not seen."""
        came_back = self._loss_gradient.of(loss)
        return None if came_back is None else came_back / self._observer.scale_behind(came_back)

    def _observe(self, loss: Tensor | float) -> None:
        self._observer.after_backward(loss, gradient=self._loss_gradient.of(loss))
        if self._loss_gradient.serves_others(loss):
            self._constant = None

    # --- the hooks ---

    def _called(self, _: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if torch.is_grad_enabled():
            given = (*args, *kwargs.values())
            self._first_look.do(lambda look: look.before_forward(first_tensor(given), args, kwargs))
            self._last_batch.do(lambda last: last.before_forward(first_tensor(given), args, dict(kwargs)))

    def _returned(self, _: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if torch.is_grad_enabled():
            self._first_look.do(lambda look: look.after_forward(first_tensor(output)))
            self._last_batch.do(lambda last: last.after_forward(first_tensor(output)))
            self._safely(lambda: self._critic.after_forward(output))

    def _before_step(self, _: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:
        """Look at the gradients that the optimizer will take: now, or when the program's closure has made them."""
        if is_within_backward():
            self._observer.steps_within_backward = True
            self._first_look.end()
            self._last_batch.end()
            return None

        def look() -> None:
            self._first_look.do(lambda look: look.before_step())
            self._last_batch.do(self._trace)
            self._safely(self._observer.before_step)

        replaced: list[Arguments | None] = []
        self._safely(lambda: replaced.append(followed(args, kwargs, look)))
        with_closure = replaced[0] if replaced else None
        if with_closure is None:
            look()
        return with_closure

    def _stepped(self, *_: object) -> None:
        self._first_look.do(self._looked)
        self._safely(self._after_step)

    def _looked(self, first: FirstLook) -> None:
        first.after_step()
        if first.over:
            self._first_look.rest()

    def _after_step(self) -> None:
        if not self._observer.steps_within_backward:
            self._step_done()

    def _step_done(self) -> None:
        self._loss_gradient.step_done()
        self._critic.step_done()
        if not self._observer.after_step() and not self._silent:
            self._silent = True
            log.warning(
                "a step was taken whose loss was neither passed to after_backward nor seen by watch;"
                " such steps are not recorded"
            )

    def _saw_targets(
        self, criterion: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, object], outputs: Any
    ) -> None:
        if not torch.is_grad_enabled():
            return
        if len(args) > 1:
            self._first_look.do(lambda look: look.after_loss(*outputs_and_targets(criterion, args), outputs))
            self._last_batch.do(lambda last: last.after_loss(criterion, args, dict(kwargs)))
            comes_back = isinstance(outputs, Tensor) and outputs.ndim == 0 and outputs.requires_grad
            if comes_back and not self._first_look.rests:
                outputs.register_hook(lambda _: self._first_look.do(lambda look: look.before_backward()))
        self._safely(lambda: self._use_loss(criterion, args, kwargs, outputs))

    def _use_loss(
        self, criterion: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, object], outputs: Any
    ) -> None:
        if criterion.training and len(args) > 1:
            self._critic.after_loss(outputs_and_targets(criterion, args)[0])
            self._count_targets(criterion, args, kwargs, outputs)
            self._observer.saw_loss(criterion, args, kwargs, outputs)
        if isinstance(outputs, Tensor):
            self._loss_gradient.saw(outputs)

    def _count_targets(
        self, criterion: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, object], value: Any
    ) -> None:
        """Count the targets, or keep a call of a loss whose best constant does not follow from them."""
        if self._constant is not None and not self._constant.saw(criterion, *outputs_and_targets(criterion, args)):
            self._fitted.saw(criterion, args, kwargs, value)

    def _trace(self, last: LastBatch) -> None:
        """Find the origin of the first number that is not finite, before the optimizer takes that step."""
        last.step_is_done()
        if not self._observer.is_finite:
            self._last_batch.end()
            self.origin = last.origin(step=self._observer.step)
