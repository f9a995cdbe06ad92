from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from .base import Optimizer, WeightDecay


class Adam(Optimizer):
    """Adaptive moments: each step is scaled by the gradient's own recent size, so tiny gradients still move weights."""

    kind: Literal["adam"] = "adam"
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Decay of the mean."""
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the mean square."""
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-8
    """Added to the root mean square."""
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
