from gradclinic.remedies.set_learning_rate import SetLearningRate

from .base import in_loop
from .learning_rate import with_rate
from .loop import Loop


@in_loop.register
def set_learning_rate(remedy: SetLearningRate, loop: Loop) -> Loop:
    """Set the rate of every group of parameters, or multiply it."""
    value, factor = remedy.value, remedy.factor or 1.0
    if value is not None:
        return with_rate(loop, lambda _: value, code=f'group["lr"] = {value!r}')
    return with_rate(loop, lambda rate: rate * factor, code=f'group["lr"] *= {factor!r}')
