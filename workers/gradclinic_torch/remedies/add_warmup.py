from dataclasses import replace

from gradclinic.remedies.add_warmup import AddWarmup

from .base import in_loop
from .loop import Loop


@in_loop.register
def add_warmup(remedy: AddWarmup, loop: Loop) -> Loop:
    """Let the rate rise over the first steps."""
    return replace(loop, schedule=remedy.warmed(loop.schedule))
