from typing import ClassVar, Literal

from ...kernel.calls import Call
from ...kernel.spec import Shape
from .pooling import Pool2d


class AvgPool2d(Pool2d):
    """Averages each window of an image, channel by channel."""

    kind: Literal["avg_pool2d"] = "avg_pool2d"
    source: ClassVar[str] = "torch.nn.AvgPool2d"

    def call(self, in_shape: Shape) -> Call:
        return Call("nn.AvgPool2d", (self.kernel_size,), {"stride": self.stride} if self.stride else {})
