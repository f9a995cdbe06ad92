from typing import ClassVar, Literal

from ...kernel.spec import PositiveFloat
from .base import Clipping


class NormClipping(Clipping):
    """Scales the whole gradient down when its L2 norm exceeds `max_norm`; its direction is unchanged."""

    kind: Literal["norm"] = "norm"
    max_norm: PositiveFloat
    """Largest L2 norm over all gradients."""
    source: ClassVar[str] = "Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063"
