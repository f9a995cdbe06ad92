"""The last activation of a model, from the autograd graph of its outputs."""

from .graph import Node, nearest_operation
from .module_kinds import activation_of_node

_OUTPUT_FUNCTIONS = {
    "SoftmaxBackward0": "softmax",
    "LogSoftmaxBackward0": "log_softmax",
    "ExpBackward0": "exp",
    "AbsBackward0": "abs",
}
"""What a program ends its model with that is no activation of hidden layers, by its node in the autograd graph."""


def before_last_activation(root: Node | None) -> Node | None:
    """The node that a model's last activation takes from; where it ends without one, that of its last operation."""
    node = nearest_operation(root)
    if node is None or last_activation(root) is None:
        return node
    return next((below for below, _ in node.next_functions if below is not None), None)


def last_activation(root: Node | None) -> str | None:
    """The name of what made a tensor, where it is an activation or ends models as one does."""
    node = nearest_operation(root)
    if node is None:
        return None
    activation = activation_of_node(node)
    return activation.name if activation is not None else _OUTPUT_FUNCTIONS.get(node.name())
