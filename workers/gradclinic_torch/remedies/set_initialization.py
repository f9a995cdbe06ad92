from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gradclinic.experiments.initializations import Initialization, scheme_named
from gradclinic.experiments.initializations.lecun_normal import LecunNormal
from gradclinic.remedies.base import refuse
from gradclinic.remedies.set_initialization import SetInitialization

from ..model.module_kinds import CELLS, FUSED
from .base import in_loop
from .forward import Layer, forward_of
from .loop import Loop
from .replacing import names_of


@in_loop.register
def set_initialization(remedy: SetInitialization, loop: Loop) -> Loop:
    """Draw the weights of all layers anew that are trained: linear, convolutional and recurrent ones."""
    scheme = remedy.initialization
    if scheme.distribution == "lsuv":
        raise refuse("lsuv scales the weights on samples, which only declared networks support; use orthogonal")
    if scheme.zero_last_in_residual:
        raise refuse("it is not known which layers of a program's own model end a residual block")
    layers = forward_of(loop).layers()
    drawn = {each for each in layers if _is_drawn(each, loop)}
    hidden = [
        each for each in loop.model.modules() if isinstance(each, Layer) and each in drawn and each is not layers[-1]
    ]
    last = [each for each in layers[-1:] if each in drawn]
    recurrent = [each for each in loop.model.modules() if isinstance(each, FUSED + CELLS)]
    attention = [each for each in loop.model.modules() if isinstance(each, nn.MultiheadAttention)]
    transposed = [each for each in loop.model.modules() if _is_transposed(each) and _is_drawn(each, loop)]
    if not drawn and not recurrent and not attention and not transposed:
        raise refuse("the model has no linear, convolutional, recurrent or attention layer that is trained")
    readout = scheme_named(scheme.readout).model_copy(update={"bias": 0.0})
    code = [
        *_recurrent_code(loop.model, recurrent, scheme),
        *_attention_code(loop.model, attention, scheme),
        *_transposed_code(loop.model, transposed, scheme),
    ]
    for cell in recurrent:
        _draw_recurrent(cell, scheme)
    for each in attention:
        _draw_attention(each, scheme)
    for linear in transposed:
        _draw_transposed(linear, scheme)
    for layers_of, own in ((hidden, scheme), (last, readout)):
        for layer in layers_of:
            _draw_layer(layer, own)
        code += _code(names_of(loop.model, layers_of), own) if layers_of else []
    return loop.changed("after building", *code)


def _is_transposed(layer: nn.Module) -> bool:
    """Whether it is the linear layer of GPT-2 in transformers, whose weight is [in, out]."""
    return type(layer).__name__ == "Conv1D" and type(layer).__module__.startswith("transformers.")


def _is_drawn(layer: nn.Module, loop: Loop) -> bool:
    """Whether a layer has a weight of its own that the optimizer trains."""
    if parametrize.is_parametrized(layer, "weight"):
        return False
    weight = layer.get_parameter("weight")
    tables = {id(each.weight) for each in loop.model.modules() if isinstance(each, nn.Embedding)}
    held = {id(each) for each in loop.held()}
    return weight.requires_grad and id(weight) in held and id(weight) not in tables


def _draw_layer(layer: Layer, scheme: Initialization) -> None:
    if scheme.distribution == "torch_default":
        layer.reset_parameters()
    _draw(layer.weight, scheme)
    if layer.bias is not None and not (scheme.bias is None and scheme.distribution == "torch_default"):
        nn.init.constant_(layer.bias, scheme.bias or 0.0)


@torch.no_grad()
def _draw(weight: Tensor, scheme: Initialization) -> None:
    """Draw one matrix or kernel of shape [out, in, ...]."""
    receptive = weight[0, 0].numel()
    deviation = scheme.deviation(weight.shape[1] * receptive, weight.shape[0] * receptive)
    match scheme.distribution:
        case "orthogonal":
            nn.init.orthogonal_(weight, gain=scheme.gain)
        case "uniform":
            nn.init.uniform_(weight, -deviation * 3**0.5, deviation * 3**0.5)
        case "torch_default":
            weight.mul_(scheme.gain)
        case _:
            nn.init.normal_(weight, std=deviation)


