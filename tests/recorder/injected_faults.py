"""Faults that are injected into a small training at a known step, place and row, and masks that are none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gradclinic.measurements.origin import NonFiniteOrigin
from gradclinic_torch import Recording

SAMPLES, AT = 16, 3
INPUTS = torch.randn(SAMPLES, 6, generator=torch.Generator().manual_seed(0))
CLASSES = (INPUTS[:, 0] > 0).long()
NUMBERS = INPUTS[:, :2].clone()
ALL = tuple(range(SAMPLES))
INFINITY = float("inf")
NAN = float("nan")


class Switch(nn.Module):
    """Passes its input on, until it is told to compute something else."""

    def __init__(self) -> None:
        super().__init__()
        self.does: Callable[[Tensor], Tensor] = lambda x: x

    def forward(self, x: Tensor) -> Tensor:
        return self.does(x)


class Net(nn.Module):
    """Two places in which something can break: `middle`, and `blocks.1` within a block."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.middle = nn.Linear(6, 8), Switch()
        self.blocks, self.head, self.last = nn.Sequential(nn.Tanh(), Switch()), nn.Linear(8, 2), Switch()

    def forward(self, inputs: Tensor, extra: Tensor | None = None) -> Tensor:
        hidden = self.blocks(self.middle(self.encoder(torch.nan_to_num(inputs) if self.repairs else inputs)))
        return self.last(self.head(hidden if extra is None else hidden + extra))

    repairs = False


