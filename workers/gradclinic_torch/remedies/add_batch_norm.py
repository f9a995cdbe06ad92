from torch import Tensor, nn

from gradclinic.kernel.calls import Call
from gradclinic.remedies.add_batch_norm import AddBatchNorm
from gradclinic.remedies.base import refuse

from .base import in_loop
from .forward import Layer
from .loop import Loop
from .norms import with_norms


@in_loop.register
def add_batch_norm(remedy: AddBatchNorm, loop: Loop) -> Loop:
    """Put a batch norm between each hidden layer and its activation."""
    options = {"eps": remedy.eps, "momentum": remedy.momentum}

    def norm_of(layer: Layer, output: Tensor) -> Call:
        if isinstance(layer, nn.Linear) and output.ndim != 2:
            raise refuse("a linear layer has outputs of several positions; use add_layer_norm")
        axes = 1 if isinstance(layer, nn.Linear | nn.Conv1d) else 2 if isinstance(layer, nn.Conv2d) else 3
        units = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
        return Call(f"nn.BatchNorm{axes}d", (units,), options)

    return with_norms(loop, norm_of)
