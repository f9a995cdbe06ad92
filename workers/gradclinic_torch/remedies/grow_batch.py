from dataclasses import replace

from gradclinic.remedies.base import refuse
from gradclinic.remedies.grow_batch import GrowBatch

from .base import in_loop
from .joining import join
from .loop import Loop


@in_loop.register
def grow_batch(remedy: GrowBatch, loop: Loop) -> Loop:
    """Join several batches into the batch of one step."""
    try:
        join([loop.batch, loop.batch])
    except (TypeError, RuntimeError, ValueError) as error:
        raise refuse(f"its batches cannot be joined to larger ones: {error}") from None
    joined = loop.joined * remedy.factor
    return replace(loop, joined=joined).changed("batches", f"# put {remedy.factor} times as many samples into a batch")
