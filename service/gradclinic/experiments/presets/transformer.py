from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from ...kernel.spec import Shape, Width
from ..activations import AnyActivation
from ..layers import AnyLayer, Layout
from ..layers.activation import ActivationLayer
from ..layers.block import Block
from ..layers.global_avg_pool import GlobalAvgPool
from ..layers.layer_norm import LayerNorm
from ..layers.learned_positions import LearnedPositions
from ..layers.linear import Linear
from ..layers.residual import Residual
from ..layers.self_attention import SelfAttention
from .base import Depth, Model, Skip


class Transformer(Model):
    """A transformer encoder: blocks of self-attention and a two-layer perceptron, mean pooling, a linear readout."""

    kind: Literal["transformer"] = "transformer"
    depth: Depth
    """Blocks."""
    width: Width
    """Number of features at each step."""
    heads: Annotated[int, Field(ge=1, le=1024)] = 1
    """Number of attention heads; it must divide the width."""
    mlp_ratio: Annotated[int, Field(ge=1, le=64)] = 4
    """Width of the perceptron's hidden layer divided by the model's width."""
    activation: AnyActivation
    """Activation of the perceptrons."""
    normalization: Literal["pre_layer_norm", "post_layer_norm"] | None = None
    """Layer norms before each sublayer (pre), or after its skip connection (post)."""
    skip: Skip | None = None
    """Skip connections around each attention and perceptron sublayer."""
    source: ClassVar[str] = "Vaswani et al. 2017, arXiv:1706.03762; pre and post: Xiong et al. 2020, arXiv:2002.04745"

    @model_validator(mode="after")
    def _heads_share_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"the width {self.width} cannot be divided among {self.heads} heads; heads must divide it")
        return self

    def layout(self) -> Layout:
        return "sequence"

    def to_layers(self, outputs: int, input_shape: Shape) -> Sequence[AnyLayer]:
        return [
            Linear(out_features=self.width),
            LearnedPositions(),
            *(self._block() for _ in range(self.depth)),
            GlobalAvgPool(),
            Linear(out_features=outputs),
        ]

    def _block(self) -> Block:
        attention: list[AnyLayer] = [SelfAttention(heads=self.heads)]
        perceptron: list[AnyLayer] = [
            Linear(out_features=self.width * self.mlp_ratio),
            ActivationLayer(activation=self.activation),
            Linear(out_features=self.width),
        ]
        return Block(body=(*self._sublayer(attention), *self._sublayer(perceptron)))

    def _sublayer(self, layers: list[AnyLayer]) -> list[AnyLayer]:
        if self.normalization == "pre_layer_norm":
            layers = [LayerNorm(), *layers]
        if self.skip is not None:
            layers = [Residual(body=tuple(layers), scale=self.skip.scale)]
        if self.normalization == "post_layer_norm":
            layers = [*layers, LayerNorm()]
        return layers

    def count(self) -> int:
        return self.depth * (5 + 2 * (self.normalization is not None) + 2 * (self.skip is not None)) + 4
