"""What every layer says about itself, and the node that it lowers to."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Literal

from ..calls import Call
from ..spec import Shape, Spec

Role = Literal["weight", "bias", "scale", "shift"]


class DoesNotFit(ValueError):
    """A layer cannot take the shape that reaches it."""

    def __init__(self, message: str, *, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


@dataclass(frozen=True)
class Parameter:
    """One trainable tensor of a layer. The fans count the receptive field; they are 0 where they mean nothing."""

    name: str
    shape: Shape
    role: Role
    fan_in: int = 0
    fan_out: int = 0

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)


@dataclass(frozen=True)
class Node:
    """A layer in the lowered tree: named by its path, its shapes known, still torch-free."""

    name: str
    """Path in the lowered tree: `3.linear`, `5.residual.1.linear`."""
    kind: str
    call: Call
    in_shape: Shape
    out_shape: Shape
    parameters: tuple[Parameter, ...]
    flops: int
    """Floating-point operations of one sample's forward pass; a multiply-add is two."""
    pointer: str
    """JSON pointer, within the model, of the layer that this came from."""
    layer: "Layer"
    children: tuple["Node", ...] = ()
    """The body of a residual block."""

    @property
    def weighted(self) -> bool:
        """Whether the layer multiplies by weights (linear, conv...), as against norms and activations."""
        return any(parameter.role == "weight" for parameter in self.parameters)

    def walk(self) -> Iterator["Node"]:
        """This node, then everything inside it, in forward order."""
        yield self
        for child in self.children:
            yield from child.walk()


class Layer(Spec):
    """One layer of a network, as declared."""

    kind: str
    source: ClassVar[str]
    """Where the layer was proposed or is defined."""
    unit_axis: ClassVar[int] = -1
    """Axis of the output that counts units: the last, or 1 where the output is channels first."""
    is_norm: ClassVar[bool] = False
    """Whether it normalizes the pre-activation that the weighted layer before it made."""

    @abstractmethod
    def out_shape(self, in_shape: Shape) -> Shape:
        """Shape of one sample's output; raises DoesNotFit."""

    @abstractmethod
    def call(self, in_shape: Shape) -> Call:
        """The torch module that computes it."""

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        """Its trainable tensors, in torch's order; none by default."""
        return ()

    def flops(self, in_shape: Shape) -> int:
        """Floating-point operations of one sample's forward pass; one a value by default."""
        return prod(self.out_shape(in_shape))

    def count(self) -> int:
        """How many nodes it lowers to, computed without lowering it."""
        return 1

    def expand(self, pointer: str) -> Iterator[tuple["Layer", str]]:
        """The layers that stand in the lowered list in its place, each with where it came from."""
        yield self, pointer

    def children(self, in_shape: Shape, *, name: str, pointer: str) -> tuple[Node, ...]:
        """Its lowered body, where it has one."""
        return ()

    def node(self, in_shape: Shape, *, name: str, pointer: str) -> Node:
        """The layer lowered at its place; raises DoesNotFit."""
        children = self.children(in_shape, name=name, pointer=pointer)
        return Node(
            name=name,
            kind=self.kind,
            call=self.call(in_shape),
            in_shape=in_shape,
            out_shape=self.out_shape(in_shape),
            parameters=self.parameters(in_shape),
            flops=self.flops(in_shape) + sum(child.flops for child in children),
            pointer=pointer,
            layer=self,
            children=children,
        )


def lower_sequence(
    layers: Sequence[Layer], in_shape: Shape, *, prefix: str = "", pointer: str = ""
) -> tuple[tuple[Node, ...], Shape]:
    """Lower a list of layers: names are paths, `repeat` is unrolled, shapes are checked one after the other.

    Raises InvalidSpec with the pointer of the layer that does not fit.
    """
    from ..errors import InvalidSpec

    nodes: list[Node] = []
    shape = in_shape
    for index, declared in enumerate(layers):
        for layer, where in declared.expand(f"{pointer}/{index}"):
            name = f"{prefix}{len(nodes)}.{layer.kind}"
            try:
                node = layer.node(shape, name=name, pointer=where)
            except DoesNotFit as misfit:
                raise InvalidSpec.at(where, f"{name}: {misfit}", value=_shown(layer), allowed=misfit.allowed) from None
            nodes.append(node)
            shape = node.out_shape
    return tuple(nodes), shape


def _shown(layer: Layer) -> Any:
    return layer.model_dump(mode="json", exclude={"body"})
