"""Groups of layers of lanes: one after the other, as a block, beside a shortcut."""

from collections.abc import Collection, Iterator, Mapping
from itertools import takewhile

import torch
from torch import Tensor

from gradclinic_torch.model.tapped import Tap

from .layer import LaneLayer, Pass
from .layers import LaneFlatten, LaneLinear
from .recurrent import LaneRecurrent


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
        seen = {name for name, _ in before} & {*sites}
        if following and isinstance(following[0][1], LaneLinear | LaneRecurrent) and not seen:
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

    def __init__(self, body: LaneSequence, *, scale: float, projection: LaneLinear | None) -> None:
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
