from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from .base import Optimizer, WeightDecay


class Adagrad(Optimizer):
    """Divides each gradient entry by the root of its summed squares so far, so step sizes only shrink."""

    kind: Literal["adagrad"] = "adagrad"
    lr_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Decays the learning rate as 1 / (1 + step x lr_decay)."""
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-10
    """Added to the root for numerical stability."""
    weight_decay: WeightDecay = 0.0
    """L2 penalty."""
    source: ClassVar[str] = "Duchi, Hazan and Singer 2011, JMLR 12"

    def call(self) -> Call:
        return Call(
            "optim.Adagrad",
            kwargs={
                "lr": self.learning_rate,
                "lr_decay": self.lr_decay,
                "eps": self.eps,
                "weight_decay": self.weight_decay,
            },
        )
