from collections.abc import Sequence
from typing import ClassVar, Literal

from ...kernel.spec import Shape, Width
from ..activations import AnyActivation
from ..layers import AnyLayer, Layout
from ..layers.activation import ActivationLayer
from ..layers.linear import Linear
from ..layers.residual import Residual
from .base import Depth, Model, Skip, norm_named


class MLP(Model):
    """A multilayer perceptron: `depth` hidden layers, each linear -> normalization -> activation, then a readout."""

    kind: Literal["mlp"] = "mlp"
    depth: Depth
    """Number of hidden layers, without the readout."""
    width: Width
    """Units of each hidden layer."""
    activation: AnyActivation
    """Activation of the hidden layers."""
    normalization: Literal["batch_norm", "layer_norm", "rms_norm"] | None = None
    """Norm between each hidden linear layer and its activation."""
    skip: Skip | None = None
    """Skip connections around hidden layers with equal input and output shapes."""
    source: ClassVar[str] = "Rumelhart, Hinton and Williams 1986, Nature 323"

    def layout(self) -> Layout:
        return "flat"

    def to_layers(self, outputs: int, input_shape: Shape) -> Sequence[AnyLayer]:
        layers: list[AnyLayer] = []
        for index in range(self.depth):
            block: list[AnyLayer] = [
                Linear(out_features=self.width),
                *norm_named(self.normalization),
                ActivationLayer(activation=self.activation),
            ]
            if self.skip is None or (index == 0 and input_shape[-1] != self.width):
                layers.extend(block)
            else:
                layers.append(Residual(body=tuple(block), scale=self.skip.scale))
        layers.append(Linear(out_features=outputs))
        return layers

    def count(self) -> int:
        return self.depth * (2 + (self.normalization is not None) + (self.skip is not None)) + 1
