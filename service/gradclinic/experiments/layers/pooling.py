"""The base class of pools over the windows of an image."""

from math import prod
from typing import Annotated, ClassVar

from pydantic import Field

from ...kernel.spec import Shape
from .base import DoesNotFit, Layer, Layout
from .convolution import Kernel, window_output


class Pool2d(Layer):
    """One value for each window of an image, channel by channel."""

    kernel_size: Kernel = 2
    """Height and width of the window."""
    stride: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Distance between windows in pixels; null is the kernel size."""
    wants: ClassVar[Layout | None] = "image"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) != 3:
            raise DoesNotFit(
                f"{self.kind} does not accept the input shape {list(in_shape)}", allowed="[channels, height, width]"
            )
        stride = self.stride or self.kernel_size
        height, width = (
            window_output(size, kernel=self.kernel_size, stride=stride, padding=0, what="a pool")
            for size in in_shape[1:]
        )
        return (in_shape[0], height, width)

    def flops(self, in_shape: Shape) -> int:
        return self.kernel_size**2 * prod(self.out_shape(in_shape))
