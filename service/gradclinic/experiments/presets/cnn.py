from collections.abc import Sequence
from typing import ClassVar, Literal

from ...kernel.spec import Shape, Width
from ..activations import AnyActivation
from ..layers import AnyLayer, Layout
from ..layers.activation import ActivationLayer
from ..layers.conv2d import Conv2d
from ..layers.global_avg_pool import GlobalAvgPool
from ..layers.linear import Linear
from ..layers.residual import Residual
from .base import Depth, Model, Skip, norm_named


class CNN(Model):
    """A convolutional network: `depth` 3x3 same-padded convolutions, global average pooling, a linear readout."""

    kind: Literal["cnn"] = "cnn"
    depth: Depth
    """Convolutions, each followed by its normalization and activation."""
    channels: Width
    """Channels of each convolution."""
    activation: AnyActivation
    """Activation after each convolution."""
    normalization: Literal["batch_norm", "layer_norm", "rms_norm"] | None = None
    """Norm between each convolution and its activation."""
    skip: Skip | None = None
    """Skip connections around convolutions with equal input and output shapes."""
    source: ClassVar[str] = "LeCun et al. 1998, Proc. IEEE 86; Simonyan and Zisserman 2015, arXiv:1409.1556"

    def layout(self) -> Layout:
        return "image"

    def to_layers(self, outputs: int, input_shape: Shape) -> Sequence[AnyLayer]:
        layers: list[AnyLayer] = []
        for index in range(self.depth):
            block: list[AnyLayer] = [
                Conv2d(out_channels=self.channels),
                *norm_named(self.normalization),
                ActivationLayer(activation=self.activation),
            ]
            if self.skip is None or (index == 0 and input_shape[0] != self.channels):
                layers.extend(block)
            else:
                layers.append(Residual(body=tuple(block), scale=self.skip.scale))
        layers += [GlobalAvgPool(), Linear(out_features=outputs)]
        return layers

    def count(self) -> int:
        return self.depth * (2 + (self.normalization is not None) + (self.skip is not None)) + 2
