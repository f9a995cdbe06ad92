from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from ...kernel.calls import Call
from .base import Optimizer, WeightDecay


class SGD(Optimizer):
    """Stochastic gradient descent with optional (Nesterov) momentum."""

    kind: Literal["sgd"] = "sgd"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Fraction of the previous step that is kept."""
    nesterov: bool = False
    """Nesterov momentum; needs momentum > 0."""
    weight_decay: WeightDecay = 0.0
    """L2 penalty."""
    source: ClassVar[str] = "torch.optim.SGD; Sutskever et al. 2013, ICML"

    @model_validator(mode="after")
    def _momentum_for_nesterov(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs momentum > 0")
        return self

    def call(self) -> Call:
        return Call(
            "optim.SGD",
            kwargs={
                "lr": self.learning_rate,
                "momentum": self.momentum,
                "nesterov": self.nesterov,
                "weight_decay": self.weight_decay,
            },
        )