@torch.no_grad()
def _draw_recurrent(cell: nn.Module, scheme: Initialization) -> None:
    """Draw the gates of a recurrent layer one by one: inputs by lecun_normal, the recurrence by the scheme."""
    for name, parameter in cell.named_parameters():
        if "bias" in name:
            parameter.zero_()
            continue
        own = LecunNormal(gain=scheme.input_gain) if "weight_ih" in name else scheme
        for part in torch.split(parameter.data, _width(cell)):
            _draw(part, own)


@torch.no_grad()
def _draw_attention(attention: nn.MultiheadAttention, scheme: Initialization) -> None:
    """Draw the matrices of query, key, value and output one by one."""
    for name, parameter in attention.named_parameters():
        if "bias" in name:
            parameter.zero_()
        else:
            for part in torch.split(parameter.data, attention.embed_dim):
                _draw(part, scheme)


@torch.no_grad()
def _draw_transposed(layer: nn.Module, scheme: Initialization) -> None:
    """Draw a weight [in, out]; one that makes query, key and value at once, each by itself."""
    weight = layer.get_parameter("weight")
    for part in _parts_of(weight):
        _draw(part, scheme)
    layer.get_parameter("bias").zero_()


def _parts_of(weight: Tensor) -> Sequence[Tensor]:
    """[out, in] of each matrix that is drawn."""
    inputs, outputs = weight.shape
    return torch.split(weight.data.T, inputs if outputs == 3 * inputs else outputs)


def _width(cell: nn.Module) -> int:
    width = cell.hidden_size
    assert isinstance(width, int)  # noqa: S101  # torch's own recurrent layers
    return width


def _code(names: Sequence[str], scheme: Initialization) -> list[str]:
    default = scheme.distribution == "torch_default"
    lines = ["layer.reset_parameters()"] if default else []
    lines += scheme.code("layer.weight")
    if not (scheme.bias is None and default):
        lines += ["if layer.bias is not None:", f"    nn.init.constant_(layer.bias, {scheme.bias or 0.0!r})"]
    return [
        f"for name in {list(names)!r}:",
        "    layer = model.get_submodule(name)",
        *(f"    {line}" for line in lines),
    ]


def _recurrent_code(model: nn.Module, cells: Sequence[nn.Module], scheme: Initialization) -> list[str]:
    if not cells:
        return []
    inputs = LecunNormal(gain=scheme.input_gain)
    return [
        f"for name in {names_of(model, cells)!r}:",
        "    cell = model.get_submodule(name)",
        "    for name, parameter in cell.named_parameters():",
        '        if "bias" in name:',
        "            nn.init.zeros_(parameter)",
        '        elif "weight_ih" in name:',
        "            for part in parameter.data.split(cell.hidden_size):",
        *(f"                {line}" for line in inputs.code("part")),
        "        else:",
        "            for part in parameter.data.split(cell.hidden_size):",
        *(f"                {line}" for line in (scheme.code("part") or ["pass"])),
    ]


def _attention_code(model: nn.Module, attention: Sequence[nn.MultiheadAttention], scheme: Initialization) -> list[str]:
    if not attention:
        return []
    return [
        f"for name in {names_of(model, attention)!r}:",
        "    attention = model.get_submodule(name)",
        "    for name, parameter in attention.named_parameters():",
        '        if "bias" in name:',
        "            nn.init.zeros_(parameter)",
        "        else:",
        "            for part in parameter.data.split(attention.embed_dim):",
        *(f"                {line}" for line in (scheme.code("part") or ["pass"])),
    ]


def _transposed_code(model: nn.Module, layers: Sequence[nn.Module], scheme: Initialization) -> list[str]:
    if not layers:
        return []
    return [
        f"for name in {names_of(model, layers)!r}:",
        "    layer = model.get_submodule(name)",
        "    inputs, outputs = layer.weight.shape",
        "    for part in layer.weight.data.T.split(inputs if outputs == 3 * inputs else outputs):",
        *(f"        {line}" for line in (scheme.code("part") or ["pass"])),
        "    nn.init.zeros_(layer.bias)",
    ]
