"""What every layer says about itself, and the node that it lowers to."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Literal

from ...kernel.calls import Call
from ...kernel.spec import Shape, Spec

Layout = Literal["flat", "image", "sequence", "tokens"]
"""How a model wants one sample: [features], [channels, height, width], [steps, features], or [steps] of symbols."""

Role = Literal["weight", "input_weight", "table", "bias", "scale", "shift"]
"""What a parameter is for, which decides how it starts.

`weight`: multiplies what comes in; the initialization scheme draws it.
`input_weight`: a recurrent cell's weights for its input; lecun_normal times `input_gain`.
`table`: looked up, not multiplied (embeddings, positions); normal with the layer's own deviation.
`bias`: of a linear or conv layer; the scheme's constant. `scale`, `shift`: start as their module makes them.
"""


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
    parts: int = 1
    """Matrices stacked along the first axis (gates; query, key and value): each is drawn by itself, from these fans."""
    deviation: float = 0.0
    """Standard deviation that a table starts with."""

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)

    @property
    def multiplies(self) -> bool:
        """Whether activations are multiplied by it, so that statistics per weight are kept."""
        return self.role in ("weight", "input_weight")


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
    """JSON pointer, within the model, of the layer that this came from; "" where a preset made it."""
    layer: "Layer"
    children: tuple["Node", ...] = ()
    """The body of a residual or a block."""

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
    wants: ClassVar[Layout | None] = None
    """The layout of samples that it needs; None where it takes several. A model's first such layer decides for it."""
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
        """Floating-point operations of one sample's forward pass, its body's left out; one a value by default."""
        return prod(self.out_shape(in_shape))

    def smallest_batch(self, in_shape: Shape) -> int:
        """Samples that it needs at once to be trained."""
        return 1

    def inner(self) -> Sequence["Layer"]:
        """The layers of its field `body`, where it has one."""
        return ()

    def count(self) -> int:
        """How many nodes it lowers to, computed without lowering it."""
        return 1 + sum(layer.count() for layer in self.inner())

    def expand(self, pointer: str) -> Iterator[tuple["Layer", str]]:
        """The layers that stand in the lowered list in its place, each with where it came from."""
        yield self, pointer

    def node(self, in_shape: Shape, *, name: str, pointer: str) -> Node:
        """The layer lowered at its place; raises DoesNotFit, before anything else is computed from the shape."""
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
    """Lower a list of layers: names are paths, `repeat` is unrolled, shapes are checked one after the other.

    `pointer` is where the list stands in the model; None where nobody declared it, since a preset made it.
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
