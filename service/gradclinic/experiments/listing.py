"""Writes a lowered network as readable PyTorch code that runs without this service."""

from collections.abc import Sequence

from ..kernel.calls import Call
from .clipping import AnyClipping
from .experiment import Experiment
from .initializations import Initialization, scheme_named
from .layers import Node
from .lowering import lower
from .lr_schedules.constant import Constant

_RESIDUAL = '''
class Residual(nn.Module):
    """shortcut(h) + scale * body(h)."""

    def __init__(self, *body, scale=1.0, shortcut=None):
        super().__init__()
        self.body, self.scale = nn.Sequential(*body), scale
        self.shortcut = nn.Identity() if shortcut is None else shortcut

    def forward(self, h):
        return self.shortcut(h) + self.scale * self.body(h)
'''
_CONTAINERS = {"blocks.Residual": "Residual", "blocks.Block": "nn.Sequential"}
_WIDTH = 100
_LONGEST_PERIOD = 6


def listing(experiment: Experiment) -> str:
    """The network, its initialization, its optimizer and its clipping as PyTorch code."""
    network = lower(experiment)
    calls = [node.call for node in network.walk()]
    blocks = sorted({call.target for call in calls if call.target.startswith("blocks.")} - set(_CONTAINERS))
    imports = ["import torch", "from torch import nn"]
    if blocks:
        imports.append("from gradclinic_workers.train import blocks")
    parts = ["\n".join(imports)]
    if any(call.target == "blocks.Residual" for call in calls):
        parts.append(_RESIDUAL.strip("\n"))
    shape = ", ".join(str(size) for size in network.input_shape)
    body = "\n".join(_sequence(network.nodes, indent=1))
    parts.append(f"model = nn.Sequential(  # takes [batch, {shape}]\n{body}\n)")
    bare = any(len(node.parameters) == 1 for node in network.weighted)
    stacked = any(parameter.parts > 1 for node in network.weighted for parameter in node.parameters)
    parts.append(_initialization(experiment.model.initialization, bare=bare, parts=stacked))
    parts.append(_loss(experiment))
    parts.append(_optimizer(experiment.optimizer.call()))
    if experiment.schedule != Constant():
        parts.append(_schedule(experiment))
    if experiment.clipping is not None:
        parts.append(_clipping(experiment.clipping))
    return "\n\n".join(parts) + "\n"


def _sequence(nodes: Sequence[Node], *, indent: int) -> list[str]:
    """One line per module; repeated modules become one comprehension."""
    codes = [_code(node, indent=indent) for node in nodes]
    pad, lines, position = "    " * indent, [], 0
    while position < len(codes):
        period, times = _repetition(codes, position)
        unit = codes[position : position + period]
        if times >= 3 and all("\n" not in code for code in unit):
            later = next((shift for shift in range(period) if nodes[position + shift].weighted), 0)
            if later == 0 or _repetition(codes, position + later) < (period, times):
                lines += _repeated(unit, times, indent=indent)
                position += period * times
                continue
        shape = ", ".join(str(size) for size in nodes[position].out_shape)
        comment = f"  # [{shape}]" if nodes[position].weighted else ""
        lines.append(f"{pad}{codes[position]},{comment}")
        position += 1
    return lines


def _repeated(unit: Sequence[str], times: int, *, indent: int) -> list[str]:
    """A comprehension that creates new copies of the unit's modules `times` times."""
    pad = "    " * indent
    made = f"{unit[0]}," if len(unit) == 1 else ", ".join(unit)
    line = f"{pad}*(module for _ in range({times}) for module in ({made})),"
    if len(line) <= _WIDTH:
        return [line]
    head = [f"{pad}*(", f"{pad}    module", f"{pad}    for _ in range({times})", f"{pad}    for module in ("]
    return [*head, *(f"{pad}        {code}," for code in unit), f"{pad}    )", f"{pad}),"]


def _code(node: Node, *, indent: int) -> str:
    name = _CONTAINERS.get(node.call.target)
    if name is None:
        return str(node.call)
    options = _options(node.call)
    flat = f"{name}({', '.join([_code(child, indent=indent + 1) for child in node.children] + options)})"
    if len(flat) <= _WIDTH and "\n" not in flat:
        return flat
    pad = "    " * (indent + 1)
    inner = _sequence(node.children, indent=indent + 1) + [f"{pad}{option}," for option in options]
    return f"{name}(\n" + "\n".join(inner) + "\n" + "    " * indent + ")"


