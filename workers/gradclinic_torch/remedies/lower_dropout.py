from torch.nn.modules.dropout import _DropoutNd

from gradclinic.remedies.base import refuse
from gradclinic.remedies.lower_dropout import LowerDropout

from .base import in_loop
from .loop import Loop


@in_loop.register
def lower_dropout(remedy: LowerDropout, loop: Loop) -> Loop:
    """Multiply the dropped fraction of every dropout layer."""
    layers = [each for each in loop.model.modules() if isinstance(each, _DropoutNd) and each.p > 0]
    if not layers:
        raise refuse("the model has no dropout layer (one that forward calls as a function is not seen)")
    for layer in layers:
        layer.p *= remedy.factor
    return loop.changed(
        "after building",
        "for module in model.modules():",
        "    if isinstance(module, nn.modules.dropout._DropoutNd):",
        f"        module.p *= {remedy.factor!r}",
    )
