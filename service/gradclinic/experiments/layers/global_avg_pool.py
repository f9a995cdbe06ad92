from math import prod
from typing import ClassVar, Literal

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .base import DoesNotFit, Layer, Layout


class GlobalAvgPool(Layer):
    """Averages each channel over the whole image, or each feature over all steps of a sequence."""

    kind: Literal["global_avg_pool"] = "global_avg_pool"
    wants: ClassVar[Layout | None] = "image"
    source: ClassVar[str] = "Lin, Chen and Yan 2014, arXiv:1312.4400"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) == 3:
            return in_shape[:1]
        if len(in_shape) == 2:
            return in_shape[1:]
        raise DoesNotFit(
            f"global_avg_pool does not accept the input shape {list(in_shape)}",
            allowed="[channels, height, width] or [steps, features]",
        )

    def call(self, in_shape: Shape) -> Call:
        return Call("blocks.Mean", (2, 3) if len(in_shape) == 3 else (1,))

    def flops(self, in_shape: Shape) -> int:
        return prod(in_shape)
