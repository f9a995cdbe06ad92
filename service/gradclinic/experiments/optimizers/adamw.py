from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from .base import Optimizer, WeightDecay


class AdamW(Optimizer):
    """Adam with weight decay apart from the gradient, so that it shrinks all weights alike."""

    kind: Literal["adamw"] = "adamw"
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Decay of the mean."""
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the mean square."""
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-8
    """Added to the root mean square."""
    weight_decay: WeightDecay = 0.01
    """Share of each weight that every step takes away, times the learning rate."""
    source: ClassVar[str] = "Loshchilov and Hutter 2019, arXiv:1711.05101"

    def call(self) -> Call:
        return Call(
            "optim.AdamW",
            kwargs={
                "lr": self.learning_rate,
                "betas": (self.beta1, self.beta2),
                "eps": self.eps,
                "weight_decay": self.weight_decay,
            },
        )
