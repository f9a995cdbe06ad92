"""Programs of one's own, to which the tests apply remedies in two ways: by the remedy, and by the code it shows."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from gradclinic.kernel.errors import RemedyDoesNotApply
from gradclinic.remedies import Remedy
from gradclinic_torch.remedies import Loop, apply_all
from gradclinic_torch.remedies.loop import code_between
from gradclinic_torch.trial.cell import clip

STEPS = 12
Make = Callable[[], nn.Module]


def batches(*shape: int, classes: int = 3, count: int = STEPS) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(7)
    return [
        (torch.randn(16, *shape, generator=generator), torch.randint(classes, (16,), generator=generator))
        for _ in range(count)
    ]


def mlp(act: Callable[[], nn.Module] = nn.Sigmoid) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), act(), nn.Linear(8, 8), act(), nn.Linear(8, 3))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Tanh(), nn.Conv2d(4, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(16, 3)
    )


class Functional(nn.Module):
    """A network whose forward calls its activations as functions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.readout = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.readout(torch.tanh(self.second(torch.tanh(self.first(inputs)))))


class Recurrent(nn.Module):
    """A recurrent layer whose last state is read out."""

    def __init__(self, kind: type[nn.Module] = nn.LSTM) -> None:
        super().__init__()
        self.cell, self.readout = kind(6, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.readout(self.cell(inputs)[0][:, -1])


def loop(make: Make = mlp, *shape: int, optimizer: Any = None, **options: Any) -> Loop:
    """The loop of a network, before any remedy; the same one each time."""
    torch.manual_seed(3)
    model = make()
    chosen = optimizer or (lambda parameters: torch.optim.SGD(parameters, lr=0.1))
    values = {"steps": STEPS, "batch": batches(*(shape or (6,)))[0], **options}
    found = Loop(model=model, optimizer=chosen(model.parameters()), loss=nn.CrossEntropyLoss(), **values)
    torch.manual_seed(4)
    return found


def applied(*remedies: Remedy, to: Loop | None = None) -> Loop:
    return apply_all(loop() if to is None else to, remedies)


def refusal(*remedies: Remedy, to: Loop | None = None) -> str:
    """The reason why a remedy cannot be applied."""
    with pytest.raises(RemedyDoesNotApply) as refused:
        applied(*remedies, to=to)
    return refused.value.problems[0].message


def trained(found: Loop, data: Sequence[tuple[Tensor, Tensor]]) -> list[float]:
    """The losses of a training, as a study trains."""
    torch.manual_seed(5)
    scheduler = LambdaLR(found.optimizer, lambda step: found.schedule.factor(step, found.steps))
    losses = []
    for batch in data:
        found.optimizer.zero_grad()
        loss = found.loss_of(batch)
        loss.backward()
        clip(found.clipping, found.model)
        found.optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


def pasted(code: str, found: Loop, data: Sequence[tuple[Tensor, Tensor]], **own: Tensor) -> list[float]:
    """The losses of the program with the code that a remedy shows, pasted at the places that it names.

    `own` are other variables of the program that the code names.
    """
    parts = dict(part.split("\n", 1) for part in code.split("\n\n"))
    names: dict[str, Any] = {"model": found.model, "optimizer": found.optimizer, "torch": torch, "nn": nn, **own}
    exec(parts.get("# after the model and the optimizer are built", ""), names)
    torch.manual_seed(5)
    names |= {"data": data, "loss_of": found.loss, "losses": []}
    body = f"""
for inputs, targets in data:
    optimizer.zero_grad()
    loss = loss_of(model(inputs), targets)
    loss.backward()
{textwrap.indent(parts.get("# between loss.backward() and optimizer.step()", ""), "    ")}
    optimizer.step()
{textwrap.indent(parts.get("# after optimizer.step()", ""), "    ")}
    losses.append(loss.item())
"""
    exec(body, names)
    return list(names["losses"])


def check(*remedies: Remedy, make: Make = mlp, shape: tuple[int, ...] = (6,), **options: Any) -> Loop:
    """That a remedy changes the training, in the same way as the code that it shows; returns the changed loop."""
    data = batches(*shape)
    before = loop(make, *shape, **options)
    found = applied(*remedies, to=loop(make, *shape, **options))
    code = code_between(before, found)
    losses = trained(found, data)
    assert losses == pytest.approx(pasted(code, loop(make, *shape, **options), data), rel=1e-5), code
    assert losses != trained(loop(make, *shape, **options), data), code
    return found
