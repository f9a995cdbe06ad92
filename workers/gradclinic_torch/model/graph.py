"""The autograd graph of one backward pass: which nodes use a tensor, and which modules are bypassed by their input."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any

from torch import Tensor

Node = Any
"""torch's own type of a graph's node has no name."""

_MULTIPLY = (
    *("Addmm", "Mm", "Bmm", "Baddbmm", "Convolution", "Linear", "ScaledDotProduct"),
    *("MkldnnConvolution", "MkldnnLinear", "MkldnnRnn"),
    *("CudnnConvolution", "CudnnRnn", "CudnnAttention"),
    *("MiopenConvolution", "MiopenDepthwiseConvolution", "MiopenRnn"),
)
"""How the names of products' nodes begin, on CPUs and on GPUs. The libraries have norms and other nodes, too."""


Links = Mapping[Node, Sequence[Node]]
"""The inputs of nodes that torch's graph lacks, because a checkpoint computes that part in a graph of its own."""


def consumers_of(root: Node, links: Links = MappingProxyType({})) -> dict[Node, list[Node]]:
    """For each node under `root`: the nodes that use its output."""
    found: dict[Node, list[Node]] = {}
    seen, waiting = {root}, [root]
    while waiting:
        node = waiting.pop()
        for below in _below(node, links):
            found.setdefault(below, []).append(node)
            if below not in seen:
                seen.add(below)
                waiting.append(below)
    return found


def dominators_of(root: Node, links: Links = MappingProxyType({})) -> dict[Node, Node | None]:
    """For each node under `root`: the nearest node that lies on every way from it to the root; None for the root.

    All of the gradient that arrives at a node has come through its dominators.
    Source: Cooper, Harvey and Kennedy 2001, A simple, fast dominance algorithm; one pass is enough, because the graph
    has no cycles.
    """
    consumers = consumers_of(root, links)
    nearest: dict[Node, Node | None] = {root: None}
    depth = {root: 0}

    def shared(one: Node, other: Node) -> Node:
        while one is not other:
            if depth[one] >= depth[other]:
                one = nearest[one]
            else:
                other = nearest[other]
        return one

    for node in reversed(list(_upward(None, root, links))):
        if node is not root:
            takers = consumers[node]
            found = takers[0]
            for taker in takers[1:]:
                found = shared(found, taker)
            nearest[node], depth[node] = found, depth[found] + 1
    return nearest


def reached_by(nodes: Sequence[Node], root: Node, links: Links = MappingProxyType({})) -> list[set[int]]:
    """For each node, the indices of the nodes from which a way leads to it."""
    index_of = {node: index for index, node in enumerate(nodes)}
    below: dict[Node, int] = {}
    """For each visited node, a bit for each of `nodes` at or under it."""
    for node in _upward(None, root, links):
        found = 0
        for each in _below(node, links):
            found |= below[each]
        below[node] = found | (1 << index_of[node] if node in index_of else 0)
    return [
        {other for other in range(len(nodes)) if other != index and below.get(node, 0) >> other & 1}
        for index, node in enumerate(nodes)
    ]


def adds_its_input(entry: Node, leave: Node, *, unchanged: bool = False) -> bool:
    """Whether this is a residual block: it adds its input, or one projection of it, to what its layers made of it.

    Products that are added to each other with only linear operations between them are one linear layer, such as LoRA,
    and no residual block.
    unchanged: a block that adds a projection does not count.
    """
    spans = {entry: (0, 0)}
    joined = bends = False
    for node in _upward(entry, leave):
        own = int(node.name().startswith(_MULTIPLY))
        bends = bends or (node is not entry and not is_linear(node))
        ways = [spans[below] for below in _below(node) if below in spans]
        if ways:
            spans[node] = own + min(low for low, _ in ways), own + max(high for _, high in ways)
            joined = joined or (node.name().startswith("Add") and len(ways) > 1 and len(set(ways)) > 1)
    fewest, most = spans.get(leave, (0, 0))
    return joined and fewest < most and (fewest == 0 or (fewest == 1 and bends and not unchanged))


def multiplies(entry: Node, leave: Node) -> bool:
    """Whether there is a product, such as a linear layer or a convolution, between two nodes.

    What is inside a compiled graph is not seen, so it may be one.
    """
    if leave is None:
        return False
    return any(is_product(node) or is_compiled(node) for node in _upward(entry, leave) if node is not entry)


def reads_alone(entry: Node, leave: Node, consumers: Mapping[Node, Sequence[Node]]) -> bool:
    """Whether the output of `entry` is used only by operations on the way to `leave`."""
    inside = set(_upward(entry, leave))
    return all(taker in inside for taker in consumers.get(entry, ()))


