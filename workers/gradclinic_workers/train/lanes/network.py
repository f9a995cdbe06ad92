"""The networks of all lanes as one: every tensor has one more axis, the first, which counts the lanes.

Each layer has its own backward pass, in the operations that autograd would use. With small tensors, autograd's own work
around them takes longer than the arithmetic.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from gradclinic.experiments.layers import Node
from gradclinic.experiments.layers.activation import ActivationLayer
from gradclinic_torch.model.tapped import Sequence as Modules
from gradclinic_torch.model.tapped import Tap

from ..blocks import Block, Residual
from .chosen import Chosen
from .derivatives import DERIVATIVES, Derivative
from .parameters import LaneParameter, LaneParameters


class Pass(NamedTuple):
    """What a forward pass is for."""

    trains: bool
    """Whether a backward pass follows; if not, running statistics are left as they are."""
    tap: Tap | None = None
    """Is shown the output of each layer, [lanes, batch, ...], which then remains as it is."""
    lanes: Chosen | None = None
    """Those whose inputs are given; None if all are."""

    def values(self, parameter: LaneParameter) -> Tensor:
        """The parameter of these lanes, [lanes, ...]."""
        return parameter.value if self.lanes is None else self.lanes.of(parameter.value)


class Stack:
    """The modules of one layer, one of each lane."""

    def __init__(self, modules: Sequence[nn.Module], parameters: LaneParameters, noise: Sequence[Generator]) -> None:
        self.modules, self.parameters, self.noise = modules, parameters, noise

    def over(self, modules: Sequence[nn.Module]) -> "Stack":
        """Other modules of the same lanes."""
        return Stack(modules, self.parameters, self.noise)

    @property
    def first(self) -> nn.Module:
        """The first lane's module, for what all lanes have in common."""
        return self.modules[0]

    def parameter(self, name: str) -> LaneParameter:
        """The stacked parameter."""
        return self.parameters.of(self.first.get_parameter(name))

    def optional(self, name: str) -> LaneParameter | None:
        """As `parameter`; None if the layer has no such parameter."""
        return self.parameter(name) if getattr(self.first, name, None) is not None else None

    def buffer(self, name: str) -> Tensor:
        """[lanes, ...]: the stacked buffer; those of the lanes become views of it."""
        stacked = torch.stack([module.get_buffer(name) for module in self.modules])
        for module, lane in zip(self.modules, stacked, strict=True):
            module.register_buffer(name, lane)
        return stacked


class LaneLayer(ABC):
    """A layer of every lane."""

    can_be_overwritten = False
    """Whether an activation may be computed in place of the outputs, because backward does not read them."""
    passes_on = True
    """Whether the gradient of its inputs is wanted."""

    @abstractmethod
    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """[lanes, batch, ...] to [lanes, batch, ...]; keeps what backward needs if the pass trains."""

    @abstractmethod
    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """dL/d(inputs) from dL/d(outputs); writes the gradients of its parameters.

        The tap is shown the gradients of the outputs of all layers inside.
        """

    def inner(self) -> Iterator["LaneLayer"]:
        """The layers inside."""
        return iter(())


class LaneSequence(LaneLayer):
    """Named layers, one after the other."""

    def __init__(self, layers: Mapping[str, LaneLayer]) -> None:
        self._layers = list(layers.items())

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """Pass the inputs through every layer."""
        for name, layer in self._layers:
            inputs = layer.forward(inputs, of)
            if of.tap is not None:
                of.tap(name, inputs)
        return inputs

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """Pass the gradient back to the first layer, or to the first that can learn."""
        for name, layer in reversed(self._layers):
            if tap is not None:
                tap(name, gradient)
            gradient = layer.backward(gradient, tap)
            if not layer.passes_on:
                break
        return gradient

    def inner(self) -> Iterator[LaneLayer]:
        """Every layer, and those inside."""
        for _, layer in self._layers:
            yield layer
            yield from layer.inner()

    def begins_at(self, sites: Collection[str]) -> None:
        """Compute no gradient of the network's inputs: sites are the names of the layers that are observed."""
        before = list(takewhile(lambda named: isinstance(named[1], LaneFlatten), self._layers))
        following = self._layers[len(before) : len(before) + 1]
        if following and isinstance(following[0][1], LaneLinear) and not {name for name, _ in before} & {*sites}:
            following[0][1].passes_on = False


class LaneBlock(LaneLayer):
    """A group of layers that counts as one."""

    def __init__(self, body: LaneSequence) -> None:
        self._body = body

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """Pass the inputs through the body."""
        return self._body.forward(inputs, of)

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """Pass the gradient through the body."""
        return self._body.backward(gradient, tap)

    def inner(self) -> Iterator[LaneLayer]:
        """The layers of the body."""
        return self._body.inner()


