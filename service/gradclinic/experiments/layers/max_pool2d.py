from typing import ClassVar, Literal

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .pooling import Pool2d


class MaxPool2d(Pool2d):
    """Keeps the largest value of each window of an image, channel by channel."""

    kind: Literal["max_pool2d"] = "max_pool2d"
    source: ClassVar[str] = "torch.nn.MaxPool2d"

    def call(self, in_shape: Shape) -> Call:
        return Call("nn.MaxPool2d", (self.kernel_size,), {"stride": self.stride} if self.stride else {})
