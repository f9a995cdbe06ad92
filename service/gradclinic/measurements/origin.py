"""The origin of the first number of a training that was not finite."""

from typing import Annotated, Literal

from pydantic import Field

from ..kernel.spec import Items, Spec
from .preflight import Count, Name

Where = Literal["inputs", "targets", "weights", "forward", "loss", "loss_backward", "backward"]
"""The data; a weight before the step; the forward pass of a module; the loss; or the backward pass of either."""

Made = Literal["nan", "infinity"]
"""A number that is not defined, or one without a bound, such as the logarithm of -1 and that of 0."""


class NonFiniteOrigin(Spec):
    """The first place where finite numbers became non-finite."""

    step: Count
    """The step in which it happened."""
    where: Where
    module: Name | None = None
    """The name of the module or weight, if it is one."""
    operation: Name | None = None
    """The operation of torch that made them, such as `log`; in a backward pass, the one whose gradient it is."""
    rows: Annotated[Items[Count], Field(max_length=100)] = ()
    """Rows of the batch with such numbers, counted from 0; empty if it does not concern single rows."""
    of_targets: Made | None = None
    """What an operation of the loss made of the targets alone, whatever the outputs are; null for other operations."""
    of_outputs_undefined: bool = False
    """Whether an operation of the loss made NaN of what depends on the outputs: it is not defined for them."""
