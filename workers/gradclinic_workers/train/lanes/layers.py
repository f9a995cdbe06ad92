"""The layers of lanes, one class or function for each layer that networks are made of."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from gradclinic_torch.model.tapped import Tap

from .derivatives import Derivative
from .layer import LaneLayer, Pass, Stack
from .parameters import LaneParameter
from .products import added_product, product


class LaneLinear(LaneLayer):
    """nn.Linear of every lane."""

    can_be_overwritten = True

    def __init__(self, stack: Stack) -> None:
        self._weight, self._bias = stack.parameter("weight"), stack.optional("bias")
        self._rows = torch.empty(0)

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """[lanes, batch, ..., features] to [lanes, batch, ..., units]."""
        rows = inputs if inputs.ndim == 3 else inputs.flatten(1, -2)
        if of.trains:
            self._rows = rows
        weight = of.values(self._weight).transpose(1, 2)
        if self._bias is None:
            outputs = product(rows, weight)
        else:
            outputs = added_product(of.values(self._bias).unsqueeze(1), rows, weight)
        return outputs if inputs.ndim == 3 else outputs.view(*inputs.shape[:-1], -1)

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """Products with the transposed inputs and weights, and sums over the batch."""
        rows, of_rows = self._rows, gradient if gradient.ndim == 3 else gradient.flatten(1, -2)
        self._rows = torch.empty(0)
        if self._weight.gradient is not None:
            # A product that is written to rows which lie apart takes several times as long.
            self._weight.gradient.copy_(product(of_rows.transpose(1, 2), rows))
        if self._bias is not None and self._bias.gradient is not None:
            torch.sum(of_rows, 1, out=self._bias.gradient)
        if not self.passes_on:
            return gradient
        of_inputs = product(of_rows, self._weight.value)
        return of_inputs if gradient.ndim == 3 else of_inputs.view(*gradient.shape[:-1], -1)


class LaneActivation(LaneLayer):
    """An activation without parameters, whose derivative torch has as one operation."""

    def __init__(self, module: nn.Module, derivative: Derivative, *, in_place: bool) -> None:
        """In place: of inputs that nothing else reads."""
        self._module, self._derivative = module, derivative
        self._in_place = in_place and derivative.in_place is not None
        self._kept = torch.empty(0)
        self.owns_gradient = False
        """Whether nothing else reads the gradient of its outputs, because a linear layer has made it."""

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """The activation of each value."""
        in_place = self._derivative.in_place if self._in_place and of.tap is None else None
        outputs: Tensor = self._module(inputs) if in_place is None else in_place(self._module, inputs)
        if of.trains:
            self._kept = outputs if self._derivative.of_outputs else inputs
        return outputs

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """The slope at each value times the gradient."""
        kept, self._kept = self._kept, torch.empty(0)
        if self.owns_gradient and tap is None and self._derivative.over is not None:
            return self._derivative.over(gradient, kept)
        return self._derivative.backward(self._module, gradient, kept)


class LaneBatchNorm(LaneLayer):
    """nn.BatchNorm1d of every lane: (x - mean) / sqrt(variance + eps) x weight + bias over batch (and steps).

    That of torch over [batch, lanes x features] would be one call, but rounds a lane differently beside other lanes.
    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3, for the backward pass.
    """

    def __init__(self, stack: Stack) -> None:
        norm = stack.first
        assert isinstance(norm, nn.BatchNorm1d)  # noqa: S101  # it is what the layer lowers to
        assert norm.momentum is not None  # noqa: S101  # as above
        self._eps, self._momentum = norm.eps, norm.momentum
        self._weight, self._bias = stack.parameter("weight"), stack.parameter("bias")
        self.statistics = tuple(map(stack.buffer, ("running_mean", "running_var", "num_batches_tracked")))
        """What evaluation uses instead of the batch, [lanes, ...]: means, variances, and the number of batches."""
        self._kept = torch.empty(0), torch.empty(0)

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """[lanes, batch, features] or [lanes, batch, steps, features], standardized by batch statistics."""
        rows = inputs.flatten(1, -2)
        mean = rows.mean(1, keepdim=True)
        centred = rows - mean
        variance = centred.square().mean(1, keepdim=True)
        inverse = torch.rsqrt(variance + self._eps)
        standard = centred.mul_(inverse)
        if of.trains:
            self._kept = standard, inverse
            self._track(mean.squeeze(1), variance.squeeze(1), values=rows.shape[1])
        outputs = torch.addcmul(of.values(self._bias).unsqueeze(1), standard, of.values(self._weight).unsqueeze(1))
        return outputs.view(inputs.shape)

    def _track(self, mean: Tensor, variance: Tensor, *, values: int) -> None:
        means, variances, batches = self.statistics
        batches.add_(1)
        means.mul_(1 - self._momentum).add_(mean, alpha=self._momentum)
        variances.mul_(1 - self._momentum).add_(variance, alpha=self._momentum * values / (values - 1))

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """Through the standardized values, their mean and their variance."""
        standard, inverse = self._kept
        of_outputs = gradient.flatten(1, -2)
        of_bias = of_outputs.sum(1, keepdim=True)
        of_weight = (of_outputs * standard).sum(1, keepdim=True)
        for parameter, found in ((self._weight, of_weight), (self._bias, of_bias)):
            if parameter.gradient is not None:
                parameter.gradient.copy_(found.squeeze(1))
        count = of_outputs.shape[1]
        of_rows = of_outputs - of_bias / count
        of_rows.addcmul_(standard, of_weight / count, value=-1)
        return of_rows.mul_(self._weight.value.unsqueeze(1) * inverse).view(gradient.shape)


class LaneDropout(LaneLayer):
    """nn.Dropout of every lane; each draws from its own generator what torch would draw for it."""

    def __init__(self, stack: Stack) -> None:
        dropout = stack.first
        assert isinstance(dropout, nn.Dropout)  # noqa: S101  # it is what the layer lowers to
        self._p, self._noise, self._kept = dropout.p, stack.noise, torch.empty(0)

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """Zero each value with probability p, and scale up the others."""
        if self._p == 0:
            return inputs
        kept = torch.empty(inputs.shape, dtype=inputs.dtype)
        lanes = range(len(self._noise)) if of.lanes is None else of.lanes.places
        for lane, place in zip(kept, lanes, strict=True):
            lane.bernoulli_(1 - self._p, generator=self._noise[place])
        self._kept = kept.div_(1 - self._p)
        return inputs * self._kept

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """Of the values that were kept, scaled as they were."""
        return gradient if self._p == 0 else gradient * self._kept


class LaneFlatten(LaneLayer):
    """nn.Flatten of every lane."""

    def __init__(self, _stack: Stack) -> None:
        self._shape = torch.Size()

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """[lanes, batch, ...] to [lanes, batch, features]."""
        if of.trains:
            self._shape = inputs.shape
        return inputs.flatten(2)

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """The shape of the inputs."""
        return gradient.view(self._shape)


class LaneDifferentiated(LaneLayer):
    """A layer whose backward pass autograd finds."""

    def __init__(self, function: Callable[..., Tensor], *parameters: LaneParameter) -> None:
        """function: of the inputs and of the parameters' values."""
        self._function, self._parameters = function, parameters
        self._values = [each.value.detach().requires_grad_(each.gradient is not None) for each in parameters]
        self._inputs = self._outputs = torch.empty(0)

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """The function's value."""
        if not of.trains:
            return self._function(inputs, *map(of.values, self._parameters))
        self._inputs = inputs.detach().requires_grad_()
        with torch.enable_grad():
            self._outputs = self._function(self._inputs, *self._values)
        return self._outputs.detach()

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """As autograd computes it."""
        trained = [place for place, value in enumerate(self._values) if value.requires_grad]
        wanted = [self._inputs, *(self._values[place] for place in trained)]
        of_inputs, *found = torch.autograd.grad(self._outputs, wanted, gradient)
        for place, each in zip(trained, found, strict=True):
            own = self._parameters[place].gradient
            assert own is not None  # noqa: S101  # those without one were left out
            own.copy_(each)
        return of_inputs


