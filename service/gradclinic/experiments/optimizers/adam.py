from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from .base import Optimizer, WeightDecay


class Adam(Optimizer):
    """Adaptive moments: divides by the recent size of the gradient, so even tiny gradients change the weights."""

    kind: Literal["adam"] = "adam"
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Decay rate of the running mean."""
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay rate of the running mean square."""
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-8
    """Added to the root mean square for numerical stability."""
    weight_decay: WeightDecay = 0.0
    """L2 penalty."""
    source: ClassVar[str] = "Kingma and Ba 2015, arXiv:1412.6980"

    def call(self) -> Call:
        return Call(
            "optim.Adam",
            kwargs={
                "lr": self.learning_rate,
                "betas": (self.beta1, self.beta2),
                "eps": self.eps,
                "weight_decay": self.weight_decay,
            },
        )
