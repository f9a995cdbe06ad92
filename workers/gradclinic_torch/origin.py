"""Finds the origin of the first number that is not finite, in the step where it occurs.

Before it breaks, this keeps the last batch's input and output and costs nothing more. When a loss or a gradient is not
finite, and before the optimizer takes its step, it looks from the inputs to the loss and back for the first place that
made a number that is not finite from numbers that were.
"""

from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.measurements.origin import NonFiniteOrigin

ROWS = 100
"""Maximum number of rows of the batch that are named."""


class LastBatch:
    """The inputs and outputs of the last forward pass."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self._model, self._optimizer = model, optimizer
        self._arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
        self._inputs: Tensor | None = None
        self._outputs: Tensor | None = None
        self._targets: Tensor | None = None
        self._value: Tensor | None = None
        self._output_gradient: Tensor | None = None

    def before_forward(self, inputs: Tensor | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The model is about to be called; `inputs` is the first tensor among its arguments."""
        self._inputs, self._arguments = inputs, (args, kwargs)
        self._outputs = self._targets = self._value = self._output_gradient = None

    def after_forward(self, output: Tensor | None) -> None:
        """The model has made its output; the first tensor of it."""
        if output is None:
            return
        self._outputs = output.detach()
        if output.requires_grad:
            output.register_hook(self._came_back)  # type: ignore[no-untyped-call]  # torch's own

    def after_loss(self, targets: Any) -> None:
        """The criterion was called in training, with these targets."""
        self._targets = targets if isinstance(targets, Tensor) else None

    def after_backward(self, loss: Tensor | float) -> None:
        """A backward pass of the loss has ended."""
        self._value = loss.detach() if isinstance(loss, Tensor) else torch.tensor(float(loss))

    def _came_back(self, gradient: Tensor) -> None:
        self._output_gradient = gradient.detach()

    @torch.no_grad()
    def origin(self, *, step: int) -> NonFiniteOrigin | None:
        """The origin of the first number that is not finite in this step; None if there is none or it was not seen."""
        looks = (self._in_data, self._in_weights, self._on_the_way, self._on_the_way_back)
        return next((found for look in looks if (found := look(step)) is not None), None)

    def _in_data(self, step: int) -> NonFiniteOrigin | None:
        if rows := _broken_rows(self._inputs):
            return NonFiniteOrigin(step=step, where="inputs", rows=rows)
        if rows := _broken_rows(self._targets):
            return NonFiniteOrigin(step=step, where="targets", rows=rows)
        return None

    def _in_weights(self, step: int) -> NonFiniteOrigin | None:
        for name, weight in self._model.named_parameters():
            if not bool(torch.isfinite(weight).all()):
                return NonFiniteOrigin(step=step, where="weights", module=name)
        return None

    def _on_the_way(self, step: int) -> NonFiniteOrigin | None:
        if rows := _broken_rows(self._outputs):
            return NonFiniteOrigin(step=step, where="forward", module=self._first_module(), rows=rows)
        if self._value is not None and not bool(torch.isfinite(self._value).all()):
            return NonFiniteOrigin(step=step, where="loss")
        return None

    def _on_the_way_back(self, step: int) -> NonFiniteOrigin | None:
        if rows := _broken_rows(self._output_gradient):
            return NonFiniteOrigin(step=step, where="loss_backward", rows=rows)
        for name, weight in reversed(list(self._model.named_parameters())):
            if weight.grad is not None and not bool(torch.isfinite(weight.grad).all()):
                return NonFiniteOrigin(step=step, where="backward", module=name)
        return None

    def _first_module(self) -> str | None:
        """The innermost module that turns finite numbers into non-finite ones, in a repetition of the forward pass."""
        found: list[str] = []

        def look(name: str) -> Any:
            def hook(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
                if not found and isinstance(output, Tensor) and not bool(torch.isfinite(output).all()):
                    found.append(name)

            return hook

        handles = [module.register_forward_hook(look(name)) for name, module in self._model.named_modules() if name]
        devices = [self._inputs.device] if self._inputs is not None and self._inputs.is_cuda else []
        buffers = {name: buffer.clone() for name, buffer in self._model.named_buffers()}
        try:
            with torch.random.fork_rng(devices=devices):
                self._model(*self._arguments[0], **self._arguments[1])
        finally:
            for handle in handles:
                handle.remove()
            for name, buffer in self._model.named_buffers():
                buffer.copy_(buffers[name])
        return found[0] if found else None


def _broken_rows(values: Tensor | None) -> tuple[int, ...]:
    """The first rows that contain a number that is not finite."""
    if values is None or not values.is_floating_point() or values.ndim == 0:
        return ()
    rows = ~torch.isfinite(values).reshape(len(values), -1).all(dim=1)
    return tuple(int(row) for row in rows.nonzero()[:ROWS, 0].tolist())
