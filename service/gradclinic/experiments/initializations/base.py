"""The base class of initialization schemes: a distribution whose standard deviation depends on the fans."""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.spec import PositiveFloat, Spec

Distribution = Literal["normal", "uniform", "orthogonal", "lsuv", "torch_default"]
SchemeName = Literal[
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
    "lecun_normal",
    "orthogonal",
    "normal",
    "uniform",
    "torch_default",
]


class Initialization(Spec):
    """An initialization scheme for the hidden weights. It adds no activation gain of its own; set it with `gain`.

    Fans include the receptive field: fan_in = in_channels x kernel size, fan_out = out_channels x kernel size.
    """

    scheme: str
    gain: PositiveFloat = 1.0
    """Multiplies the standard deviation of the scheme."""
    bias: Annotated[float | None, Field(ge=-1e6, le=1e6)] = None
    """Value of the biases of hidden linear and conv layers; null is the scheme's default (0, except torch_default)."""
    input_gain: PositiveFloat = 1.0
    """Multiplies the input weights of recurrent cells, which are lecun_normal."""
    readout: SchemeName = "lecun_normal"
    """Scheme of the readout (the last weighted layer), with gain 1 and bias 0."""
    zero_last_in_residual: bool = False
    """Initialize the last weighted layer of every residual body to zero, so that each block starts as the identity."""

    distribution: ClassVar[Distribution]
    source: ClassVar[str]

    @abstractmethod
    def deviation(self, fan_in: int, fan_out: int) -> float:
        """Standard deviation of one weight, including the gain."""

    def weight_variance(self, fan_in: int, fan_out: int) -> float:
        """s_w^2 = fan_in Var(W), the quantity used in mean-field theory. Dimensionless."""
        return fan_in * self.deviation(fan_in, fan_out) ** 2

    def bias_variance(self, fan_in: int) -> float:
        """Second moment of a bias: its constant squared, or the scheme's own variance."""
        return (self.bias or 0.0) ** 2
