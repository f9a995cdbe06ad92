from math import prod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ...kernel.calls import Call
from ...kernel.spec import Items, Shape
from .base import DoesNotFit, Layer, Node, Parameter, lower_sequence

if TYPE_CHECKING:
    from . import AnyLayer


class Residual(Layer):
    """shortcut(h) + scale x body(h): the gradient can bypass the body through the skip connection."""

    kind: Literal["residual"] = "residual"
    body: Annotated[Items["AnyLayer"], Field(min_length=1, max_length=200)]
    """The layers of the block; with an identity shortcut, input and output shapes must be equal."""
    scale: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Multiplies the body's output; 1 / sqrt(number of blocks) keeps a deep network's gradient constant over depth."""
    shortcut: Literal["identity", "projection"] = "identity"
    """The skip path: the input itself, or a learned linear map of it (a 1 x 1 convolution for images)."""
    source: ClassVar[str] = "He et al. 2016, arXiv:1512.03385; branch scale: Zhang et al. 2019, arXiv:1901.09321"

    def inner(self) -> tuple["AnyLayer", ...]:
        return self.body

    def out_shape(self, in_shape: Shape) -> Shape:
        return in_shape if self.shortcut == "identity" else lower_sequence(self.body, in_shape)[1]

    def call(self, in_shape: Shape) -> Call:
        return self._call(in_shape, self.out_shape(in_shape))

    def _call(self, in_shape: Shape, out_shape: Shape) -> Call:
        options: dict[str, object] = {"scale": self.scale}
        if self.shortcut == "projection":
            options["projection"] = (_units(in_shape), _units(out_shape))
            if len(in_shape) == 3:
                options["stride"] = _stride(in_shape, out_shape)
        return Call("blocks.Residual", kwargs=options)

    def node(self, in_shape: Shape, *, name: str, pointer: str) -> Node:
        children, out_shape = lower_sequence(
            self.body, in_shape, prefix=f"{name}.", pointer=f"{pointer}/body" if pointer else None
        )
        if self.shortcut == "identity" and out_shape != in_shape:
            raise DoesNotFit(
                f"the body maps {list(in_shape)} to {list(out_shape)}, which cannot be added to its input",
                allowed="a body with equal input and output shapes, or shortcut 'projection'",
            )
        parameters, flops = self._projection(in_shape, out_shape)
        return Node(
            name=name,
            kind=self.kind,
            call=self._call(in_shape, out_shape),
            in_shape=in_shape,
            out_shape=out_shape,
            parameters=parameters,
            flops=2 * prod(out_shape) + flops + sum(child.flops for child in children),
            pointer=pointer,
            layer=self,
            children=children,
        )

    def _projection(self, in_shape: Shape, out_shape: Shape) -> tuple[tuple[Parameter, ...], int]:
        if self.shortcut == "identity":
            return (), 0
        fan_in, fan_out = _units(in_shape), _units(out_shape)
        if len(in_shape) != len(out_shape) or (len(in_shape) == 2 and in_shape[0] != out_shape[0]):
            raise DoesNotFit(
                f"no projection maps {list(in_shape)} to {list(out_shape)}",
                allowed="a body that changes only the number of units (or, for images, divides height and width)",
            )
        if len(in_shape) == 3:
            _stride(in_shape, out_shape)
        shape = (fan_out, fan_in, 1, 1) if len(in_shape) == 3 else (fan_out, fan_in)
        weight = Parameter("projection.weight", shape, "weight", fan_in, fan_out)
        return (weight,), 2 * fan_in * prod(out_shape)


def _units(shape: Shape) -> int:
    return shape[0] if len(shape) == 3 else shape[-1]


def _stride(in_shape: Shape, out_shape: Shape) -> int:
    """Stride of the 1 x 1 convolution that maps one image size to the other."""
    for stride in range(1, in_shape[1] + 1):
        if all(-(-before // stride) == after for before, after in zip(in_shape[1:], out_shape[1:], strict=True)):
            return stride
    raise DoesNotFit(
        f"no stride maps images of size {list(in_shape[1:])} to size {list(out_shape[1:])}",
        allowed="a body that keeps height and width, or divides both by the same factor",
    )