class LaneResidual(LaneLayer):
    """shortcut(h) + scale x body(h) of every lane."""

    can_be_overwritten = True

    def __init__(self, body: LaneSequence, *, scale: float, projection: "LaneLinear | None") -> None:
        self._body, self._scale, self._projection = body, scale, projection

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """Add the scaled body to the shortcut."""
        passed = inputs if self._projection is None else self._projection.forward(inputs, of)
        return torch.add(passed, self._body.forward(inputs, of), alpha=self._scale)

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """The sum of what comes back through the shortcut and through the body."""
        passed = gradient if self._projection is None else self._projection.backward(gradient)
        return passed + self._body.backward(gradient if self._scale == 1 else gradient * self._scale, tap)

    def inner(self) -> Iterator[LaneLayer]:
        """The layers of the body."""
        return self._body.inner()


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
            outputs = torch.bmm(rows, weight)
        else:
            outputs = torch.baddbmm(of.values(self._bias).unsqueeze(1), rows, weight)
        return outputs if inputs.ndim == 3 else outputs.view(*inputs.shape[:-1], -1)

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """Products with the transposed inputs and weights, and sums over the batch."""
        rows, of_rows = self._rows, gradient if gradient.ndim == 3 else gradient.flatten(1, -2)
        self._rows = torch.empty(0)
        if self._weight.gradient is not None:
            # A product that is written to rows which lie apart takes several times as long.
            self._weight.gradient.copy_(torch.bmm(of_rows.transpose(1, 2), rows))
        if self._bias is not None and self._bias.gradient is not None:
            torch.sum(of_rows, 1, out=self._bias.gradient)
        if not self.passes_on:
            return gradient
        of_inputs = torch.bmm(of_rows, self._weight.value)
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


def _layer_norm(stack: Stack) -> LaneLayer:
    """nn.LayerNorm of every lane: standardize each sample (each step of a sequence), then scale and shift."""
    norm = stack.first
    assert isinstance(norm, nn.LayerNorm)  # noqa: S101  # it is what the layer lowers to
    eps = norm.eps

    def normalized(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        standard = functional.layer_norm(inputs, inputs.shape[-1:], eps=eps)
        return standard * _per_lane(weight, inputs) + _per_lane(bias, inputs)

    return LaneDifferentiated(normalized, stack.parameter("weight"), stack.parameter("bias"))


def _rms_norm(stack: Stack) -> LaneLayer:
    """nn.RMSNorm of every lane: divide each sample (each step of a sequence) by its root mean square, then scale."""
    norm = stack.first
    assert isinstance(norm, nn.RMSNorm)  # noqa: S101  # it is what the layer lowers to
    eps = norm.eps

    def normalized(inputs: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(inputs, inputs.shape[-1:], eps=eps) * _per_lane(weight, inputs)

    return LaneDifferentiated(normalized, stack.parameter("weight"))


def _prelu(stack: Stack) -> LaneLayer:
    """nn.PReLU with one slope for each lane; the slope's axis is the second one in torch."""

    def bent(inputs: Tensor, slope: Tensor) -> Tensor:
        return functional.prelu(inputs.transpose(0, 1), slope.view(-1)).transpose(0, 1)

    return LaneDifferentiated(bent, stack.parameter("weight"))


BY_KIND: Mapping[str, Callable[[Stack], LaneLayer]] = {
    "linear": LaneLinear,
    "batch_norm": LaneBatchNorm,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "dropout": LaneDropout,
    "flatten": LaneFlatten,
}
"""The layers of lanes by their kind, besides activations and groups of layers."""


def together(nodes: Sequence[Node], stack: Stack) -> LaneSequence:
    """The networks of all lanes, which lower to the same nodes, as one."""
    layers: dict[str, LaneLayer] = {}
    for index, node in enumerate(nodes):
        modules = [network.steps[index] for network in stack.modules if isinstance(network, Modules)]
        before = layers[nodes[index - 1].name] if index else None
        layers[node.name] = layer = _layer(node, stack.over(modules), before)
        if isinstance(before, LaneActivation) and isinstance(layer, LaneLinear):
            before.owns_gradient = True
    return LaneSequence(layers)


def _layer(node: Node, stack: Stack, before: LaneLayer | None) -> LaneLayer:
    first = stack.first
    if isinstance(first, Block | Residual):
        bodies = [module.body for module in stack.modules if isinstance(module, Block | Residual)]
        body = together(node.children, stack.over(bodies))
        return LaneBlock(body) if isinstance(first, Block) else _residual(first, body, stack)
    if isinstance(node.layer, ActivationLayer):
        return _activation(node.layer, stack, in_place=before is not None and before.can_be_overwritten)
    return BY_KIND[node.kind](stack)


def _activation(layer: ActivationLayer, stack: Stack, *, in_place: bool) -> LaneLayer:
    module, derivative = stack.first, DERIVATIVES.get(type(stack.first))
    if layer.activation.learned:
        return _prelu(stack)
    if derivative is None:
        return LaneDifferentiated(module)
    return LaneActivation(module, derivative, in_place=in_place)


def _residual(first: Residual, body: LaneSequence, stack: Stack) -> LaneResidual:
    projection = None
    if first.projection is not None:
        projection = LaneLinear(stack.over([module.get_submodule("projection") for module in stack.modules]))
    return LaneResidual(body, scale=first.scale, projection=projection)


def _per_lane(scale: Tensor, inputs: Tensor) -> Tensor:
    """[lanes, features], shaped for multiplication with [lanes, batch, ..., features]."""
    return scale.view(len(scale), *(1 for _ in inputs.shape[1:-1]), -1)
