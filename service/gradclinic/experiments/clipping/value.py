from typing import ClassVar, Literal

from ...kernel.spec import PositiveFloat
from .base import Clipping


class ValueClipping(Clipping):
    """Clips every gradient entry to [-`max_value`, `max_value`]; this can change the direction."""

    kind: Literal["value"] = "value"
    max_value: PositiveFloat
    """Largest absolute value of an entry."""
    source: ClassVar[str] = "Mikolov 2012, PhD thesis, Brno"
