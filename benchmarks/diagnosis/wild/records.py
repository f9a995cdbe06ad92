"""Programs over tables: incomes, times until customers leave, quantiles of a load, two answers about a flat.

They were written by a ninth author, who had read neither the rules nor what they find in the other programs. The kinds
of a fault are the parts that were changed. They, and where numbers stop being finite, were fixed before any diagnosis.
"""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, Apply, adam, classified, column, dense, explained, floats, sgd, standard, told_apart
from .play import OwnLoss
from .program import Fault, Optimizing, Origin, Program

ADULT = "kaggle.com, notebooks on Adult Census Income with PyTorch"
SHAPES = "stackoverflow.com, target size differs from input size warning of MSELoss"
WEIBULL = "github.com/Novartis/torchsurv/issues/100"
SURVIVAL = "github.com/ragulpr/wtte-rnn/issues/56"
PINBALL = "stackoverflow.com, quantile loss in PyTorch"
KENDALL = "github.com/yaringal/multi-task-learning-example/issues/6"


class _Entities(nn.Module):
    """Embeddings of two categories beside numbers: [n, 2 + 4] to [n, 1]."""

    def __init__(self, *, last: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.work, self.job = nn.Embedding(8, 4), nn.Embedding(12, 6)
        self.body, self.last = dense(14, 48, 1)(), last

    def forward(self, rows: Tensor) -> Tensor:
        work, job = self.work(rows[:, 0].long()), self.job(rows[:, 1].long())
        said = self.body(torch.cat([work, job, rows[:, 2:]], 1))
        return said if self.last is None else self.last(said)


def _of_a_copy(model: nn.Module) -> torch.optim.Optimizer:
    """Adam over the parameters of another model of the same form."""
    return torch.optim.Adam(deepcopy(model).parameters(), lr=3e-3)


def income() -> tuple[Program, tuple[Fault, ...]]:
    """Who earns more than 50 thousand: categories and numbers of a census."""
    draw = np.random.default_rng(901)
    work, job = draw.integers(8, size=1600), draw.integers(12, size=1600)
    age, hours = draw.normal(40, 12, 1600), draw.normal(40, 10, 1600)
    gain = np.where(draw.uniform(size=1600) < 0.1, draw.lognormal(8.5, 1.0, 1600), 0.0)
    sex = draw.integers(2, size=1600)
    pays = draw.normal(0, 1.2, 8)[work] + draw.normal(0, 1.8, 12)[job]
    wealth = pays + (age - 40) / 10 - ((age - 45) / 14) ** 2 + (hours - 40) / 9 + 3 * (gain > 5000) - 1.4
    rich = column(wealth > 0)
    numbers = np.stack([age, hours, gain, sex], 1)
    named = np.stack([work, job], 1)
    scaled = torch.cat([floats(named), standard(floats(np.column_stack([age, hours, np.log1p(gain), sex])))], 1)
    missing, logs = scaled.clone(), scaled.clone()
    missing[::37, 2] = torch.nan
    logs[:, 4] = floats(gain).log()
    sound = Program(
        name="income",
        inputs=scaled,
        targets=rich,
        model=_Entities,
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(3e-3),
        score=told_apart(0.0),
        steps=400,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "ages that are missing left as NaN",
            ("data", "input_scaling"),
            lambda p: p.but(inputs=missing),
            ADULT,
            Origin("inputs"),
        ),
        Fault(
            "the logarithm of a gain of 0",
            ("data", "input_scaling"),
            lambda p: p.but(inputs=logs),
            ADULT,
            Origin("inputs"),
        ),
        Fault(
            "dollars and years as they are, with SGD",
            ("input_scaling", "optimizer"),
            lambda p: p.but(inputs=floats(np.concatenate([named, numbers], 1)), optimizer=sgd(0.01)),
            ADULT,
        ),
        Fault(
            "CrossEntropyLoss over one output",
            ("loss", "output_activation", "architecture"),
            lambda p: p.but(loss=nn.CrossEntropyLoss()),
            "discuss.pytorch.org, loss is 0 with CrossEntropyLoss and one output",
        ),
        Fault(
            "a sigmoid that is rounded before BCELoss",
            ("output_activation", "wiring"),
            lambda p: p.but(
                model=lambda: _Entities(last=lambda said: said.sigmoid().round()),
                loss=nn.BCELoss(),
                score=told_apart(0.5),
            ),
            "stackoverflow.com, torch.round before the loss",
        ),
        Fault(
            "an answer spelled otherwise, so that nobody is rich",
            ("labels", "data"),
            lambda p: p.but(targets=0 * rich, truth=rich),
            ADULT,
        ),
        Fault(
            "a column of outputs less a row of answers",
            ("wiring", "loss", "labels"),
            lambda p: p.but(
                targets=rich[:, 0],
                truth=rich,
                loss=OwnLoss(lambda said, rich: ((said - rich) ** 2).mean()),
                score=told_apart(0.5),
            ),
            SHAPES,
        ),
        Fault(
            "an optimizer over another model's parameters",
            ("wiring", "optimizer"),
            lambda p: p.but(optimizer=_of_a_copy),
            "stackoverflow.com, optimizer created before the model was made again",
        ),
    )