def layer_norm(stack: Stack) -> LaneLayer:
    """nn.LayerNorm of every lane: standardize each sample (each step of a sequence), then scale and shift."""
    norm = stack.first
    assert isinstance(norm, nn.LayerNorm)  # noqa: S101  # it is what the layer lowers to
    eps = norm.eps

    def normalized(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        standard = functional.layer_norm(inputs, inputs.shape[-1:], eps=eps)
        return standard * _per_lane(weight, inputs) + _per_lane(bias, inputs)

    return LaneDifferentiated(normalized, stack.parameter("weight"), stack.parameter("bias"))


def rms_norm(stack: Stack) -> LaneLayer:
    """nn.RMSNorm of every lane: divide each sample (each step of a sequence) by its root mean square, then scale."""
    norm = stack.first
    assert isinstance(norm, nn.RMSNorm)  # noqa: S101  # it is what the layer lowers to
    eps = norm.eps

    def normalized(inputs: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(inputs, inputs.shape[-1:], eps=eps) * _per_lane(weight, inputs)

    return LaneDifferentiated(normalized, stack.parameter("weight"))


def prelu(stack: Stack) -> LaneLayer:
    """nn.PReLU with one slope for each lane; the slope's axis is the second one in torch."""

    def bent(inputs: Tensor, slope: Tensor) -> Tensor:
        return functional.prelu(inputs.transpose(0, 1), slope.view(-1)).transpose(0, 1)

    return LaneDifferentiated(bent, stack.parameter("weight"))


def _per_lane(scale: Tensor, inputs: Tensor) -> Tensor:
    """[lanes, features], shaped for multiplication with [lanes, batch, ..., features]."""
    return scale.view(len(scale), *(1 for _ in inputs.shape[1:-1]), -1)
