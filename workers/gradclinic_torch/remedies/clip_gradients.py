from dataclasses import replace

from gradclinic.remedies.base import refuse
from gradclinic.remedies.clip_gradients import ClipGradients

from .base import in_loop
from .loop import Loop, clipping_code


@in_loop.register
def clip_gradients(remedy: ClipGradients, loop: Loop) -> Loop:
    """Clip the gradients of all parameters of the model."""
    clipping = remedy.clipping()
    clipping_code(clipping)  # raises for one that torch does not have
    if loop.clipping == clipping:
        raise refuse(f"the gradient is already clipped by {remedy.by} at this threshold")
    return replace(loop, clipping=clipping)
