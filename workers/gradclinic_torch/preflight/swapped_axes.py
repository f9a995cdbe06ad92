"""Whether outputs were reshaped (view) where axes had to be swapped (transpose, permute), by the autograd graph."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import mul

from torch import Tensor

from ..model.graph import Node, is_reshape

_VIEWS = ("ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0", "UnsafeReshapeBackward0")


def are_swapped(outputs: Tensor, loss: Tensor) -> bool:
    """Whether a reshape mixed two axes up: after the last operation of the model, or between its outputs and the loss.

    [samples, classes, places] that become [samples, places, classes] by a view, or [samples x places, classes], keep
    their order in memory, so that a row holds one class at several places.
    """
    views = (
        node
        for node in (*_between(loss.grad_fn, outputs.grad_fn), *_reshapes(outputs.grad_fn))
        if node.name() in _VIEWS
    )
    return any(
        (made := _shape_of(node, outputs)) is not None and _mixes(tuple(node._saved_self_sym_sizes), made)
        for node in views
    )


def _between(loss: Node | None, outputs: Node | None) -> Iterator[Node]:
    """The nodes from the loss down to the outputs."""
    seen, waiting = {loss, outputs}, [loss]
    while waiting:
        node = waiting.pop()
        if node is None or node is outputs:
            continue
        yield node
        below = {each for each, _ in node.next_functions} - seen
        seen |= below
        waiting += below


def _reshapes(node: Node | None) -> Iterator[Node]:
    """The nodes that reshape the outputs, from the last to the first."""
    while node is not None and is_reshape(node):
        yield node
        node = next((below for below, _ in node.next_functions if below is not None), None)


def _shape_of(node: Node, outputs: Tensor) -> tuple[int, ...] | None:
    """The shape of the tensor that this node made; before torch 2.5, only that of the outputs is known."""
    if node is outputs.grad_fn:
        return tuple(outputs.shape)
    made = getattr(node, "_input_metadata", None)
    return None if made is None else tuple(made[0].shape)


def _mixes(before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether a reshape from one shape to another gives an axis the place of another one."""
    old, new = ([size for size in shape if size != 1] for shape in (before, after))
    if len(old) < 3 or len(new) < 2:
        return False
    if len(new) == len(old):
        return sorted(old) == sorted(new) and old != new
    kept = set(accumulate(reversed(old), mul))
    split = len(old) == 3 and old[-1] % new[-1] == 0
    """The last axis may have been taken apart, as several outputs of each place."""
    return len(new) < len(old) and new[-1] == old[1] and new[-1] not in kept and not split
