"""Classifies torch's modules, and the nodes of its autograd graph, for a recording."""

from torch import nn

from gradclinic.experiments.activations import ACTIVATIONS, Activation, TorchName
from gradclinic.kernel import registry

WEIGHTED = (
    nn.Linear, nn.Bilinear, nn.Conv1d, nn.Conv2d, nn.Conv3d,
    nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
)  # fmt: skip
"""Layers whose output is a pre-activation."""
CHANNELS_FIRST = WEIGHTED[2:]
CELLS = (nn.RNNCell, nn.LSTMCell, nn.GRUCell)
"""Recurrent cells that a program calls once for each time step."""
FUSED = (nn.RNN, nn.LSTM, nn.GRU)
"""Recurrent layers whose states stay inside one kernel."""
NORMS = (
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm,
    nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.LocalResponseNorm,
)  # fmt: skip
Weights = tuple[str, ...]


def weights_of(module: nn.Module) -> Weights:
    """Names of parameters by which modules multiply their input."""
    if isinstance(module, (*FUSED, *CELLS)):
        return tuple(name for name, _ in module.named_parameters(recurse=False) if name.startswith("weight"))
    if isinstance(module, nn.MultiheadAttention):
        names = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
        return tuple(name for name in names if getattr(module, name) is not None)
    if isinstance(module, WEIGHTED):
        return ("weight",)
    if isinstance(module, (*NORMS, nn.Embedding, nn.EmbeddingBag)) or next(module.children(), None) is not None:
        return ()
    own = module.named_parameters(recurse=False)
    return tuple(name for name, each in own if sum(size > 1 for size in each.shape) > 1)


def is_attention(module: nn.Module) -> bool:
    """Whether a module computes an attention, by the name of its class."""
    name = type(module).__name__.lower()
    return "attention" in name or "attn" in name


def may_be_weighted(module: nn.Module) -> bool:
    """Whether a module has a matrix, so that its output is a pre-activation if it multiplies by it."""
    return not isinstance(module, (*FUSED, *CELLS, nn.MultiheadAttention)) and bool(weights_of(module))


_BY_TORCH_NAME: dict[str, list[tuple[type[Activation], TorchName]]] = {}
"""The activations that torch computes under a name: of modules (`nn.ReLU`) and of nodes (`ReluBackward0`)."""
for _activation in ACTIVATIONS.values():
    for _known in _activation.torch_names:
        _BY_TORCH_NAME.setdefault(_known.name, []).append((_activation, _known))


def activation_of_module(module: nn.Module) -> Activation | None:
    """The catalogue's activation for a module; None if there is none."""
    kind = type(module)
    return _entry(f"nn.{kind.__name__}", module) if getattr(nn, kind.__name__, None) is kind else None


def activation_of_node(node: object) -> Activation | None:
    """The same for a function that a program called, from its node in the autograd graph."""
    return _entry(node.name(), node)  # type: ignore[attr-defined]  # torch's own type of a node has no name


def _entry(name: str, made_by: object) -> Activation | None:
    for activation, known in _BY_TORCH_NAME.get(name, []):
        if all(float(getattr(made_by, attribute)) == value for attribute, value in known.only.items()):
            values = {
                parameter: float(getattr(made_by, attribute)) for parameter, attribute in known.parameters.items()
            }
            try:
                return activation.model_validate({"name": registry.tag_of(activation, tag="name"), **values})
            except ValueError:  # the catalogue does not allow this slope
                return None
    return None
