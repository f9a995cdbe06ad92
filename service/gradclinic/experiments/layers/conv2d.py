from typing import ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Shape, Width
from .base import DoesNotFit, Layout, Parameter
from .convolution import Kernel, Padding, window_output
from .weighted import Weighted


class Conv2d(Weighted):
    """A convolution over images [channels, height, width]. Each channel counts as a unit."""

    kind: Literal["conv2d"] = "conv2d"
    out_channels: Width
    """Output channels."""
    kernel_size: Kernel = 3
    """Height and width of the window."""
    stride: int = Field(default=1, ge=1, le=1024)
    """Distance between windows in pixels."""
    padding: Padding = "same"
    """Zeros added around the image, or "same" to keep the image size."""
    bias: bool = True
    """Whether it adds a bias to each channel."""
    wants: ClassVar[Layout | None] = "image"
    source: ClassVar[str] = "LeCun et al. 1989, Neural Computation 1; torch.nn.Conv2d"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) != 3:
            raise DoesNotFit(
                f"conv2d does not accept the input shape {list(in_shape)}", allowed="[channels, height, width]"
            )
        height, width = (
            window_output(size, kernel=self.kernel_size, stride=self.stride, padding=self.padding, what="a convolution")
            for size in in_shape[1:]
        )
        return (self.out_channels, height, width)

    def call(self, in_shape: Shape) -> Call:
        options: dict[str, object] = {"padding": self.padding}
        if self.stride != 1:
            options["stride"] = self.stride
        if not self.bias:
            options["bias"] = False
        return Call("nn.Conv2d", (in_shape[0], self.out_channels, self.kernel_size), options)

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        field = self.kernel_size**2
        fans = (in_shape[0] * field, self.out_channels * field)
        shape = (self.out_channels, in_shape[0], self.kernel_size, self.kernel_size)
        weight = Parameter("weight", shape, "weight", *fans)
        return (weight, Parameter("bias", (self.out_channels,), "bias", *fans)) if self.bias else (weight,)

    def flops(self, in_shape: Shape) -> int:
        channels, height, width = self.out_shape(in_shape)
        return (2 * in_shape[0] * self.kernel_size**2 + self.bias) * channels * height * width
