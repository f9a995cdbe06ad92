from gradclinic.remedies.base import refuse
from gradclinic.remedies.swap_activation import SwapActivation

from .base import in_loop
from .forward import forward_of
from .loop import Loop
from .replacing import ADD_CODE, add_to, made, names_of, replace_all, replacing_code


@in_loop.register
def swap_activation(remedy: SwapActivation, loop: Loop) -> Loop:
    """Replace the activation modules before the readout; those that `forward` calls as functions cannot be."""
    forward = forward_of(loop)
    hidden = forward.activations()
    if not hidden and forward.functions():
        raise refuse("forward calls its activations as functions, which cannot be swapped; make modules of them")
    swapped = [module for module, activation in hidden.items() if activation != remedy.activation]
    if not swapped:
        raise refuse(f"the model has no hidden activation module other than {remedy.activation.name}")
    if set(swapped) & set(forward.endings()):
        raise refuse("one module is both a hidden activation and that of the output; use two modules")
    names = names_of(loop.model, swapped)
    call = remedy.activation.call()
    new = {module: made(call, like=loop.model) for module in swapped}
    replace_all(loop.model, new)
    add_to(loop.optimizer, new.values())
    added = (ADD_CODE,) if any(True for module in new.values() for _ in module.parameters()) else ()
    notes = ("# also swap the activations that forward calls as functions",) if forward.functions() else ()
    return loop.changed("after building", *notes, *replacing_code(names, f"new = {call}", *added))
