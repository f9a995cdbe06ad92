"""Inserts norms in a list of layers: after each hidden layer with weights, before its activation."""

from collections.abc import Sequence

from ..experiments.layers import AnyLayer, Layer
from ..experiments.layers.conv1d import Conv1d
from ..experiments.layers.conv2d import Conv2d
from ..experiments.layers.linear import Linear
from ..experiments.layers.repeat import Repeat
from ..experiments.layers.weighted import Weighted

NORMALIZABLE: tuple[type[Layer], ...] = (Linear, Conv1d, Conv2d)
"""Layers that a norm can follow."""


def insert_norms(layers: Sequence[AnyLayer], norm: Layer) -> tuple[AnyLayer, ...]:
    """The list with `norm` after each layer with weights that has none, except the readout."""
    return _Inserter(norm).insert(layers, follower=None)


class _Inserter:
    """Walks from output to input, so the first layer with weights is the readout."""

    def __init__(self, norm: Layer) -> None:
        self.norm = norm
        self.readout_passed = False

    def insert(self, layers: Sequence[AnyLayer], *, follower: Layer | None) -> tuple[AnyLayer, ...]:
        """The list with its norms; `follower` is the layer that takes its output."""
        result: list[AnyLayer] = []
        for layer in reversed(layers):
            result.extend(reversed(self._one(layer, follower)))
            follower = layer
        return tuple(reversed(result))

    def _one(self, layer: Layer, follower: Layer | None) -> tuple[AnyLayer, ...]:
        if isinstance(layer, Repeat):
            return self._repeat(layer, follower)
        if layer.inner():
            return (layer.model_copy(update={"body": self.insert(layer.inner(), follower=None)}),)
        if not isinstance(layer, Weighted):
            return (layer,)
        readout, self.readout_passed = not self.readout_passed, True
        if readout or not isinstance(layer, NORMALIZABLE) or (follower is not None and follower.is_norm):
            return (layer,)
        return (layer, self.norm)

    def _repeat(self, layer: Repeat, follower: Layer | None) -> tuple[AnyLayer, ...]:
        """Unrolls the last round of a repeat if it differs (it contains the readout, or a norm follows it)."""
        last = self.insert(layer.body, follower=follower)
        if layer.times == 1:
            return (layer.model_copy(update={"body": last}),)
        others = self.insert(layer.body, follower=layer.body[0])
        if others == last:
            return (layer.model_copy(update={"body": last}),)
        return (layer.model_copy(update={"body": others, "times": layer.times - 1}), *last)
