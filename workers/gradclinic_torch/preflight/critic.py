"""Whether a loss judges a model's output through another network that this training does not train.

So it is where a generator is trained against a discriminator: the targets say what the discriminator should answer,
and are all alike by design.
"""

from collections.abc import Iterable, Set

from torch import Tensor

from ..model.graph import Node, is_product, number_of
from ..model.hooks import first_tensor

MOST_OUTPUTS = 64
"""Outputs of one step that are remembered."""
FIRST_STEPS, LATER_EVERY = 16, 16
"""Steps that are all looked at, and steps between two looks after them: who judges a model does not change often."""


class Critic:
    """Follows the outputs of one model to the losses that are computed from them."""

    def __init__(self, trained: Iterable[Tensor]) -> None:
        self._trained = {id(each) for each in trained}
        self._outputs: set[int] = set()
        """Numbers, in the autograd graph, of the model's outputs of this step; nodes would hold it in memory."""
        self._step = 0
        self.seen = False
        """Whether a loss was computed by another network from an output of the model."""

    def after_forward(self, output: object) -> None:
        """The model has returned this."""
        if self._looks and len(self._outputs) < MOST_OUTPUTS:
            self._outputs |= {number for each in _tensors(output) if (number := _made_at(each)) is not None}

    def after_loss(self, judged: object) -> None:
        """The criterion was called with this as its first argument."""
        root = judged.grad_fn if isinstance(judged, Tensor) else None
        if not self.seen and root is not None and self._outputs:
            self.seen = _is_another_between(root, self._outputs, self._trained)

    def step_done(self) -> None:
        """The optimizer has taken a step."""
        self._outputs.clear()
        self._step += 1

    @property
    def _looks(self) -> bool:
        return not self.seen and (self._step < FIRST_STEPS or self._step % LATER_EVERY == 0)


def _is_another_between(root: Node, outputs: Set[int], trained: Set[int]) -> bool:
    """Whether a way from an output to `root` multiplies by a matrix that is not trained here.

    A node's number is larger than those of the nodes it takes from, so nothing older than all outputs is visited.
    """
    first = min(outputs)
    reaches: dict[Node, bool] = {}
    waiting, foreign = [(root, False)], False
    while waiting:
        node, ready = waiting.pop()
        number = number_of(node)
        below = [each for each, _ in node.next_functions if each is not None]
        if ready:
            reaches[node] = any(reaches.get(each, False) for each in below)
            foreign = foreign or (reaches[node] and is_product(node) and not _is_trained(below, reaches, trained))
        elif node not in reaches:
            reaches[node] = number in outputs
            if not reaches[node] and number is not None and number > first:
                waiting += [(node, True), *((each, False) for each in below)]
    return foreign


def _is_trained(factors: list[Node], reaches: dict[Node, bool], trained: Set[int]) -> bool:
    """Whether what a product multiplies an output by is trained here, or comes from the outputs as well."""
    others = [each for each in factors if not reaches.get(each, False)]
    if not others:
        return len(factors) > 1  # two signals; a frozen matrix has no node
    return any(id(_parameter_behind(each)) in trained for each in others)


def _parameter_behind(node: Node) -> Tensor | None:
    """The parameter behind a node and its reshapings; None if there is none, or more than one input on the way."""
    while node is not None:
        variable = getattr(node, "variable", None)
        if isinstance(variable, Tensor):
            return variable
        below = [each for each, _ in node.next_functions if each is not None]
        node = below[0] if len(below) == 1 else None
    return None


def _tensors(output: object) -> list[Tensor]:
    parts = output.values() if isinstance(output, dict) else output if isinstance(output, list | tuple) else [output]
    return [found for part in parts if (found := first_tensor(part)) is not None]


def _made_at(tensor: Tensor) -> int | None:
    return number_of(tensor.grad_fn) if tensor.grad_fn is not None else None
