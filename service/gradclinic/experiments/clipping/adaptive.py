from typing import ClassVar, Literal

from ...kernel.spec import PositiveFloat
from .base import Clipping


class AdaptiveClipping(Clipping):
    """Scales each unit's gradient down when its norm exceeds `factor` times that of the unit's weights.

    A unit is a row of a matrix or a kernel; biases and other vectors count as one unit. The weight
    norm is taken as at least 0.001, so zero weights can change.
    """

    kind: Literal["adaptive"] = "adaptive"
    factor: PositiveFloat = 0.01
    """Largest ratio of gradient norm to weight norm."""
    source: ClassVar[str] = "Brock et al. 2021, arXiv:2102.06171"
