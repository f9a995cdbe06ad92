from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..calls import Call
from ..spec import Shape
from .base import DoesNotFit, Layer, Layout
from .convolution import Kernel, window_output


class MaxPool2d(Layer):
    """Keeps the largest value of each window of an image, channel by channel."""

    kind: Literal["max_pool2d"] = "max_pool2d"
    kernel_size: Kernel = 2
    """Height and width of the window."""
    stride: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Pixels between two windows; null is the kernel size."""
    wants: ClassVar[Layout | None] = "image"
    source: ClassVar[str] = "torch.nn.MaxPool2d"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) != 3:
            raise DoesNotFit(f"{self.kind} cannot take the shape {list(in_shape)}", allowed="[channels, height, width]")
        stride = self.stride or self.kernel_size
        height, width = (
            window_output(size, kernel=self.kernel_size, stride=stride, padding=0, what="a pool")
            for size in in_shape[1:]
        )
        return (in_shape[0], height, width)

    def call(self, in_shape: Shape) -> Call:
        return Call("nn.MaxPool2d", (self.kernel_size,), {"stride": self.stride} if self.stride else {})

    def flops(self, in_shape: Shape) -> int:
        return self.kernel_size**2 * prod(self.out_shape(in_shape))
