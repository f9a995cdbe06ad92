"""The networks of all lanes as one."""

from collections.abc import Callable, Mapping, Sequence

from gradclinic.experiments.layers import Node
from gradclinic.experiments.layers.activation import ActivationLayer
from gradclinic_torch.model.tapped import Sequence as Modules

from ..blocks import Block, Residual
from .derivatives import DERIVATIVES
from .groups import LaneBlock, LaneResidual, LaneSequence
from .layer import LaneLayer, Stack
from .layers import (
    LaneActivation,
    LaneBatchNorm,
    LaneDifferentiated,
    LaneDropout,
    LaneFlatten,
    LaneLinear,
    layer_norm,
    prelu,
    rms_norm,
)
from .recurrent import LaneRecurrent
from .sequences import LaneEmbedding, LaneLastStep, LaneLearnedPositions, LaneMeanOfSteps, LaneSelfAttention

BY_KIND: Mapping[str, Callable[[Stack], LaneLayer]] = {
    "linear": LaneLinear,
    "batch_norm": LaneBatchNorm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "dropout": LaneDropout,
    "flatten": LaneFlatten,
    "self_attention": LaneSelfAttention,
    "learned_positions": LaneLearnedPositions,
    "global_avg_pool": LaneMeanOfSteps,
    "last_step": LaneLastStep,
    "embedding": LaneEmbedding,
    "recurrent": LaneRecurrent,
}
"""The layers of lanes by their kind, besides activations and groups of layers."""


def together(nodes: Sequence[Node], stack: Stack) -> LaneSequence:
    """The networks of all lanes, which lower to the same nodes, as one."""
    layers: dict[str, LaneLayer] = {}
    for index, node in enumerate(nodes):
        modules = [network.steps[index] for network in stack.modules if isinstance(network, Modules)]
        before = layers[nodes[index - 1].name] if index else None
        layers[node.name] = layer = _layer(node, stack.over(modules), before)
        if isinstance(before, LaneActivation) and isinstance(layer, LaneLinear):
            before.owns_gradient = True
    return LaneSequence(layers)


def _layer(node: Node, stack: Stack, before: LaneLayer | None) -> LaneLayer:
    first = stack.first
    if isinstance(first, Block | Residual):
        bodies = [module.body for module in stack.modules if isinstance(module, Block | Residual)]
        body = together(node.children, stack.over(bodies))
        return LaneBlock(body) if isinstance(first, Block) else _residual(first, body, stack)
    if isinstance(node.layer, ActivationLayer):
        return _activation(node.layer, stack, in_place=before is not None and before.can_be_overwritten)
    return BY_KIND[node.kind](stack)


def _activation(layer: ActivationLayer, stack: Stack, *, in_place: bool) -> LaneLayer:
    module, derivative = stack.first, DERIVATIVES.get(type(stack.first))
    if layer.activation.learned:
        return prelu(stack)
    if derivative is None:
        return LaneDifferentiated(module)
    return LaneActivation(module, derivative, in_place=in_place)


def _residual(first: Residual, body: LaneSequence, stack: Stack) -> LaneResidual:
    projection = None
    if first.projection is not None:
        projection = LaneLinear(stack.over([module.get_submodule("projection") for module in stack.modules]))
    return LaneResidual(body, scale=first.scale, projection=projection)
