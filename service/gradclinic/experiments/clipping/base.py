"""What every gradient clipping says about itself."""

from typing import ClassVar

from ...kernel.spec import Spec


class Clipping(Spec):
    """A clipping of the gradient between backward and the optimizer's step, as declared."""

    kind: str
    source: ClassVar[str]
