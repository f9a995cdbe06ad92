"""The networks of all lanes as one: every tensor has one more axis, the first, which counts the lanes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from gradclinic.experiments.layers import Node
from gradclinic.experiments.layers.activation import ActivationLayer
from gradclinic_torch.model.tapped import Sequence as Modules

from ..blocks import Block, Residual


class Stack:
    """The modules of one layer, one of each lane; their tensors become views of stacked ones."""

    def __init__(self, modules: Sequence[nn.Module], noise: Sequence[Generator]) -> None:
        self.modules, self.noise = modules, noise

    @property
    def first(self) -> nn.Module:
        """The first lane's module, for what all lanes have in common."""
        return self.modules[0]

    def parameter(self, name: str) -> nn.Parameter:
        """[lanes, ...]: the stacked parameter; it is trained if those of the lanes are."""
        own = [module.get_parameter(name) for module in self.modules]
        stacked = nn.Parameter(torch.stack([each.data for each in own]), requires_grad=own[0].requires_grad)
        for each, lane in zip(own, stacked.data, strict=True):
            each.data = lane
        return stacked

    def optional(self, name: str) -> nn.Parameter | None:
        """As `parameter`; None if the layer has no such parameter."""
        return self.parameter(name) if getattr(self.first, name, None) is not None else None

    def buffer(self, name: str) -> Tensor:
        """[lanes, ...]: the stacked buffer."""
        stacked = torch.stack([module.get_buffer(name) for module in self.modules])
        for module, lane in zip(self.modules, stacked, strict=True):
            module.register_buffer(name, lane)
        return stacked


class LaneLinear(nn.Module):
    """nn.Linear of every lane."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.weight, self.bias = stack.parameter("weight"), stack.optional("bias")

    def forward(self, inputs: Tensor) -> Tensor:
        """[lanes, batch, ..., features] to [lanes, batch, ..., units]."""
        rows, weight = inputs.flatten(1, -2), self.weight.transpose(1, 2)
        bias = None if self.bias is None else self.bias.unsqueeze(1)
        outputs = torch.bmm(rows, weight) if bias is None else torch.baddbmm(bias, rows, weight)
        return outputs.view(*inputs.shape[:-1], -1)


class LaneBatchNorm(nn.Module):
    """nn.BatchNorm1d of every lane.

    That of torch over [batch, lanes x features] would be one call, but rounds a lane differently beside other lanes.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        norm = stack.first
        assert isinstance(norm, nn.BatchNorm1d)  # noqa: S101  # it is what the layer lowers to
        assert norm.momentum is not None  # noqa: S101  # as above
        self.eps, self.momentum = norm.eps, norm.momentum
        self.track_running_stats = True
        """Off while a probe looks at the network, as for a module of torch."""
        self.weight, self.bias = stack.parameter("weight"), stack.parameter("bias")
        self.running_mean, self.running_var = stack.buffer("running_mean"), stack.buffer("running_var")
        self.batches_tracked = stack.buffer("num_batches_tracked")

    @property
    def statistics(self) -> tuple[Tensor, Tensor, Tensor]:
        """What evaluation uses instead of the batch, [lanes, ...]."""
        return self.running_mean, self.running_var, self.batches_tracked

    def forward(self, inputs: Tensor) -> Tensor:
        """[lanes, batch, features] or [lanes, batch, steps, features], standardized by batch statistics."""
        rows = inputs.flatten(1, -2)
        weight, bias = self.weight.unsqueeze(1), self.bias.unsqueeze(1)
        outputs: Tensor
        outputs, mean, variance = _BatchNorm.apply(rows, weight, bias, self.eps)  # type: ignore[no-untyped-call]  # torch's
        if self.track_running_stats:
            self._track(mean.squeeze(1), variance.squeeze(1), values=rows.shape[1])
        return outputs.view(inputs.shape)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, *, values: int) -> None:
        self.batches_tracked.add_(1)
        self.running_mean.mul_(1 - self.momentum).add_(mean, alpha=self.momentum)
        self.running_var.mul_(1 - self.momentum).add_(variance, alpha=self.momentum * values / (values - 1))


