"""The base class of layers, and the node that a layer lowers to."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Literal

from ...kernel.calls import Call
from ...kernel.spec import Shape, Spec

Layout = Literal["flat", "image", "sequence", "tokens"]
"""Layout of one sample: [features], [channels, height, width], [steps, features], or [steps] of symbols."""

Role = Literal["weight", "input_weight", "table", "bias", "scale", "shift"]
"""The role of a parameter, which decides how it is initialized.

`weight`: multiplies the input; set by the initialization scheme.
`input_weight`: a recurrent cell's weights for its input; lecun_normal times `input_gain`.
`table`: looked up, not multiplied (embeddings, positions); normal with the layer's own standard deviation.
`bias`: bias of a linear or conv layer; the scheme's constant. `scale`, `shift`: keep the defaults of their module.
"""


class DoesNotFit(ValueError):
    """The layer does not accept its input shape."""

    def __init__(self, message: str, *, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


@dataclass(frozen=True)
class Parameter:
    """One trainable tensor of a layer. The fans include the receptive field; they are 0 where not defined."""

    name: str
    shape: Shape
    role: Role
    fan_in: int = 0
    fan_out: int = 0
    parts: int = 1
    """Matrices stacked along the first axis (gates; query, key, value); each is initialized separately."""
    deviation: float = 0.0
    """Initial standard deviation of a table."""

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)

    @property
    def multiplies(self) -> bool:
        """Whether the parameter multiplies activations; if so, statistics per weight are recorded."""
        return self.role in ("weight", "input_weight")


@dataclass(frozen=True)
class Node:
    """A layer in the lowered tree, with its path and shapes; independent of torch."""

    name: str
    """Path in the lowered tree: `3.linear`, `5.residual.1.linear`."""
    kind: str
    call: Call
    in_shape: Shape
    out_shape: Shape
    parameters: tuple[Parameter, ...]
    flops: int
    """Floating-point operations of the forward pass of one sample; a multiply-add counts as two."""
    pointer: str
    """JSON pointer, within the model, to the layer this node came from; "" if it came from a preset."""
    layer: "Layer"
    children: tuple["Node", ...] = ()
    """The nodes in the body of a residual or a block."""

    @property
    def weighted(self) -> bool:
        """Whether the layer multiplies by weights (linear, conv...), unlike norms and activations."""
        return any(parameter.role == "weight" for parameter in self.parameters)

    def walk(self) -> Iterator["Node"]:
        """This node, then all nodes inside it, in forward order."""
        yield self
        for child in self.children:
            yield from child.walk()


class Layer(Spec):
    """One layer of a network."""

    kind: str
    source: ClassVar[str]
    """Where the layer was proposed or is defined."""
    wants: ClassVar[Layout | None] = None
    """Required sample layout; None if several are possible. The first layer that requires one decides for the model."""
    is_norm: ClassVar[bool] = False
    """Whether it normalizes the pre-activation of the weighted layer before it."""

    @abstractmethod
    def out_shape(self, in_shape: Shape) -> Shape:
        """Shape of one sample's output; raises DoesNotFit."""

    @abstractmethod
    def call(self, in_shape: Shape) -> Call:
        """The torch module that computes it."""

    def parameters(self, in_shape: Shape) -> tuple[Parameter, ...]:
        """The trainable tensors in torch's order; none by default."""
        return ()

    def flops(self, in_shape: Shape) -> int:
        """Floating-point operations of the forward pass of one sample, without the body; one per value by default."""
        return prod(self.out_shape(in_shape))

    def smallest_batch(self, in_shape: Shape) -> int:
        """Smallest batch size that it can train on."""
        return 1

    def inner(self) -> Sequence["Layer"]:
        """The layers of its field `body`, if it has one."""
        return ()

    def count(self) -> int:
        """Number of nodes it lowers to, computed without lowering."""
        return 1 + sum(layer.count() for layer in self.inner())

    def expand(self, pointer: str) -> Iterator[tuple["Layer", str]]:
        """The layers that replace it in the lowered list, each with the pointer it came from."""
        yield self, pointer

    def node(self, in_shape: Shape, *, name: str, pointer: str) -> Node:
        """The lowered layer; raises DoesNotFit before anything else is computed from the shape."""
        out_shape = self.out_shape(in_shape)
        return Node(
            name=name,
            kind=self.kind,
            call=self.call(in_shape),
            in_shape=in_shape,
            out_shape=out_shape,
            parameters=self.parameters(in_shape),
            flops=self.flops(in_shape),
            pointer=pointer,
            layer=self,
        )


def lower_sequence(
    layers: Sequence[Layer], in_shape: Shape, *, prefix: str = "", pointer: str | None = None
) -> tuple[tuple[Node, ...], Shape]:
    """Lower a list of layers: names become paths, `repeat` is unrolled, and shapes are checked in order.

    `pointer` is the JSON pointer to the list in the model; None if the list came from a preset.
    Raises InvalidSpec with the pointer of the layer that does not fit.
    """
    from ...kernel.errors import InvalidSpec

    nodes: list[Node] = []
    shape = in_shape
    for index, declared in enumerate(layers):
        for layer, place in declared.expand(f"{pointer}/{index}"):
            where = "" if pointer is None else place
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
