"""The base class of initialization schemes: a distribution whose standard deviation depends on the fans."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from ...kernel.spec import PositiveFloat, Spec

Distribution = Literal["normal", "uniform", "orthogonal", "lsuv", "torch_default"]
if TYPE_CHECKING:
    ReadoutScheme: TypeAlias = str
"""The name of a scheme that the readout can have. At run time the registry of schemes sets it."""


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
    readout: "ReadoutScheme" = "lecun_normal"
    """Scheme of the readout (the last weighted layer), with gain 1 and bias 0."""
    zero_last_in_residual: bool = False
    """Initialize the last weighted layer of every residual body to zero, so that each block starts as the identity."""

    distribution: ClassVar[Distribution]
    fits_readout: ClassVar[bool] = True
    """Whether the readout can have this scheme, too."""
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

    @abstractmethod
    def code(self, weight: str) -> list[str]:
        """Lines of PyTorch that set a weight, which is named as in `layer.weight`, from torch's own initialization."""


def scaled(weight: str, gain: float) -> list[str]:
    """The line of PyTorch that multiplies a weight; none for a gain of 1."""
    return [f"{weight}.data.mul_({gain!r})"] if gain != 1 else []
