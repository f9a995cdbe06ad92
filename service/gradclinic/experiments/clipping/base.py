"""The base class of gradient clipping methods."""

from typing import ClassVar

from ...kernel.spec import Spec


class Clipping(Spec):
    """Gradient clipping between the backward pass and the optimizer step."""

    kind: str
    source: ClassVar[str]
