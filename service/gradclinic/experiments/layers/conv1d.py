from typing import ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Shape, Width
from .base import DoesNotFit, Layout, Parameter
from .convolution import Kernel, Padding, window_output
from .weighted import Weighted


class Conv1d(Weighted):
    """A convolution along the steps of a sequence [steps, features]. Each feature counts as a unit."""

    kind: Literal["conv1d"] = "conv1d"
    out_channels: Width
    """Output features at each step."""
    kernel_size: Kernel = 3
    """Length of the window in steps."""
    stride: int = Field(default=1, ge=1, le=1024)
    """Distance between windows in steps."""
    padding: Padding = "same"
    """Zeros added before and after the sequence, or "same" to keep the number of steps."""
    bias: bool = True
    """Whether it adds a bias to each feature."""
    wants: ClassVar[Layout | None] = "sequence"
    source: ClassVar[str] = "Waibel et al. 1989, IEEE TASSP 37; torch.nn.Conv1d"

    def out_shape(self, in_shape: Shape) -> Shape:
        if len(in_shape) != 2:
            raise DoesNotFit(f"conv1d does not accept the input shape {list(in_shape)}", allowed="[steps, features]")
        steps = window_output(
            in_shape[0], kernel=self.kernel_size, stride=self.stride, padding=self.padding, what="a convolution"
        )
        return (steps, self.out_channels)

    def call(self, in_shape: Shape) -> Call:
        options: dict[str, object] = {"padding": self.padding}
        if self.stride != 1:
            options["stride"] = self.stride
        if not self.bias:
            options["bias"] = False
        return Call("blocks.Conv1d", (in_shape[1], self.out_channels, self.kernel_size), options)

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        fans = (in_shape[1] * self.kernel_size, self.out_channels * self.kernel_size)
        weight = Parameter("weight", (self.out_channels, in_shape[1], self.kernel_size), "weight", *fans)
        return (weight, Parameter("bias", (self.out_channels,), "bias", *fans)) if self.bias else (weight,)

    def flops(self, in_shape: Shape) -> int:
        steps, features = self.out_shape(in_shape)
        return (2 * in_shape[1] * self.kernel_size + self.bias) * features * steps
