from gradclinic.remedies.base import refuse
from gradclinic.remedies.lower_weight_decay import LowerWeightDecay

from .base import in_loop
from .loop import Loop


@in_loop.register
def lower_weight_decay(remedy: LowerWeightDecay, loop: Loop) -> Loop:
    """Multiply the weight decay of every group of parameters."""
    groups = [group for group in loop.optimizer.param_groups if group.get("weight_decay")]
    if not groups:
        raise refuse("there is no weight decay")
    for group in groups:
        group["weight_decay"] *= remedy.factor
    return loop.changed(
        "after building", "for group in optimizer.param_groups:", f'    group["weight_decay"] *= {remedy.factor!r}'
    )