def _likelihood(outputs: Tensor, seen: Tensor, *, sign: float = -1.0) -> Tensor:
    """Negative log-likelihood of a Weibull distribution by its scale and shape; `seen` holds time and event."""
    scale, shape = outputs.unbind(1)
    time, left = seen.unbind(1)
    passed = (time / scale) ** shape
    hazard = shape.log() - scale.log() + (shape - 1) * (time.log() - scale.log())
    return sign * (left * hazard - passed).mean()


def _positive(values: Tensor) -> Tensor:
    return functional.softplus(values) + 1e-3


def tenures() -> tuple[Program, tuple[Fault, ...]]:
    """How many months until a customer leaves: a Weibull distribution, with those who have not left yet."""
    draw = np.random.default_rng(902)
    rows = draw.normal(size=(1500, 6))
    scale = 12 * np.exp(0.6 * rows[:, 0] - 0.5 * rows[:, 1] + 0.4 * rows[:, 2] * (rows[:, 3] > 0))
    time, ends = scale * draw.weibull(1.6, 1500) + 0.02, draw.uniform(5, 40, 1500)
    left = time < ends
    months = floats(np.stack([np.minimum(time, ends), left], 1)) / torch.tensor([12.0, 1.0])
    truth = floats(scale / 12)
    started = months.clone()
    started[::60, 0] = 0
    build = dense(6, 48, 2, last=lambda: Apply(_positive))

    def score(outputs: Tensor, truth: Tensor) -> float:
        return explained(outputs[:, 0].clamp(min=1e-6).log(), truth.log())

    sound = Program(
        name="tenures",
        inputs=floats(rows),
        targets=months,
        model=build,
        loss=OwnLoss(_likelihood),
        optimizer=adam(5e-3),
        score=score,
        truth=truth,
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "customers who left on the day they came, with a time of 0",
            ("data", "loss", "labels"),
            lambda p: p.but(targets=started),
            WEIBULL,
            Origin("loss", "log"),
        ),
        Fault(
            "times in seconds",
            ("target_scaling",),
            lambda p: p.but(targets=months * torch.tensor([3.1e7, 1.0]), truth=3.1e7 * truth),
            WEIBULL,
        ),
        Fault(
            "1 for those who have not left",
            ("labels", "data"),
            lambda p: p.but(targets=torch.stack([months[:, 0], 1 - months[:, 1]], 1)),
            SURVIVAL,
        ),
        Fault(
            "the likelihood made small",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(lambda outputs, seen: _likelihood(outputs, seen, sign=1.0))),
            SURVIVAL,
        ),
        Fault(
            "scale and shape that may be negative",
            ("output_activation",),
            lambda p: p.but(model=dense(6, 48, 2)),
            WEIBULL,
            Origin("loss", "pow"),
        ),
        Fault("SGD with rate 0.0001", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-4)), FORUM),
        Fault("twelve steps", ("steps", "learning_rate"), lambda p: p.but(steps=12), FORUM),
    )


