from gradclinic.remedies.lower_learning_rate import LowerLearningRate

from .base import in_loop
from .learning_rate import with_rate
from .loop import Loop


@in_loop.register
def lower_learning_rate(remedy: LowerLearningRate, loop: Loop) -> Loop:
    """Multiply the rate of every group of parameters."""
    return with_rate(loop, lambda rate: rate * remedy.factor, code=f'group["lr"] *= {remedy.factor!r}')
