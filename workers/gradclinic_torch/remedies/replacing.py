"""Replaces modules inside of a model, and writes the code that does so."""

from collections.abc import Collection, Mapping
from itertools import chain

from torch import nn
from torch.optim import Optimizer

from gradclinic.kernel.calls import Call
from gradclinic.remedies.base import refuse

from .forward import forward_of
from .loop import Loop


def names_of(model: nn.Module, modules: Collection[nn.Module]) -> list[str]:
    """All names of these modules, in the order of the model; raises RemedyDoesNotApply if one is the model itself."""
    wanted = set(modules)
    names = [name for name, module in model.named_modules(remove_duplicate=False) if module in wanted]
    if "" in names:
        raise refuse("the model is a single layer; put it into nn.Sequential, so that it can be replaced")
    return names


def replace_all(model: nn.Module, new: Mapping[nn.Module, nn.Module]) -> None:
    """Put new modules in the places of old ones."""
    places = [(name, new[model.get_submodule(name)]) for name in names_of(model, new)]
    for name, module in places:
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, module)


def replacing_code(names: Collection[str], *lines: str) -> tuple[str, ...]:
    """Lines that set `new` for every `old` module of these names, and put it in its place."""
    places = [(parent, child) for parent, _, child in (name.rpartition(".") for name in names)]
    return (
        f"for parent, name in {places!r}:",
        "    old = getattr(model.get_submodule(parent), name)",
        *(f"    {line}" for line in lines),
        "    setattr(model.get_submodule(parent), name, new)",
    )


def add_to(optimizer: Optimizer, modules: Collection[nn.Module]) -> None:
    """Let the optimizer train the parameters of new modules, with the settings of its first group."""
    parameters = list(chain.from_iterable(module.parameters() for module in modules))
    if parameters:
        optimizer.add_param_group({**optimizer.param_groups[0], "params": parameters})


ADD_CODE = 'optimizer.add_param_group({**optimizer.param_groups[0], "params": [*new.parameters()]})'
"""The same for one module that is called `new`."""


def is_sound(loop: Loop) -> None:
    """Raise RemedyDoesNotApply if the model with its new modules does not take a batch any more."""
    try:
        forward_of(loop)
    except Exception as error:  # noqa: BLE001  # whatever the program's own modules raise
        raise refuse(f"the model does not take a batch with it: {type(error).__name__}: {error}") from None


def made(call: Call, *, like: nn.Module) -> nn.Module:
    """The module of one of our own calls, in the mode, on the device and in the precision of another one."""
    kind: type[nn.Module] = getattr(nn, call.target.removeprefix("nn."))
    new = kind(*call.args, **call.kwargs)
    for parameter in like.parameters():
        new = new.to(device=parameter.device, dtype=parameter.dtype)
        break
    return new.train(like.training)
