from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from .base import Optimizer, WeightDecay


class AdamW(Optimizer):
    """Adam with decoupled weight decay, which shrinks all weights by the same fraction."""

    kind: Literal["adamw"] = "adamw"
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Decay rate of the running mean."""
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay rate of the running mean square."""
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-8
    """Added to the root mean square for numerical stability."""
    weight_decay: WeightDecay = 0.01
    """Each step shrinks every weight by the fraction learning rate x weight_decay."""
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
