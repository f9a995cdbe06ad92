from typing import ClassVar, Literal

from ...kernel.spec import PositiveFloat
from .base import Clipping


class ValueClipping(Clipping):
    """Limits every entry of the gradient to +-`max_value`; its direction may change."""

    kind: Literal["value"] = "value"
    max_value: PositiveFloat
    """Largest absolute entry."""
    source: ClassVar[str] = "Mikolov 2012, PhD thesis, Brno"
