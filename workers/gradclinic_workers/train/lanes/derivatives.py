"""The derivatives of activations, as autograd computes them: one operation each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

aten = torch.ops.aten


@dataclass(frozen=True)
class Derivative:
    """How the gradient passes back through an activation."""

    of_outputs: bool
    """Whether it is computed from the outputs; else from the inputs."""
    backward: Callable[[nn.Module, Tensor, Tensor], Tensor]
    """dL/d(inputs), from the module, dL/d(outputs), and the outputs or inputs."""
    over: Callable[[Tensor, Tensor], Tensor] | None = None
    """The same in place of dL/d(outputs)."""
    in_place: Callable[[nn.Module, Tensor], Tensor] | None = None
    """Computes the activation in place of its inputs, if its derivative needs only the outputs."""


def _leaky(module: nn.Module, gradient: Tensor, inputs: Tensor) -> Tensor:
    slope = cast("nn.LeakyReLU", module).negative_slope
    return cast("Tensor", aten.leaky_relu_backward.default(gradient, inputs, slope, False))  # noqa: FBT003  # torch's order


def _elu(module: nn.Module, gradient: Tensor, inputs: Tensor) -> Tensor:
    alpha = cast("nn.ELU", module).alpha
    return cast("Tensor", aten.elu_backward.default(gradient, alpha, 1.0, 1.0, False, inputs))  # noqa: FBT003  # torch's order


DERIVATIVES: Mapping[type[nn.Module], Derivative] = {
    nn.ReLU: Derivative(
        of_outputs=True,
        backward=lambda _, gradient, outputs: aten.threshold_backward.default(gradient, outputs, 0),
        over=lambda gradient, outputs: aten.threshold_backward.grad_input(gradient, outputs, 0, grad_input=gradient),
        in_place=lambda _, inputs: torch.relu_(inputs),
    ),
    nn.Tanh: Derivative(
        of_outputs=True,
        backward=lambda _, gradient, outputs: aten.tanh_backward.default(gradient, outputs),
        over=lambda gradient, outputs: aten.tanh_backward.grad_input(gradient, outputs, grad_input=gradient),
        in_place=lambda _, inputs: inputs.tanh_(),
    ),
    nn.Sigmoid: Derivative(
        of_outputs=True,
        backward=lambda _, gradient, outputs: aten.sigmoid_backward.default(gradient, outputs),
        over=lambda gradient, outputs: aten.sigmoid_backward.grad_input(gradient, outputs, grad_input=gradient),
        in_place=lambda _, inputs: inputs.sigmoid_(),
    ),
    nn.LeakyReLU: Derivative(of_outputs=False, backward=_leaky),
    nn.ELU: Derivative(of_outputs=False, backward=_elu),
    nn.GELU: Derivative(
        of_outputs=False, backward=lambda _, gradient, inputs: aten.gelu_backward.default(gradient, inputs)
    ),
    nn.SiLU: Derivative(
        of_outputs=False, backward=lambda _, gradient, inputs: aten.silu_backward.default(gradient, inputs)
    ),
}
"""By torch's module; the others are differentiated by autograd."""
