from torch import Tensor, nn

from gradclinic.kernel.calls import Call
from gradclinic.remedies.add_layer_norm import AddLayerNorm

from .base import in_loop
from .forward import Layer
from .loop import Loop
from .norms import with_norms


@in_loop.register
def add_layer_norm(remedy: AddLayerNorm, loop: Loop) -> Loop:
    """Put a layer norm between each hidden layer and its activation; for images, it is a group norm of one group."""

    def norm_of(layer: Layer, _: Tensor) -> Call:
        if isinstance(layer, nn.Linear):
            return Call("nn.LayerNorm", (layer.out_features,), {"eps": remedy.eps})
        return Call("nn.GroupNorm", (1, layer.out_channels), {"eps": remedy.eps})

    return with_norms(loop, norm_of)