def _options(call: Call) -> list[str]:
    """The arguments of a residual block other than its body."""
    scale, projection = call.kwargs.get("scale", 1.0), call.kwargs.get("projection")
    options = [f"scale={scale!r}"] if scale != 1.0 else []
    if projection is not None:
        units, stride = f"{projection[0]}, {projection[1]}", call.kwargs.get("stride")
        made = f"nn.Conv2d({units}, 1, stride={stride}, bias=False)" if stride else f"nn.Linear({units}, bias=False)"
        options.append(f"shortcut={made}")
    return options


def _repetition(codes: Sequence[str], start: int) -> tuple[int, int]:
    """The repeating period from `start` that covers the most modules, and how often it repeats."""
    best = (1, 1)
    for period in range(1, _LONGEST_PERIOD + 1):
        unit = list(codes[start : start + period])
        times = 1
        while len(unit) == period and list(codes[start + times * period : start + (times + 1) * period]) == unit:
            times += 1
        if times > 1 and period * times > best[0] * best[1]:
            best = (period, times)
    return best


def _initialization(scheme: Initialization, *, bare: bool, parts: bool) -> str:
    """Code that sets the weights; `bare`: some layer has no bias; `parts`: some weight stacks several matrices."""
    readout = scheme_named(scheme.readout).model_copy(update={"bias": 0.0})
    notes = ["# (query, key, value and the gates of recurrent cells are each initialized separately)"] if parts else []
    lines = [
        f"# Initialization: {scheme.scheme}" + (f", gain {scheme.gain:g}" if scheme.gain != 1 else ""),
        *notes,
        "weighted = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv1d, nn.Conv2d))]",
    ]
    hidden = [*scheme.code("layer.weight"), *_bias_lines("layer", scheme, bare=bare)]
    if hidden:
        lines += ["for layer in weighted[:-1]:", *(f"    {line}" for line in hidden)]
    lines += [f"{line}  # the readout" for line in readout.code("weighted[-1].weight")]
    lines += _bias_lines("weighted[-1]", readout, bare=bare)
    return "\n".join(lines)


def _bias_lines(name: str, scheme: Initialization, *, bare: bool) -> list[str]:
    if scheme.bias is None and scheme.scheme == "torch_default":
        return []
    line = f"nn.init.constant_({name}.bias, {scheme.bias or 0.0!r})"
    return [f"if {name}.bias is not None:", f"    {line}"] if bare else [line]


def _loss(experiment: Experiment) -> str:
    loss = experiment.minimized
    form = "one-hot classes" if experiment.data.task == "classification" and loss.one_hot else "targets"
    lines = [f"criterion = {loss.call()}"]
    if experiment.output_activation is not None:
        lines = [f"output_activation = {experiment.output_activation.call()}", *lines]
    given = "model(inputs)" if experiment.output_activation is None else "output_activation(model(inputs))"
    return "\n".join([*lines, f"# loss = criterion({given}, {form})"])


def _optimizer(call: Call) -> str:
    options = ", ".join(f"{key}={value!r}" for key, value in call.kwargs.items() if key == "lr" or value)
    return f"optimizer = torch.{call.target}(model.parameters(), {options})"


def _schedule(experiment: Experiment) -> str:
    fields = experiment.schedule.model_dump(mode="json", exclude={"kind"})
    knobs = "".join(f", {key} {value}" for key, value in fields.items() if value is not None)
    steps = experiment.training.steps
    first, middle, last = (experiment.schedule.factor(step, steps) for step in (0, steps // 2, max(steps - 1, 0)))
    return (
        f"# learning rate: {experiment.schedule.kind} over {steps:,} steps{knobs}\n"
        f"# factor {first:.3g} at the first step, {middle:.3g} half way, {last:.3g} at the last step"
    )


def _clipping(clipping: AnyClipping) -> str:
    fields = clipping.model_dump(mode="json", exclude={"kind"})
    line = {
        "norm": "nn.utils.clip_grad_norm_(model.parameters(), {max_norm!r})",
        "value": "nn.utils.clip_grad_value_(model.parameters(), {max_value!r})",
    }.get(clipping.kind)
    if line is None:
        settings = ", ".join(f"{key} {value:g}" for key, value in fields.items())
        return f"# between backward and step: {clipping.kind} clipping, {settings}"
    return f"# between loss.backward() and optimizer.step():\n# {line.format(**fields)}"