def _pinball(outputs: Tensor, loads: Tensor, *, levels: tuple[float, ...] = (0.1, 0.5, 0.9), sign: int = 1) -> Tensor:
    error, level = sign * (loads - outputs), torch.tensor(levels)
    return torch.maximum(level * error, (level - 1) * error).mean()


def loads() -> tuple[Program, tuple[Fault, ...]]:
    """Low, middle and high load of a grid by hour and temperature: quantile regression."""
    draw = np.random.default_rng(903)
    hour, degrees = draw.integers(24, size=1600), draw.normal(12, 9, 1600)
    rise = np.sin(np.pi * (hour - 6) / 12)
    middle, spread = 50 + 8 * rise + 0.02 * (degrees - 16) ** 2, 2.5 * np.exp(0.6 * rise + degrees / 20)
    load = middle + spread * draw.normal(size=1600)
    angle = 2 * np.pi * hour / 24
    known = standard(floats(np.stack([np.sin(angle), np.cos(angle), degrees], 1)))
    dated = torch.cat([known, standard(torch.full((1600, 1), 2024.0))], 1)
    mean, deviation = load.mean(), load.std()
    bounds = middle[:, None] + spread[:, None] * np.array([-1.2816, 0, 1.2816])
    needed, truth = column((load - mean) / deviation), floats((bounds - mean) / deviation)

    def pinball(**options: object) -> nn.Module:
        return OwnLoss(lambda outputs, loads: _pinball(outputs, loads, **options))  # type: ignore[arg-type]

    sound = Program(
        name="loads",
        inputs=known,
        targets=needed,
        model=dense(3, 64, 64, 3),
        loss=pinball(),
        optimizer=adam(3e-3),
        score=explained,
        truth=truth,
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "levels as percents",
            ("loss",),
            lambda p: p.but(loss=pinball(levels=(10.0, 50.0, 90.0))),
            PINBALL,
        ),
        Fault("outputs less targets, so that high is low", ("loss",), lambda p: p.but(loss=pinball(sign=-1)), PINBALL),
        Fault(
            "megawatts as they are",
            ("target_scaling",),
            lambda p: p.but(targets=column(1e3 * load), truth=floats(1e3 * bounds)),
            FORUM,
        ),
        Fault(
            "a year that is the same in all rows, divided by its deviation",
            ("data", "input_scaling"),
            lambda p: p.but(inputs=dated, model=dense(4, 64, 64, 3)),
            "stackoverflow.com, NaN after standardizing a constant column",
            Origin("inputs"),
        ),
        Fault(
            "a ReLU at the end",
            ("output_activation",),
            lambda p: p.but(model=dense(3, 64, 64, 3, last=nn.ReLU)),
            FORUM,
        ),
        Fault(
            "a rate that falls by a tenth after every batch",
            ("schedule",),
            lambda p: p.but(decay_each_step=0.9),
            "stackoverflow.com, scheduler.step() in the inner loop",
        ),
    )


class _TwoHeads(nn.Module):
    """A price, three logits of a type, and how uncertain both tasks are: [n, 8] to [n, 6]."""

    def __init__(self, *, start: float = 0.0, cut: bool = False) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.price, self.kind = nn.Linear(64, 1), nn.Linear(64, 3)
        self.variances, self.cut = nn.Parameter(torch.full((2,), start)), cut

    def forward(self, rows: Tensor) -> Tensor:
        seen = self.trunk(rows)
        seen = seen.detach() if self.cut else seen
        return torch.cat([self.price(seen), self.kind(seen), self.variances.expand(len(rows), 2)], 1)


