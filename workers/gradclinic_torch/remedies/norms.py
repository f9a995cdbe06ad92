"""Puts norms behind the hidden layers of a model."""

from collections.abc import Callable

from torch import Tensor, nn

from gradclinic.kernel.calls import Call
from gradclinic.remedies.base import refuse

from .forward import Layer, forward_of
from .loop import Loop
from .replacing import ADD_CODE, add_to, is_sound, made, names_of, replace_all, replacing_code


def with_norms(loop: Loop, norm_of: Callable[[Layer, Tensor], Call]) -> Loop:
    """A norm between each hidden layer and its activation; `norm_of` constructs it for a layer and its output.

    Only where the activation takes the output of the layer and nothing in between, so that a layer that has a norm, or
    whose output is added to something first, stays as it is.
    """
    forward = forward_of(loop)
    readout = forward.layers()[-1:]
    places = {layer: output for layer, output in forward.before_activation().items() if layer not in readout}
    if not places:
        raise refuse("no activation directly takes the output of a linear or convolutional layer")
    calls: dict[nn.Module, Call] = {layer: norm_of(layer, output) for layer, output in places.items()}
    named = {name: str(calls[loop.model.get_submodule(name)]) for name in names_of(loop.model, places)}
    norms = {layer: made(call, like=layer) for layer, call in calls.items()}
    replace_all(loop.model, {layer: nn.Sequential(layer, norm).train(layer.training) for layer, norm in norms.items()})
    add_to(loop.optimizer, norms.values())
    is_sound(loop)
    lines = [
        line
        for code in dict.fromkeys(named.values())
        for line in replacing_code(
            [name for name, each in named.items() if each == code],
            f"new = {code}",
            ADD_CODE,
            "new = nn.Sequential(old, new)",
        )
    ]
    return loop.changed("after building", *lines)
