"""How the hidden weighted layers start: a distribution and its deviation, from the fans."""

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
    """A scheme for the hidden weights. No activation gain is hidden in it: `gain` is yours.

    Fans count the receptive field: fan_in = in_channels x kernel size, fan_out = out_channels x kernel size.
    """

    scheme: str
    gain: PositiveFloat = 1.0
    """Multiplies the scheme's standard deviation."""
    bias: Annotated[float | None, Field(ge=-1e6, le=1e6)] = None
    """Constant for the biases of hidden linear and conv layers; null is the scheme's own (0, except torch_default)."""
    input_gain: PositiveFloat = 1.0
    """For recurrent cells: their input weights are lecun_normal times this."""
    readout: SchemeName = "lecun_normal"
    """The scheme of the last weighted layer, the readout; it has gain 1 and bias 0."""
    zero_last_in_residual: bool = False
    """Start the last weighted layer of every residual body at zero, so that each block begins as the identity."""

    distribution: ClassVar[Distribution]
    source: ClassVar[str]

    @abstractmethod
    def deviation(self, fan_in: int, fan_out: int) -> float:
        """Standard deviation of one weight, gain included."""

    def weight_variance(self, fan_in: int, fan_out: int) -> float:
        """s_w^2 = fan_in Var(W), the quantity that mean-field theory speaks of. Dimensionless."""
        return fan_in * self.deviation(fan_in, fan_out) ** 2

    def bias_variance(self, fan_in: int) -> float:
        """Variance of a bias about zero: its constant squared, or the scheme's own."""
        return (self.bias or 0.0) ** 2
