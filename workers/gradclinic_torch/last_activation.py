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


def last_activation(root: Node | None) -> str | None:
    """The name of what made a tensor, where it is an activation or ends models as one does."""
    node = nearest_operation(root)
    if node is None:
        return None
    activation = activation_of_node(node)
    return activation.name if activation is not None else _OUTPUT_FUNCTIONS.get(node.name())
