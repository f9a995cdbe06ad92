from dataclasses import replace

from gradclinic.remedies.base import refuse
from gradclinic.remedies.remove_clipping import RemoveClipping

from .base import in_loop
from .loop import Loop


@in_loop.register
def remove_clipping(_: RemoveClipping, loop: Loop) -> Loop:
    """Stop clipping the gradients."""
    if loop.clipping is None:
        raise refuse("the gradient is not clipped")
    return replace(loop, clipping=None)