def leaves_of(root: Node) -> list[Tensor]:
    """The tensors that get a gradient if backward starts at `root`, the nearest first."""
    found: list[Tensor] = []
    seen, waiting = {root}, deque([root])
    while waiting:
        node = waiting.popleft()
        variable = getattr(node, "variable", None)
        if isinstance(variable, Tensor):
            found.append(variable)
        for below in _below(node):
            if below not in seen:
                seen.add(below)
                waiting.append(below)
    return found


def number_of(node: Node) -> int | None:
    """The number of a node in the order in which its thread created nodes; None if torch does not provide it."""
    number = getattr(node, "_sequence_nr", None)
    return None if number is None else int(number())


def holds_all(root: Node, numbers: Set[int]) -> bool:
    """Whether the nodes with these numbers are all in the graph under `root`.

    A node's number is larger than those of its inputs, so the search leaves out what was created before all of these.
    """
    missing, seen, waiting = set(numbers), {root}, [root]
    while missing and waiting:
        node = waiting.pop()
        number = number_of(node)
        missing.discard(-1 if number is None else number)
        if missing and (number is None or number > min(missing)):
            new = [below for below in _below(node) if below not in seen]
            seen.update(new)
            waiting += new
    return not missing


def is_product(node: Node) -> bool:
    """Whether a node multiplies by weights, as the next layer does where no activation stands between."""
    return bool(node.name().startswith(_MULTIPLY))


def is_compiled(node: Node) -> bool:
    """Whether a node stands for a whole graph that `torch.compile` made."""
    return bool(node.name().startswith("CompiledFunction"))


def is_linear(node: Node) -> bool:
    """Whether a node computes sums, products, reshapings or dropout, and nothing nonlinear."""
    name = node.name().partition("Backward")[0]
    return is_product(node) or name in _RESHAPES or name in _LINEAR


def is_linear_map(root: Node) -> bool:
    """Whether all operations from the leaves to `root` are linear; batch norm, which scales, counts as linear."""
    return all(
        is_linear(node) or node.name().partition("Backward")[0].endswith(_AFFINE) for node in _upward(None, root)
    )


_AFFINE = ("BatchNorm", "Embedding", "AvgPool1D", "AvgPool2D", "AvgPool3D")


def reduces(node: Node) -> bool:
    """Whether a node selects some of many numbers, or computes their mean, sum or maximum."""
    return node.name().partition("Backward")[0] in _REDUCTIONS


def only_taker(node: Node, consumers: Mapping[Node, Sequence[Node]]) -> Node | None:
    """The only operation that uses the output of a node, ignoring reshapings; None if there are several, or none."""
    takers = consumers.get(node, ())
    while len(takers) == 1 and takers[0].name().partition("Backward")[0] in (*_RESHAPES, _BEGIN):
        takers = consumers.get(takers[0], ())
    return takers[0] if len(takers) == 1 else None


_RESHAPES = (
    "View", "UnsafeView", "Squeeze", "Unsqueeze", "Reshape", "ReshapeAlias", "ToCopy", "T", "Transpose", "Permute",
    "Select", "Slice", "Clone", "Alias",
)  # fmt: skip
"""Operations that move numbers without changing them."""

_BEGIN = "torch::autograd::AccumulateGrad"
"""A leaf of a graph, also of the graph in which a checkpoint computes its part."""

_REDUCTIONS = ("Mean", "Sum", "Select", "Slice", "Index", "IndexSelect", "Gather", "Amax", "Max", "Narrow", "Split")

_LINEAR = (
    "Add", "Sub", "Mul", "Div", "Neg", "Sum", "Mean", "Expand", "Cat", "Stack", "Split", "NativeDropout",
    "FusedDropout", _BEGIN,
)  # fmt: skip
"""Other operations that count as linear. A gate multiplies two signals, and has an activation of its own."""


def holds_derivatives(root: Node) -> bool:
    """Whether a derivative of a bent function was differentiated again on the way to `root`."""
    return any("BackwardBackward" in node.name() for node in _upward(None, root))


def is_reshape(node: Node) -> bool:
    """Whether a node moves numbers without changing them."""
    return node.name().partition("Backward")[0] in _RESHAPES


def nearest_operation(node: Node | None) -> Node | None:
    """The node of the operation that made a tensor's numbers; reshapings are passed over."""
    while node is not None:
        if not is_reshape(node):
            return node
        below = _below(node)
        node = below[0] if below else None
    return None


def _upward(entry: Node | None, leave: Node, links: Links = MappingProxyType({})) -> Iterator[Node]:
    """The nodes from `entry` to `leave`, each after its inputs; nodes under `entry` are not visited."""
    done, waiting = {entry}, [(leave, False)]
    while waiting:
        node, ready = waiting.pop()
        if ready:
            yield node
        elif node not in done:
            done.add(node)
            waiting.append((node, True))
            waiting += [(below, False) for below in _below(node, links) if below not in done]


def _below(node: Node, links: Links = MappingProxyType({})) -> Sequence[Node]:
    known = links.get(node)
    return known if known is not None else [below for below, _ in node.next_functions if below is not None]
