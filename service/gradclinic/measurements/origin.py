"""Where the first number of a training that was not finite came from."""

from typing import Annotated, Literal

from pydantic import Field

from ..kernel.spec import Items, Spec
from .preflight import Count, Name

Where = Literal["inputs", "targets", "weights", "forward", "loss", "loss_backward", "backward"]
"""In the data; in a weight before the step; in the forward of a module; in the loss; in the backward of either."""


class NonFiniteOrigin(Spec):
    """The first place that made a number that is not finite of numbers that were."""

    step: Count
    """The step that broke."""
    where: Where
    module: Name | None = None
    """The module, or the weight, where that is one."""
    rows: Annotated[Items[Count], Field(max_length=100)] = ()
    """Rows of the batch that hold such numbers there, counted from 0; empty where it is not a matter of rows."""
