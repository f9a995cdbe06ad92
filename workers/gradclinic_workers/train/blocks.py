"""Modules that torch.nn lacks, and a sequence that lets an observer see the output of every node."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from gradclinic_torch.model.tapped import Sequence, Tap, Tapped

from .recurrent import Recurrent

__all__ = [
    "Block",
    "Conv1d",
    "ImageRMSNorm",
    "LastStep",
    "LearnedPositions",
    "Mean",
    "RReLU",
    "Recurrent",
    "Residual",
    "SelfAttention",
    "Sequence",
    "SequenceBatchNorm",
]


class RReLU(nn.RReLU):
    """torch's RReLU, computed in float32 on the CPU, where torch does not support float16."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Apply random negative slopes; input and output have the same precision."""
        if input.dtype == torch.float16 and input.device.type == "cpu":
            return super().forward(input.float()).half()
        return super().forward(input)


class Block(Tapped):
    """A group of layers that counts as one."""

    def __init__(self, body: Sequence) -> None:
        super().__init__()
        self.body = body

    def forward(self, inputs: Tensor, tap: Tap | None = None) -> Tensor:
        """Pass the inputs through the body."""
        output: Tensor = self.body(inputs, tap)
        return output


class Residual(Tapped):
    """shortcut(h) + scale x body(h); the shortcut is h itself, or a linear map (a strided 1 x 1 convolution) of it."""

    def __init__(
        self, body: Sequence, *, scale: float, projection: tuple[int, int] | None = None, stride: int | None = None
    ) -> None:
        super().__init__()
        self.body = body
        self.scale = scale
        self.projection: nn.Module | None = None
        if projection is not None and stride is None:
            self.projection = nn.Linear(*projection, bias=False)
        elif projection is not None and stride is not None:
            self.projection = nn.Conv2d(*projection, 1, stride=stride, bias=False)

    def forward(self, inputs: Tensor, tap: Tap | None = None) -> Tensor:
        """Add the scaled body to the shortcut."""
        passed = inputs if self.projection is None else self.projection(inputs)
        return torch.add(passed, self.body(inputs, tap), alpha=self.scale)


class Conv1d(nn.Conv1d):
    """torch's Conv1d for sequences [batch, steps, features]."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own name
        """Convolve along the steps."""
        return super().forward(input.transpose(1, 2)).transpose(1, 2)


class SequenceBatchNorm(nn.BatchNorm1d):
    """torch's BatchNorm1d for sequences [batch, steps, features]: each feature over batch and steps."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own name
        """Standardize every feature."""
        return super().forward(input.transpose(1, 2)).transpose(1, 2)


class ImageRMSNorm(nn.Module):
    """Divides each image by its root mean square over channels and pixels, then scales each channel."""

    def __init__(self, channels: int, *, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalize images [batch, channels, height, width]."""
        mean_square = inputs.float().square().mean(dim=(1, 2, 3), keepdim=True)
        normalized = (inputs.float() * torch.rsqrt(mean_square + self.eps)).to(inputs.dtype)
        return normalized * self.weight.view(1, -1, 1, 1)


class Mean(nn.Module):
    """The mean over the given axes."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, inputs: Tensor) -> Tensor:
        """Average."""
        return inputs.mean(dim=self.axes)


class LastStep(nn.Module):
    """The last step of a sequence [batch, steps, features]."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Keep the last step."""
        return inputs[:, -1]


class LearnedPositions(nn.Module):
    """Adds a learned vector to each step."""

    def __init__(self, steps: int, features: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(steps, features))

    def forward(self, inputs: Tensor) -> Tensor:
        """Add the table to every sample."""
        return inputs + self.table


class SelfAttention(nn.Module):
    """softmax(q k^T / sqrt(features per head)) v for each head, then a linear map of all heads together."""

    def __init__(self, width: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        for linear in (self.qkv, self.out):
            nn.init.zeros_(linear.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Attend over the steps of [batch, steps, width]."""
        batch, steps, width = inputs.shape
        qkv = self.qkv(inputs).view(batch, steps, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        attended: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, steps, width))
        return attended
