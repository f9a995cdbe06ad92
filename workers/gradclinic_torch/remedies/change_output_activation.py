from gradclinic.kernel.calls import Call
from gradclinic.remedies.base import refuse
from gradclinic.remedies.change_output_activation import ChangeOutputActivation

from .base import in_loop
from .forward import forward_of
from .loop import Loop
from .replacing import is_sound, made, names_of, replace_all, replacing_code


@in_loop.register
def change_output_activation(remedy: ChangeOutputActivation, loop: Loop) -> Loop:
    """Replace the activation module behind the readout, or remove it."""
    present = forward_of(loop).endings()
    if not present:
        raise refuse("no activation module is called behind the readout")
    wanted = Call("nn.Identity") if remedy.output_activation is None else remedy.output_activation.call()
    if len(present) > 1:
        raise refuse(f"{len(present)} modules are called behind the readout; it is not clear which of them to replace")
    if f"nn.{type(present[0]).__name__}" == wanted.target:
        raise refuse(f"the output activation is already {wanted}")
    names = names_of(loop.model, present)
    replace_all(loop.model, {module: made(wanted, like=loop.model) for module in present})
    is_sound(loop)
    return loop.changed("after building", *replacing_code(names, f"new = {wanted}"))