class _BatchNorm(torch.autograd.Function):
    """(x - mean) / sqrt(variance + eps) x weight + bias over axis 1 of [lanes, rows, features].

    Also returns mean and variance (over n), [lanes, 1, features], without gradients.
    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, section 3, for the backward pass.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        mean = rows.mean(1, keepdim=True)
        centred = rows - mean
        variance = centred.square().mean(1, keepdim=True)
        inverse = torch.rsqrt(variance + eps)
        standard = centred.mul_(inverse)
        ctx.save_for_backward(standard, weight, inverse)
        ctx.mark_non_differentiable(mean, variance)
        return torch.addcmul(bias, standard, weight), mean, variance

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        standard, weight, inverse = ctx.saved_tensors
        of_bias = gradient.sum(1, keepdim=True)
        of_weight = (gradient * standard).sum(1, keepdim=True)
        count = gradient.shape[1]
        of_rows = gradient - of_bias / count
        of_rows.addcmul_(standard, of_weight / count, value=-1)
        return of_rows.mul_(weight * inverse), of_weight, of_bias, None


class LaneLayerNorm(nn.Module):
    """nn.LayerNorm of every lane."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        norm = stack.first
        assert isinstance(norm, nn.LayerNorm)  # noqa: S101  # it is what the layer lowers to
        self.eps = norm.eps
        self.weight, self.bias = stack.parameter("weight"), stack.parameter("bias")

    def forward(self, inputs: Tensor) -> Tensor:
        """Standardize each sample (each step of a sequence), then scale and shift."""
        normalized = functional.layer_norm(inputs, inputs.shape[-1:], eps=self.eps)
        return normalized * _per_lane(self.weight, inputs) + _per_lane(self.bias, inputs)


class LaneRMSNorm(nn.Module):
    """nn.RMSNorm of every lane."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        norm = stack.first
        assert isinstance(norm, nn.RMSNorm)  # noqa: S101  # it is what the layer lowers to
        self.eps = norm.eps
        self.weight = stack.parameter("weight")

    def forward(self, inputs: Tensor) -> Tensor:
        """Divide each sample (each step of a sequence) by its root mean square, then scale."""
        return functional.rms_norm(inputs, inputs.shape[-1:], eps=self.eps) * _per_lane(self.weight, inputs)


class LanePReLU(nn.Module):
    """nn.PReLU with one slope for each lane."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.weight = stack.parameter("weight")

    def forward(self, inputs: Tensor) -> Tensor:
        """The slope's axis is the second one in torch."""
        return functional.prelu(inputs.transpose(0, 1), self.weight.view(-1)).transpose(0, 1)


class LaneDropout(nn.Module):
    """nn.Dropout of every lane; each draws from its own generator what torch would draw for it."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        dropout = stack.first
        assert isinstance(dropout, nn.Dropout)  # noqa: S101  # it is what the layer lowers to
        self.p, self._noise = dropout.p, stack.noise

    def forward(self, inputs: Tensor) -> Tensor:
        """Zero each value with probability p, and scale up the others."""
        if self.p == 0:
            return inputs
        kept = torch.empty(inputs.shape, dtype=inputs.dtype)
        for lane, generator in zip(kept, self._noise, strict=True):
            lane.bernoulli_(1 - self.p, generator=generator)
        return inputs * kept.div_(1 - self.p)


class LaneFlatten(nn.Module):
    """nn.Flatten of every lane."""

    def __init__(self, _stack: Stack) -> None:
        super().__init__()

    def forward(self, inputs: Tensor) -> Tensor:
        """[lanes, batch, ...] to [lanes, batch, features]."""
        return inputs.flatten(2)


BY_KIND: Mapping[str, Callable[[Stack], nn.Module]] = {
    "linear": LaneLinear,
    "batch_norm": LaneBatchNorm,
    "layer_norm": LaneLayerNorm,
    "rms_norm": LaneRMSNorm,
    "dropout": LaneDropout,
    "flatten": LaneFlatten,
}
"""The layers of lanes by their kind, besides activations and groups of layers."""


def together(nodes: Sequence[Node], networks: Sequence[Modules], noise: Sequence[Generator]) -> Modules:
    """The networks of all lanes, which lower to the same nodes, as one; their tensors become views of its own."""
    steps = {}
    for index, node in enumerate(nodes):
        steps[node.name] = _layer(node, Stack([network.steps[index] for network in networks], noise))
    return Modules(steps)


def _layer(node: Node, stack: Stack) -> nn.Module:
    first = stack.first
    if isinstance(first, Block | Residual):
        bodies = [module.body for module in stack.modules if isinstance(module, Block | Residual)]
        body = together(node.children, bodies, stack.noise)
        return Block(body) if isinstance(first, Block) else _residual(first, body, stack)
    if isinstance(node.layer, ActivationLayer):
        return LanePReLU(stack) if node.layer.activation.learned else first
    return BY_KIND[node.kind](stack)


def _residual(first: Residual, body: Modules, stack: Stack) -> Residual:
    joined = Residual(body, scale=first.scale)
    if first.projection is not None:
        projections = [module.get_submodule("projection") for module in stack.modules]
        joined.projection = LaneLinear(Stack(projections, stack.noise))
    return joined


def _per_lane(scale: Tensor, inputs: Tensor) -> Tensor:
    """[lanes, features], shaped for multiplication with [lanes, batch, ..., features]."""
    return scale.view(len(scale), *(1 for _ in inputs.shape[1:-1]), -1)
