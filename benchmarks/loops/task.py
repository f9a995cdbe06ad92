"""What a loop trains: data, a model, a loss, and how good the outputs are for samples that were held out."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Draw = random.Random
Score = Callable[[Tensor, Tensor], float]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A problem with a model for it."""

    inputs: Tensor
    targets: Tensor
    held_inputs: Tensor
    held_targets: Tensor
    model: nn.Module
    loss: nn.Module
    """Called as loss(outputs, targets)."""
    score: Score
    """Of outputs and targets: 0 is as good as a constant, 1 as good as the task allows."""
    rate: float = 1.0
    """By how much the usual rates of optimizers are multiplied."""
    augment: Callable[[Tensor], Tensor] | None = None
    """Changes the inputs of a training batch."""
    adaptive: bool = False
    """Whether plain SGD is not usual for it."""
    dear: bool = False
    """Whether its samples take long, so that there are fewer of them."""
    half: bool = True
    """Whether it may be trained in bfloat16."""


class Function(nn.Module):
    """A loss that is written as a function."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.function(outputs, targets)


class Lambda(nn.Module):
    """A function between layers."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Residual(nn.Module):
    """Layers whose result is added to their input."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x + self.layers(x)
        return found


ACTIVATIONS: tuple[Callable[[], nn.Module], ...] = (nn.ReLU, nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.ELU, nn.Tanh)


def dense(draw: Draw, inputs: int, outputs: int, *, noisy: bool = True) -> nn.Sequential:
    """An MLP of one to four hidden layers, with or without a norm, dropout and residual blocks. `noisy`: may drop."""
    width, act = draw.choice((32, 48, 64, 96)), draw.choice(ACTIVATIONS)
    norm = draw.choice((None, None, nn.BatchNorm1d, nn.LayerNorm))
    rate = draw.choice((0.0, 0.0, 0.1, 0.2)) if noisy else 0.0
    layers: list[nn.Module] = [nn.Linear(inputs, width), act()]
    for _ in range(draw.randint(0, 3)):
        inner = [nn.Linear(width, width), *([norm(width)] if norm else []), act()]
        if draw.random() < 0.25:
            layers.append(Residual(*inner))
        else:
            layers += inner
        if rate:
            layers.append(nn.Dropout(rate))
    if draw.random() < 0.3:
        for layer in layers:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def smooth(draw: Draw, columns: Tensor, outputs: int) -> Tensor:
    """Random smooth functions of the columns, standardized: the truth behind the targets. [n, outputs]."""
    torch.manual_seed(draw.randrange(2**31))
    wide = columns.shape[1]
    first = torch.randn(wide, 12) * (1.2 / wide**0.5)
    found = (columns @ first + torch.randn(12)).sin() @ torch.randn(12, outputs) + columns @ torch.randn(wide, outputs)
    return (found - found.mean(0)) / found.std(0)


def columns(draw: Draw, count: int, wide: int) -> Tensor:
    """Columns as tables have them: normal, skewed, correlated, some of them 0 or 1; standardized. [count, wide]."""
    torch.manual_seed(draw.randrange(2**31))
    found = torch.randn(count, wide)
    for column in range(wide):
        kind = draw.choice(("normal", "normal", "skewed", "flag", "uniform", "shared"))
        if kind == "skewed":
            found[:, column] = found[:, column].exp().clamp(max=6)
        elif kind == "flag":
            found[:, column] = (found[:, column] > draw.uniform(-0.8, 0.8)).float()
        elif kind == "uniform":
            found[:, column] = torch.rand(count)
        elif kind == "shared" and column:
            found[:, column] = 0.6 * found[:, column - 1] + 0.8 * found[:, column]
    return (found - found.mean(0)) / found.std(0)


def accuracy(classes: int) -> Score:
    """The fraction that is right, as a part of what guessing leaves; the last axis is that of the classes."""

    def score(outputs: Tensor, targets: Tensor) -> float:
        guess = torch.bincount(targets.flatten(), minlength=classes).max() / targets.numel()
        right = (outputs.argmax(-1) == targets).float().mean()
        return float((right - guess) / (1 - guess))

    return score


def explained(outputs: Tensor, targets: Tensor) -> float:
    """The fraction of the variance that is explained."""
    left = (outputs - targets).square().mean()
    return float(1 - left / (targets - targets.mean(0)).square().mean())


def separated(outputs: Tensor, targets: Tensor) -> float:
    """Twice the balanced accuracy less 1, at a logit of 0, over all labels; 0 for a constant."""
    said, truth = outputs > 0, targets > 0.5
    found, spared = (
        (said & truth).sum() / truth.sum().clamp(min=1),
        (~said & ~truth).sum() / (~truth).sum().clamp(min=1),
    )
    return float(found + spared - 1)


def split(inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """The last quarter is held out; samples are in random order already."""
    cut = len(inputs) * 3 // 4
    return {
        "inputs": inputs[:cut],
        "targets": targets[:cut],
        "held_inputs": inputs[cut:],
        "held_targets": targets[cut:],
    }
