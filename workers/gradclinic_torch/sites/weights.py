"""The weights of a model, as a recording names them."""

from torch import nn

from gradclinic.measurements.record import WeightInfo

from ..model.compiled import named_modules
from ..model.module_kinds import may_be_weighted, weights_of
from .discovery import Discovery


def weights_in(
    model: nn.Module, discovery: Discovery, readouts: set[str], *, trained: set[int]
) -> list[tuple[nn.Parameter, WeightInfo]]:
    """The weights of every layer that has some, in the order of the forward pass, then those that were not called."""
    last = len(discovery.called)
    order = discovery.order()
    modules = sorted(named_modules(model), key=lambda item: order.get(item[0], last))
    found: dict[int, tuple[nn.Parameter, WeightInfo]] = {}
    for name, module in modules:
        parameters = dict(module.named_parameters(recurse=False))
        own = [each for each in weights_of(module) if each in parameters]
        for each in own:
            weight = parameters[each]
            simple = may_be_weighted(module) and len(own) == 1
            label = name if simple and name else f"{name}.{each}".strip(".")
            info = WeightInfo(
                label,
                tuple(weight.shape),
                readout=name in readouts,
                trainable=weight.requires_grad and id(weight) in trained,
                module=_kind(module),
            )
            found.setdefault(id(weight), (weight, info))
    if not found:  # custom layers
        for name, weight in model.named_parameters():
            info = WeightInfo(
                name,
                tuple(weight.shape) or (1,),
                trainable=weight.requires_grad and id(weight) in trained,
                module=_kind(model.get_submodule(name.rpartition(".")[0])),
            )
            found[id(weight)] = weight, info
    return list(found.values())


def embeddings_in(model: nn.Module) -> list[nn.Parameter]:
    """The tables of the model's embeddings, each once."""
    modules = [module for module in model.modules() if isinstance(module, nn.Embedding | nn.EmbeddingBag)]
    return list(dict.fromkeys(module.get_parameter("weight") for module in modules))


def _kind(module: nn.Module) -> str:
    """The name of a module's class, without what torch puts in front of it where it shards or parametrizes a module."""
    kind = type(module)
    plain = kind.__name__.removeprefix("FSDP").removeprefix("Parametrized")
    return (plain if any(each.__name__ == plain for each in kind.__mro__) else kind.__name__)[:64]


def unseen_in(model: nn.Module, discovery: Discovery) -> int:
    """Number of layers with weights of which no call was seen in the first step."""
    inside = {id(each.out_proj) for each in model.modules() if isinstance(each, nn.MultiheadAttention)}
    """Torch's attention uses the weights of this layer without calling it."""
    return sum(
        bool(weights_of(module))
        and name not in discovery.called
        and id(module) not in inside
        and any(each.requires_grad for each in module.parameters())
        for name, module in named_modules(model)
    )
