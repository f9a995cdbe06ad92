from dataclasses import replace

from gradclinic.remedies.base import refuse
from gradclinic.remedies.train_longer import TrainLonger

from .base import in_loop
from .loop import Loop


@in_loop.register
def train_longer(remedy: TrainLonger, loop: Loop) -> Loop:
    """Take more steps, by going through the batches again if there are too few."""
    steps = round(loop.steps * remedy.factor)
    if steps == loop.steps:
        raise refuse(f"{steps} steps times {remedy.factor:g} are no more than {steps} steps")
    return replace(loop, steps=steps).changed("batches", f"# take {steps:,} steps instead of {loop.steps:,}")