class Loss(nn.Module):
    """A loss module that computes what it is told."""

    def __init__(self, does: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.does = does

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.does(outputs, targets)


@dataclass(frozen=True, kw_only=True)
class Injected:
    """A fault, and what is right to say of it; `where` None: nothing is wrong."""

    name: str
    where: str | None
    operation: str | None = None
    module: str | None = None
    rows: tuple[int, ...] | None = None
    """None if rows do not matter."""
    middle: Callable[[Tensor], Tensor] | None = None
    inner: Callable[[Tensor], Tensor] | None = None
    last: Callable[[Tensor], Tensor] | None = None
    loss: Callable[[Tensor, Tensor], Tensor] | None = None
    usual_loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy
    targets: Tensor = CLASSES
    broken_targets: Tensor | None = None
    batch: Callable[[Tensor], Tensor] = lambda inputs: inputs
    extra: Tensor | None = None
    prepare: Callable[[Net], object] = lambda net: None
    passes: int = 1
    """Passes of a step; only the first one breaks."""
    half: bool = False
    """Whether the model computes in float16."""


def told(fault: Injected) -> NonFiniteOrigin | None:
    """What the recorder says of a training of 6 steps that breaks at step 3."""
    torch.manual_seed(0)
    net, criterion = Net(), Loss(fault.usual_loss)
    net.repairs = fault.name.startswith("repaired")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with Recording(net, optimizer, criterion) as recording:
        for step in range(6):
            optimizer.zero_grad()
            for number in range(fault.passes):
                breaks = step == AT and number == 0
                _switch(net, criterion, fault, on=breaks)
                inputs = fault.batch(INPUTS.clone()) if breaks else INPUTS
                with torch.autocast("cpu", torch.float16, enabled=fault.half):
                    outputs = net(inputs, fault.extra if breaks else None)
                targets = fault.targets if not breaks or fault.broken_targets is None else fault.broken_targets
                value = criterion(outputs.float(), targets)
                value.backward()
                recording.after_backward(value)
            optimizer.step()
    return recording.record.outcome.nonfinite_origin


def _switch(net: Net, criterion: Loss, fault: Injected, *, on: bool) -> None:
    for place, does in ((net.middle, fault.middle), (net.blocks[1], fault.inner), (net.last, fault.last)):
        place.does = does if on and does is not None else (lambda x: x)
    criterion.does = fault.loss if on and fault.loss is not None else fault.usual_loss
    if on:
        fault.prepare(net)


def is_right(fault: Injected, said: NonFiniteOrigin | None) -> bool:
    """Whether step, place, operation, module and rows are those of the fault."""
    if said is None or fault.where is None:
        return said is None and fault.where is None
    rows = fault.rows is None or said.rows == fault.rows
    where = (said.step, said.where, said.operation, said.module)
    return rows and where == (AT, fault.where, fault.operation, fault.module)


def at_rows(*rows: int, value: float = 0.0) -> Callable[[Tensor], Tensor]:
    """Positive numbers whose rows have this value instead."""

    def put(x: Tensor) -> Tensor:
        mask = torch.zeros(len(x), 1, dtype=torch.bool)
        mask[list(rows)] = True
        return torch.where(mask, value + 0 * x, x.abs() + 0.5)

    return put


def in_layer(name: str, operation: str, rows: tuple[int, ...] | None, does: Any, *, inner: bool = False) -> Injected:
    """A fault of the forward pass in one of the two places of the network."""
    module = "blocks.1" if inner else "middle"
    place = {"inner": does} if inner else {"middle": does}
    return Injected(name=name, where="forward", operation=operation, module=module, rows=rows, **place)


def in_loss(name: str, operation: str | None, rows: tuple[int, ...] | None, does: Any, **more: Any) -> Injected:
    """A fault of the loss."""
    return Injected(name=name, where="loss", operation=operation, rows=rows, loss=does, **more)


def behind(name: str, operation: str, rows: tuple[int, ...] | None, does: Any, *, inner: bool = False) -> Injected:
    """A fault of the backward pass through one of the two places of the network."""
    module = "blocks.1" if inner else "middle"
    place = {"inner": does} if inner else {"middle": does}
    return Injected(name=name, where="backward", operation=operation, module=module, rows=rows, **place)


class NanBackward(torch.autograd.Function):
    """Copies its input, and makes NaN of the gradient."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return gradient * NAN


def hides(x: Tensor, *rows: int) -> Tensor:
    """Attention of each sample's features over each other; all of them are hidden in these rows, else the last."""
    hidden = torch.zeros(len(x), 8, dtype=torch.bool)
    hidden[:, -1] = True
    hidden[list(rows)] = True
    return x * x.masked_fill(hidden, -INFINITY).softmax(1)


def by_root(distance: Tensor) -> Tensor:
    return distance.square().sum(1).sqrt()


def with_nan(rows: tuple[int, ...], value: float) -> Callable[[Tensor], Tensor]:
    def put(inputs: Tensor) -> Tensor:
        inputs[list(rows), 1] = value
        return inputs

    return put


def divided_in_place(x: Tensor) -> Tensor:
    x = x.clone()
    x[3].div_(0.0)
    return x


def probability(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.softmax(1)[torch.arange(len(targets)), targets]


def hidden_targets(outputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of samples with a target; those without have NaN."""
    known = ~torch.isnan(targets)
    return (outputs[known] - targets[known]).square().mean()


def masked_class(outputs: Tensor) -> Tensor:
    """No sample may have class 0."""
    return outputs.masked_fill(torch.tensor([True, False]), -INFINITY)


def nan_numbers(*rows: int) -> Tensor:
    numbers = NUMBERS.clone()
    numbers[list(rows), 0] = NAN
    return numbers


def dropped_ratio(x: Tensor) -> Tensor:
    return x / nn.functional.dropout(torch.ones_like(x), 0.5)


def _set(net: Net, name: str, value: float) -> None:
    with torch.no_grad():
        net.get_parameter(name).view(-1)[0] = value


DEVELOPED = (
    in_layer("log of 0", "log", (2,), lambda x: at_rows(2)(x).log()),
    in_layer("root of a negative number", "sqrt", (5,), lambda x: at_rows(5, value=-1.0)(x).sqrt()),
    in_layer("division by 0", "div", (7,), lambda x: x / at_rows(7)(x)),
    in_layer("overflow of exp", "exp", (4,), lambda x: at_rows(4, value=100.0)(x).exp()),
    in_layer("all of a row is masked", "softmax", (6,), lambda x: hides(x, 6)),
    in_layer("a cast to float16", "to", (1,), lambda x: at_rows(1, value=1e6)(x).half().float(), inner=True),
    in_layer("mean of nothing", "mean", ALL, lambda x: x + x[:, :0].mean(1, keepdim=True)),
    in_layer("a division in place", "div", (3,), divided_in_place, inner=True),
    in_layer("log of 0 in a block", "log", (2,), lambda x: at_rows(2)(x).log(), inner=True),
    in_layer("a mask, and a division", "div", (9,), lambda x: hides(x) / at_rows(9)(x)),
    in_layer("what dropout zeroed", "div", None, dropped_ratio),
    in_loss(
        "log of a probability of 0",
        "log",
        (8,),
        lambda o, t: -(probability(o, t) * (CLASSES.new_tensor(ALL) != 8)).log().mean(),
    ),
    in_loss("a mean over no sample", "div", None, lambda o, t: o.square().sum() / (t > 5).sum()),
    in_loss("the target's class is masked", None, None, lambda o, t: nn.functional.cross_entropy(masked_class(o), t)),
    Injected(name="NaN in the inputs", where="inputs", rows=(5,), batch=with_nan((5,), NAN)),
    Injected(name="infinity in two inputs", where="inputs", rows=(2, 9), batch=with_nan((2, 9), INFINITY)),
    Injected(
        name="NaN in the targets",
        where="targets",
        rows=(4,),
        targets=NUMBERS,
        usual_loss=nn.functional.mse_loss,
        broken_targets=nan_numbers(4),
    ),
    Injected(
        name="targets that are NaN on purpose, and a division",
        where="loss",
        operation="div",
        targets=nan_numbers(4),
        usual_loss=hidden_targets,
        loss=lambda o, t: hidden_targets(o, t) / (o.sum() * 0),
    ),
    Injected(
        name="root at 0 in the loss",
        where="loss_backward",
        operation="sqrt",
        rows=(0,),
        loss=lambda o, t: by_root(o * (torch.arange(SAMPLES)[:, None] != 0)).mean(),
    ),
    behind("an own function", "NanBackward", ALL, NanBackward.apply),
    behind("root at 0 in the network", "sqrt", (3,), lambda x: at_rows(3)(x).sqrt()),
    in_layer(
        "log of what is not chosen",
        "log",
        (5,),
        lambda x: torch.where((at_rows(5)(x) == 0), 0 * x, at_rows(5)(x).log()),
    ),
    Injected(name="a mask and nothing wrong", where=None, middle=hides),
    Injected(
        name="a class masked in the outputs, and a root at 0",
        where="backward",
        operation="sqrt",
        module="middle",
        rows=(3,),
        middle=lambda x: at_rows(3)(x).sqrt(),
        last=masked_class,
        targets=torch.ones_like(CLASSES),
    ),
    in_layer("in the first of two passes", "log", (2,), lambda x: at_rows(2)(x).log()),
    Injected(
        name="a weight that is NaN",
        where="weights",
        module="encoder.weight",
        prepare=lambda net: _set(net, "encoder.weight", NAN),
    ),
    Injected(
        name="float16 in autocast",
        where="forward",
        operation="matmul",
        module="head",
        half=True,
        rows=ALL,
        inner=lambda x: 1e3 * torch.ones_like(x),
        prepare=lambda net: net.head.weight.data.fill_(60.0),
    ),
)
HELD_OUT = (
    in_layer("log of a negative number", "log", (5, 6), lambda x: at_rows(5, 6, value=-1.0)(x).log()),
    in_layer("0 / 0", "div", (1,), lambda x: at_rows(1)(x) / at_rows(1)(x).norm(dim=1, keepdim=True)),
    in_layer("overflow of a power", "pow", (3,), lambda x: at_rows(3, value=1e20)(x) ** 3),
    in_layer("arc cosine beyond 1", "acos", (2,), lambda x: (at_rows(2, value=9.0)(x) / 8).acos()),
    in_layer("inverse root of 0", "rsqrt", (15,), lambda x: at_rows(15)(x).rsqrt()),
    in_layer("reciprocal of 0", "reciprocal", (0,), lambda x: at_rows(0)(x).reciprocal()),
    in_layer("deviation of one number", "std", ALL, lambda x: x * x[:, :1].std(1, keepdim=True)),
    in_layer("log of a sum that underflows", "log", ALL, lambda x: x + (x - 1000.0).exp().sum(1, keepdim=True).log()),
    in_layer("log1p at -1", "log1p", (11,), lambda x: at_rows(11, value=-1.0)(x).log1p()),
    in_layer("atanh at 1", "atanh", (10,), lambda x: (at_rows(10, value=100.0)(x) / 100).atanh()),
    in_layer(
        "overflow of a product of matrices",
        "matmul",
        ALL,
        lambda x: (1e30 * x.abs() + 1e30) @ (1e30 * torch.ones(8, 8)),
        inner=True,
    ),
    in_layer("overflow of a product", "prod", (12,), lambda x: x + at_rows(12, value=1e6)(x).prod(1, keepdim=True)),
    in_layer("a column without deviation", "div", ALL, lambda x: (x * 0) / (x * 0).std(0)),
    in_layer(
        "overflow of einsum",
        "matmul",
        ALL,
        lambda x: torch.einsum("nd,de->ne", 1e30 * x.abs() + 1e30, 1e30 * torch.ones(8, 8)),
        inner=True,
    ),
    in_layer(
        "root of a negative number in a block", "sqrt", (4,), lambda x: at_rows(4, value=-2.0)(x).sqrt(), inner=True
    ),
    in_layer(
        "a mask by where, and a log",
        "log",
        (13,),
        lambda x: torch.where(x > 0, x, -INFINITY).softmax(1) + at_rows(13)(x).log(),
    ),
    in_layer(
        "a mask that is added, and a log",
        "log",
        (13,),
        lambda x: (x + torch.full((SAMPLES, 8), -INFINITY).triu(7)).softmax(1) + at_rows(13)(x).log(),
    ),
    Injected(
        name="NaN in a second argument", where="inputs", rows=(3,), extra=with_nan((3,), NAN)(torch.zeros(SAMPLES, 8))
    ),
    Injected(
        name="repaired inputs, and a log",
        where="forward",
        operation="log",
        module="middle",
        rows=(2,),
        batch=with_nan((5,), NAN),
        middle=lambda x: at_rows(2)(x).log(),
    ),
    Injected(
        name="infinity in the targets",
        where="targets",
        rows=(7,),
        targets=NUMBERS,
        usual_loss=nn.functional.l1_loss,
        broken_targets=with_nan((7,), INFINITY)(NUMBERS.clone()),
    ),
    in_loss(
        "log of 1 - p",
        "log",
        (6,),
        lambda o, t: -(1 - probability(o, t) ** (CLASSES.new_tensor(ALL) != 6).float()).log().mean(),
    ),
    in_loss(
        "overflow of exp",
        "exp",
        (9,),
        lambda o, t: (
            (o * 1000 * (torch.arange(SAMPLES)[:, None] == 9) + 200 * (torch.arange(SAMPLES)[:, None] == 9))
            .exp()
            .mean()
        ),
    ),
    in_loss("root of a negative number", "sqrt", ALL, lambda o, t: (o - 100).sqrt().mean()),
    in_loss(
        "entropy at 0",
        "log",
        None,
        lambda o, t: (
            -(nn.functional.one_hot(t, 2) * nn.functional.one_hot(t, 2).float().add(0 * o).log()).sum(1).mean()
        ),
    ),
    Injected(
        name="power below 1 at 0",
        where="loss_backward",
        operation="pow",
        rows=(2,),
        loss=lambda o, t: (o.abs() * (torch.arange(SAMPLES)[:, None] != 2)).pow(0.5).mean(),
    ),
    Injected(
        name="a log that is not chosen",
        where="loss",
        operation="log",
        rows=(4,),
        loss=lambda o, t: torch.where(
            torch.arange(SAMPLES)[:, None] == 4, 0 * o, (o.abs() * (torch.arange(SAMPLES)[:, None] != 4)).log()
        ).mean(),
    ),
    Injected(
        name="arc cosine at 1",
        where="loss_backward",
        operation="acos",
        rows=ALL,
        loss=lambda o, t: (0 * o + 1).acos().mean(),
    ),
    behind("power below 1 at 0", "pow", (8,), lambda x: at_rows(8)(x) ** 0.3),
    behind("acosh at 1", "acosh", ALL, lambda x: (0 * x + 1).acosh()),
    behind("distance to itself", "sqrt", ALL, lambda x: (x[:, None] - x[None]).square().sum(2).sqrt()[:, :8]),
    behind("root at 0 in a block", "sqrt", (1,), lambda x: at_rows(1)(x).sqrt(), inner=True),
    behind(
        "root at 0 that is computed again",
        "sqrt",
        (3,),
        lambda x: checkpoint(lambda y: at_rows(3)(y).sqrt(), x, use_reentrant=False),
    ),
    Injected(
        name="NaN in a bias", where="weights", module="head.bias", prepare=lambda net: _set(net, "head.bias", NAN)
    ),
    Injected(
        name="a mask by where and nothing wrong",
        where=None,
        middle=lambda x: torch.where(x > 0, x, -INFINITY).logsumexp(1, keepdim=True).nan_to_num() + x,
    ),
)