def _errors(outputs: Tensor, flats: Tensor) -> Tensor:
    """Squared error of the price, and cross entropy of the type: [2]."""
    price = functional.mse_loss(outputs[:, 0], flats[:, 0])
    return torch.stack([price, functional.cross_entropy(outputs[:, 1:4], flats[:, 1].long())])


def _weighed(outputs: Tensor, flats: Tensor, *, kept: bool = True) -> Tensor:
    """Both errors, each divided by its learned variance."""
    logs = outputs[0, 4:]
    return (torch.exp(-logs) * _errors(outputs, flats) + (logs if kept else 0)).sum()


def _by_deviation(outputs: Tensor, flats: Tensor) -> Tensor:
    deviations = outputs[0, 4:]
    return (_errors(outputs, flats) / (2 * deviations**2) + deviations.abs().log()).sum()


def _first_weighs(outputs: Tensor, flats: Tensor) -> Tensor:
    return (torch.tensor([1.0, 1e-4]) * _errors(outputs, flats)).sum()


def _sold(outputs: Tensor, flats: Tensor) -> float:
    return (explained(outputs[:, :1], flats[:, :1]) + classified(outputs[:, 1:4], flats[:, 1])) / 2


def _warm(rate: float) -> Optimizing:
    return lambda model: torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=20.0)


def listings() -> tuple[Program, tuple[Fault, ...]]:
    """What a flat costs and of which type it is: two tasks whose weights are learned."""
    draw = np.random.default_rng(904)
    rows = draw.normal(size=(1400, 8))
    price = rows[:, 0] + np.abs(rows[:, 1]) + 0.5 * rows[:, 2] * rows[:, 3] + 0.1 * draw.normal(size=1400)
    kinds = np.stack([rows[:, 4] + rows[:, 5], rows[:, 6] ** 2, rows[:, 7] - rows[:, 4]], 1).argmax(1)
    worth = (price - price.mean()) / price.std()
    flats = floats(np.stack([worth, kinds], 1))
    dollars = floats(np.stack([3e5 + 1e5 * worth, kinds], 1))
    sound = Program(
        name="listings",
        inputs=floats(rows),
        targets=flats,
        model=_TwoHeads,
        loss=OwnLoss(_weighed),
        optimizer=adam(3e-3),
        score=_sold,
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "deviations that start at 0, as divisors",
            ("initialization", "loss"),
            lambda p: p.but(loss=OwnLoss(_by_deviation)),
            "github.com/QunBB/DeepLearning/issues/1",
            Origin("loss", "div"),
        ),
        Fault(
            "the logarithm of the variance left out, since the loss is negative",
            ("loss",),
            lambda p: p.but(
                loss=OwnLoss(lambda outputs, flats: _weighed(outputs, flats, kept=False)), optimizer=sgd(0.05)
            ),
            KENDALL,
        ),
        Fault("dollars as they are", ("target_scaling",), lambda p: p.but(targets=dollars), KENDALL),
        Fault(
            "a type that weighs a ten thousandth",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(_first_weighs), optimizer=sgd(0.05)),
            "github.com/ifzhang/FairMOT/issues/249",
        ),
        Fault(
            "heads on values that were detached",
            ("wiring",),
            lambda p: p.but(model=lambda: _TwoHeads(cut=True)),
            FORUM,
        ),
        Fault("AdamW with a decay of 20", ("regularization",), lambda p: p.but(optimizer=_warm(3e-3)), FORUM),
        Fault(
            "rows in the order of their type, in batches of one type",
            ("data", "wiring"),
            lambda p: p.but(
                inputs=p.inputs[np.argsort(kinds, kind="stable")],
                targets=flats[np.argsort(kinds, kind="stable")],
                shuffles=False,
                optimizer=sgd(0.2),
            ),
            "stackoverflow.com, DataLoader without shuffle predicts one class",
        ),
    )
