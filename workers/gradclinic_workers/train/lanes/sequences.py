"""The layers of lanes over the steps of a sequence, [lanes, batch, steps, features]."""

import torch
from torch import Tensor
from torch.nn import functional

from gradclinic_torch.model.tapped import Tap

from ..blocks import Mean, SelfAttention
from .layer import LaneLayer, Pass, Stack
from .layers import LaneDifferentiated, LaneLinear


class LaneSelfAttention(LaneLayer):
    """blocks.SelfAttention of every lane: its linear maps as those of other layers, what is between by autograd."""

    def __init__(self, stack: Stack) -> None:
        first = stack.first
        assert isinstance(first, SelfAttention)  # noqa: S101  # it is what the layer lowers to
        self._heads, self._causal = first.heads, first.causal
        maps = (stack.over([module.get_submodule(name) for module in stack.modules]) for name in ("qkv", "out"))
        self._qkv, self._out = map(LaneLinear, maps)
        self._attended = LaneDifferentiated(self._attend)

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """Attend over the steps of each sample."""
        return self._out.forward(self._attended.forward(self._qkv.forward(inputs, of), of), of)

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """Back through the heads' joint map, the attention, and the map to queries, keys and values."""
        return self._qkv.backward(self._attended.backward(self._out.backward(gradient)))

    def _attend(self, joined: Tensor) -> Tensor:
        """[lanes, batch, steps, 3 x width] to [lanes, batch, steps, width]."""
        lanes, batch, steps, _ = joined.shape
        query, key, value = joined.view(lanes * batch, steps, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=self._causal)
        return mixed.transpose(1, 2).reshape(lanes, batch, steps, -1)


class LaneEmbedding(LaneLayer):
    """nn.Embedding of every lane; symbols have no gradient."""

    passes_on = False

    def __init__(self, stack: Stack) -> None:
        self._table = stack.parameter("weight")
        self._places = torch.empty(0)

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """[lanes, batch, steps] of symbols to [lanes, batch, steps, features]."""
        table = of.values(self._table)
        lanes, symbols = table.shape[:2]
        first = torch.arange(0, lanes * symbols, symbols).view(-1, *(1 for _ in inputs.shape[1:]))
        places = inputs + first
        if of.trains:
            self._places = places
        return functional.embedding(places, table.flatten(0, 1))

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """For each row of the table, the sum over where it was read."""
        if self._table.gradient is not None:
            lanes, symbols, _ = self._table.value.shape
            of_rows = torch.ops.aten.embedding_dense_backward.default(
                gradient.contiguous(), self._places, lanes * symbols, -1, scale_grad_by_freq=False
            )
            self._table.gradient.copy_(of_rows.view_as(self._table.value))
        return gradient


class LaneLearnedPositions(LaneLayer):
    """blocks.LearnedPositions of every lane."""

    def __init__(self, stack: Stack) -> None:
        self._table = stack.parameter("table")

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """Add the table to every sample."""
        return inputs + of.values(self._table).unsqueeze(1)

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """The same for the inputs; its sum over the batch for the table."""
        if self._table.gradient is not None:
            torch.sum(gradient, 1, out=self._table.gradient)
        return gradient


class LaneMeanOfSteps(LaneLayer):
    """blocks.Mean over the steps, of every lane."""

    def __init__(self, stack: Stack) -> None:
        assert isinstance(stack.first, Mean)  # noqa: S101  # it is what the layer lowers to
        self._steps = 0

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """The mean over the steps."""
        if of.trains:
            self._steps = inputs.shape[2]
        return inputs.mean(2)

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """An equal part for each step."""
        return (gradient / self._steps).unsqueeze(2).repeat(1, 1, self._steps, 1)


class LaneLastStep(LaneLayer):
    """blocks.LastStep of every lane."""

    def __init__(self, _stack: Stack) -> None:
        self._shape = torch.Size()

    def forward(self, inputs: Tensor, of: Pass) -> Tensor:
        """The last step."""
        if of.trains:
            self._shape = inputs.shape
        return inputs[:, :, -1].contiguous()

    def backward(self, gradient: Tensor, tap: Tap | None = None) -> Tensor:
        """All for the last step."""
        of_inputs = gradient.new_zeros(self._shape)
        of_inputs[:, :, -1] = gradient
        return of_inputs
