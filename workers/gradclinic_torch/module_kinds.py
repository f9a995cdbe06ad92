"""What torch's modules and the nodes of its autograd graph are to a recording."""

from collections.abc import Callable
from typing import Any

from torch import nn

from gradclinic.experiments.activations import ACTIVATIONS, Activation

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
    """Names of the parameters that a module multiplies its input by."""
    if isinstance(module, (*FUSED, *CELLS)):
        return tuple(name for name, _ in module.named_parameters(recurse=False) if name.startswith("weight"))
    if isinstance(module, nn.MultiheadAttention):
        names = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
        return tuple(name for name in names if getattr(module, name) is not None)
    return ("weight",) if isinstance(module, WEIGHTED) else ()


_MODULES: dict[type[nn.Module], Callable[[Any], dict[str, Any] | None]] = {
    nn.Sigmoid: lambda _: {"name": "sigmoid"},
    nn.Tanh: lambda _: {"name": "tanh"},
    nn.Hardtanh: lambda m: {"name": "hardtanh"} if (m.min_val, m.max_val) == (-1.0, 1.0) else None,
    nn.Softsign: lambda _: {"name": "softsign"},
    nn.ReLU: lambda _: {"name": "relu"},
    nn.ReLU6: lambda _: {"name": "relu6"},
    nn.LeakyReLU: lambda m: {"name": "leaky_relu", "negative_slope": float(m.negative_slope)},
    nn.RReLU: lambda m: {"name": "rrelu", "lower": float(m.lower), "upper": float(m.upper)},
    nn.PReLU: lambda _: {"name": "prelu"},
    nn.ELU: lambda m: {"name": "elu", "alpha": float(m.alpha)},
    nn.SELU: lambda _: {"name": "selu"},
    nn.GELU: lambda _: {"name": "gelu"},
    nn.SiLU: lambda _: {"name": "silu"},
    nn.Mish: lambda _: {"name": "mish"},
    nn.Softplus: lambda m: {"name": "softplus"} if m.beta == 1 else None,
}
_NODES: dict[str, Callable[[Any], dict[str, Any] | None]] = {
    "SigmoidBackward0": lambda _: {"name": "sigmoid"},
    "TanhBackward0": lambda _: {"name": "tanh"},
    "ReluBackward0": lambda _: {"name": "relu"},
    "HardtanhBackward0": lambda n: {(-1.0, 1.0): {"name": "hardtanh"}, (0.0, 6.0): {"name": "relu6"}}.get(
        (float(n._saved_min_val), float(n._saved_max_val))
    ),
    "LeakyReluBackward0": lambda n: {"name": "leaky_relu", "negative_slope": float(n._saved_negative_slope)},
    "EluBackward0": lambda n: (
        {"name": "elu", "alpha": float(n._saved_alpha)} if float(n._saved_scale) == 1.0 else {"name": "selu"}
    ),
    "GeluBackward0": lambda _: {"name": "gelu"},
    "SiluBackward0": lambda _: {"name": "silu"},
    "MishBackward0": lambda _: {"name": "mish"},
    "SoftplusBackward0": lambda n: {"name": "softplus"} if float(n._saved_beta) == 1 else None,
}
"""Those that have one value for each input: what they make of it can be computed again."""


def activation_of_module(module: nn.Module) -> Activation | None:
    """The catalogue's entry for a module; None where it has none."""
    return _built(_MODULES.get(type(module)), module)


def activation_of_node(node: Any) -> Activation | None:
    """The same for a function that a program called, from its node in the autograd graph."""
    return _built(_NODES.get(node.name()), node)


def _built(describe: Callable[[Any], dict[str, Any] | None] | None, of: Any) -> Activation | None:
    values = describe(of) if describe is not None else None
    if values is None:
        return None
    try:
        return ACTIVATIONS[values["name"]].model_validate(values)
    except ValueError:  # a slope that the catalogue does not allow
        return None
