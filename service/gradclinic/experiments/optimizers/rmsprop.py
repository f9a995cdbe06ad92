from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from .base import Optimizer, WeightDecay


class RMSprop(Optimizer):
    """Divides each gradient entry by its recent root mean square."""

    kind: Literal["rmsprop"] = "rmsprop"
    alpha: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """Decay rate of the running mean square."""
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-8
    """Added to the root mean square for numerical stability."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Momentum: fraction of the previous step that is kept."""
    weight_decay: WeightDecay = 0.0
    """L2 penalty."""
    source: ClassVar[str] = "Tieleman and Hinton 2012, Coursera lecture 6.5"

    def call(self) -> Call:
        return Call(
            "optim.RMSprop",
            kwargs={
                "lr": self.learning_rate,
                "alpha": self.alpha,
                "eps": self.eps,
                "momentum": self.momentum,
                "weight_decay": self.weight_decay,
            },
        )
