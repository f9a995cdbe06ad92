"""Programs over time, words and choices: traffic, spam, advertisements, the bending of a plate.

They were written by a ninth author; see records.py.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from .parts import adam, column, dense, explained, floats, sgd, shuffled, told_apart
from .play import OwnLoss
from .program import Fault, Model, Origin, Program

FORECAST = "discuss.pytorch.org/t/loss-not-decreasing-in-lstm-network/159152"
FLAT = "datascience.stackexchange.com/questions/54551"
SPAM = "kaggle.com, notebooks on the SMS spam collection with PyTorch"
POLICY = "github.com/maxpumperla/deep_learning_and_the_game_of_go/issues/90"
OVER_BATCH = "stackoverflow.com, softmax over axis 0 in a policy network"
PINN = "stackoverflow.com, physics-informed network converges to zero"


class _Forecast(nn.Module):
    """The next six values of two series by the states of two layers: [n, 24, 2] to [n, 12]."""

    def __init__(self, *, mixes: bool = False, last: type[nn.Module] = nn.Identity) -> None:
        super().__init__()
        self.cell, self.last = nn.GRU(2, 24, num_layers=2, batch_first=True), last()
        self.head, self.mixes = nn.Linear(48, 12), mixes

    def forward(self, series: Tensor) -> Tensor:
        _, states = self.cell(series)
        joined = states.reshape(len(series), 48) if self.mixes else states.transpose(0, 1).flatten(1)
        return self.last(self.head(joined))


def _in_percent(outputs: Tensor, counts: Tensor) -> Tensor:
    return ((outputs - counts) / counts).abs().mean()


def traffic() -> tuple[Program, tuple[Fault, ...]]:
    """Vehicles at two sensors in the next six hours, by those of a day: recurrent layers."""
    draw = np.random.default_rng(910)
    hours = np.arange(1500)
    daily = 1 + np.sin(2 * np.pi * hours / 24 - 2) + 0.5 * np.sin(4 * np.pi * hours / 24)
    weekly = np.where(hours // 24 % 7 < 5, 1.0, 0.5)
    first = np.clip(daily * weekly + 0.15 * draw.normal(size=1500), 0, None)
    both = np.stack([first, 0.7 * np.roll(first, 2) + 0.1 * draw.normal(size=1500)], 1)
    scaled = (both - both.mean(0)) / both.std(0)

    def windows(values: np.ndarray) -> tuple[Tensor, Tensor]:
        spots = np.arange(1500 - 30)[:, None]
        return floats(values[spots + np.arange(24)]), floats(values[spots + np.arange(24, 30)]).flatten(1)

    before, after = windows(scaled)
    counted = windows(400 * np.clip(both, 0, None).round(1))
    gaps = after.clone()
    gaps[::45, 3] = torch.nan
    sound = Program(
        name="traffic",
        inputs=before,
        targets=after,
        model=_Forecast,
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=250,
        held_out=True,
    )
    return sound, (
        Fault(
            "states of two layers reshaped, so that cars of different days mix",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Forecast(mixes=True)),
            "discuss.pytorch.org, h_n.view(batch, -1) of a recurrent network with two layers",
        ),
        Fault(
            "vehicles as they are, with Adam at 0.001",
            ("target_scaling", "input_scaling"),
            lambda p: p.but(inputs=counted[0], targets=counted[1], optimizer=adam(1e-3)),
            FLAT,
        ),
        Fault(
            "hours without a count in the answers",
            ("data", "labels"),
            lambda p: p.but(targets=gaps, truth=after),
            FORECAST,
            Origin("targets"),
        ),
        Fault(
            "an error in percent of hours without a car",
            ("loss", "data"),
            lambda p: p.but(targets=counted[1] / 400, loss=OwnLoss(_in_percent)),
            "stackoverflow.com, MAPE loss is inf",
            Origin("loss", "div"),
        ),
        Fault(
            "a ReLU after the head",
            ("output_activation",),
            lambda p: p.but(model=lambda: _Forecast(last=nn.ReLU)),
            FORECAST,
        ),
        Fault("SGD with rate 0.0001", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-4)), FORECAST),
        Fault(
            "answers shuffled apart from the windows",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(after), truth=after),
            FLAT,
        ),
    )


class _Bag(nn.Module):
    """The mean of a text's words through a dense part: [n, 20] to [n, 1]."""

    def __init__(self, *, counts: bool = True, width: int = 16, last: nn.Module | None = None) -> None:
        super().__init__()
        self.words = nn.Embedding(120, width, padding_idx=0)
        self.body, self.counts, self.last = dense(width, 32, 1)(), counts, last or nn.Identity()

    def forward(self, ids: Tensor) -> Tensor:
        length = (ids > 0).sum(1, keepdim=True)
        total = self.words(ids).sum(1)
        return self.last(self.body(total / (length.clamp(min=1) if self.counts else length)))


def spam() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a message is spam, by its words: a mean of embeddings."""
    draw = np.random.default_rng(911)
    bad, lengths = draw.uniform(size=1400) < 0.35, draw.integers(4, 21, size=1400)
    ids = np.zeros((1400, 20), dtype=np.int64)
    for row, what, length in zip(ids, bad, lengths, strict=True):
        row[:length] = draw.integers(30, 120, size=length)
        row[draw.choice(length, 2, replace=False)] = draw.integers(1, 16, 2) if what else draw.integers(15, 30, 2)
    messages, answers = torch.tensor(ids), column(bad)
    empty = messages.clone()
    empty[::80] = 0
    order = np.argsort(bad, kind="stable")
    sound = Program(
        name="spam",
        inputs=messages,
        targets=answers,
        model=_Bag,
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(1e-2),
        score=told_apart(0.0),
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "messages of which no word is left, divided by their length",
            ("data", "architecture"),
            lambda p: p.but(inputs=empty, model=lambda: _Bag(counts=False)),
            SPAM,
            Origin("forward", "div"),
        ),
        Fault(
            "numbers of words as numbers",
            ("input_scaling", "architecture"),
            lambda p: p.but(inputs=messages.float(), model=dense(20, 32, 1), optimizer=adam(1e-3)),
            "stackoverflow.com, word indices into a linear layer",
        ),
        Fault(
            "a softmax over the batch, before BCELoss",
            ("output_activation", "wiring"),
            lambda p: p.but(model=lambda: _Bag(last=nn.Softmax(dim=0)), loss=nn.BCELoss(), score=told_apart(0.5)),
            OVER_BATCH,
        ),
        Fault("a rate of 3", ("learning_rate",), lambda p: p.but(optimizer=adam(3.0)), SPAM),
        Fault("seven steps", ("steps", "learning_rate"), lambda p: p.but(steps=7, optimizer=adam(1e-3)), SPAM),
        Fault(
            "spam last, without shuffling",
            ("data", "wiring"),
            lambda p: p.but(
                inputs=messages[order], targets=answers[order], shuffles=False, steps=352, optimizer=sgd(0.5)
            ),
            "stackoverflow.com, DataLoader without shuffle predicts one class",
        ),
        Fault(
            "words of two numbers that decay by 0.1",
            ("regularization", "architecture"),
            lambda p: p.but(model=lambda: _Bag(width=2), optimizer=adam(1e-2, decay=0.1)),
            SPAM,
        ),
        Fault(
            "Adam with an eps of 0",
            ("optimizer",),
            lambda p: p.but(optimizer=lambda model: torch.optim.Adam(model.parameters(), lr=1e-2, eps=0.0)),
            "discuss.pytorch.org, Adam with eps=0 gives nan where gradients are 0",
            Origin("weights"),
        ),
    )


def _chosen(outputs: Tensor, logged: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs for what was shown, what it earned, and how likely it was shown."""
    shown, earned, chance = logged.unbind(1)
    return outputs.gather(1, shown.long()[:, None])[:, 0], earned, chance


def _improved(outputs: Tensor, logged: Tensor, *, sign: float = 1.0, base: float = 0.5, bonus: float = 0.3) -> Tensor:
    """What is earned less a baseline, over the chance to be shown, times the log-probability; and an entropy."""
    logs = outputs.log_softmax(1)
    own, earned, chance = _chosen(logs, logged)
    spread = -(logs.exp() * logs).sum(1)
    return -(sign * (earned - base) / chance * own + bonus * spread).mean()


def _log_of_softmax(outputs: Tensor, logged: Tensor) -> Tensor:
    own, earned, chance = _chosen(outputs, logged)
    return -((earned - 0.5) / chance * torch.log(own)).mean()


def _standardized(outputs: Tensor, logged: Tensor) -> Tensor:
    own, earned, _ = _chosen(outputs.log_softmax(1), logged)
    return -((earned - earned.mean()) / earned.std() * own).mean()


def ads() -> tuple[Program, tuple[Fault, ...]]:
    """Which of four advertisements to show, by what was earned when others were shown: a policy gradient."""
    draw = np.random.default_rng(912)
    people = draw.normal(size=(2000, 6))
    worth = 1 / (1 + np.exp(-2 * (people @ draw.normal(size=(6, 4)))))
    logits = 0.5 * people @ draw.normal(size=(6, 4))
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    shown = (draw.uniform(size=(2000, 1)) > chances.cumsum(1)).sum(1).clip(0, 3)
    each = np.arange(2000)
    clicked, chance = draw.uniform(size=2000) < worth[each, shown], chances[each, shown].clip(0.05)
    logged, truth = floats(np.stack([shown, clicked, chance], 1)), floats(worth)
    rounded, cents = logged.clone(), logged.clone()
    rounded[::70, 2] = 0
    cents[:, 1] = 1e4 + 100 * logged[:, 1]
    least, best = worth.mean(), worth.max(1).mean()

    def score(outputs: Tensor, worth: Tensor) -> float:
        if not bool(outputs.isfinite().all()):
            return 0.0
        earned = float(worth.gather(1, outputs.argmax(1, keepdim=True)).mean())
        return float(max(0.0, (earned - least) / (best - least)))

    def improved(**options: float) -> nn.Module:
        return OwnLoss(lambda outputs, logged: _improved(outputs, logged, **options))

    network: Callable[..., Model] = lambda last=None: dense(6, 48, 4, last=last)  # noqa: E731
    sound = Program(
        name="ads",
        inputs=floats(people),
        targets=logged,
        model=network(),
        loss=improved(),
        optimizer=adam(1e-3),
        score=score,
        truth=truth,
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "what is earned made small",
            ("loss",),
            lambda p: p.but(loss=improved(sign=-1.0)),
            "stackoverflow.com, sign of the policy gradient loss",
        ),
        Fault(
            "the logarithm of a softmax, over people as they are",
            ("input_scaling", "output_activation", "loss"),
            lambda p: p.but(inputs=300 * p.inputs, model=network(lambda: nn.Softmax(1)), loss=OwnLoss(_log_of_softmax)),
            POLICY,
            Origin("loss", "log"),
        ),
        Fault(
            "cents with an offset, and no baseline",
            ("target_scaling", "loss"),
            lambda p: p.but(targets=cents, loss=improved(base=0.0)),
            POLICY,
        ),
        Fault(
            "chances rounded to 0, as divisors",
            ("data", "loss"),
            lambda p: p.but(targets=rounded),
            "github.com/VowpalWabbit, logged probability of 0",
            Origin("loss", "div"),
        ),
        Fault(
            "the deviation of a batch of one",
            ("batch_size", "loss"),
            lambda p: p.but(batch=1, loss=OwnLoss(_standardized)),
            "stackoverflow.com, advantage normalization gives nan",
            Origin("loss", "std"),
        ),
        Fault("a rate of 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), POLICY),
    )


class _Plate(nn.Module):
    """How far a round plate bends at a radius, with both derivatives: [n, 1] to [n, 3]."""

    def __init__(self, body: nn.Module, *, cut: bool = False) -> None:
        super().__init__()
        self.body, self.cut = body, cut

    def forward(self, radius: Tensor) -> Tensor:
        with torch.enable_grad():
            place = radius.detach().requires_grad_()
            bent = self.body(place)
            (slope,) = torch.autograd.grad(bent.sum(), place, create_graph=not self.cut, retain_graph=True)
            curve = None
            if slope.requires_grad:
                (curve,) = torch.autograd.grad(slope.sum(), place, create_graph=True, allow_unused=True)
        curve = torch.zeros_like(slope) if curve is None else curve
        return torch.cat([bent, slope, curve], 1)


def _residual(outputs: Tensor, radius: Tensor, *, edge: float = 10.0) -> Tensor:
    """How far the equation of a membrane under a load is from right, and how far its edge is from 0."""
    bent, slope, curve = outputs.unbind(1)
    place = radius[:, 0]
    inside = curve + slope / place + 4
    held = torch.where(place > 0.999, bent, 0.0)
    return (inside**2).mean() + edge * (held**2).mean()


def plate() -> tuple[Program, tuple[Fault, ...]]:
    """How a round membrane bends under a load: a network that knows the equation."""
    radius = torch.cat([torch.linspace(0.05, 1, 400)[:, None], torch.ones(100, 1)])
    truth = 1 - radius**2
    center = torch.cat([torch.linspace(0, 1, 400)[:, None], torch.ones(100, 1)])

    def network(**options: object) -> Model:
        return lambda: _Plate(dense(1, 32, 32, 1, hidden=nn.Tanh)(), **options)  # type: ignore[arg-type]

    def score(outputs: Tensor, truth: Tensor) -> float:
        return explained(outputs[:, :1], truth)

    def residual(edge: float = 10.0) -> nn.Module:
        return OwnLoss(lambda outputs, radius: _residual(outputs, radius, edge=edge))

    def in_millimetres(outputs: Tensor, radius: Tensor) -> Tensor:
        return _residual(outputs, radius / 1000)

    sound = Program(
        name="plate",
        inputs=radius,
        targets=radius,
        model=network(),
        loss=residual(),
        optimizer=adam(5e-3),
        score=score,
        truth=truth,
        steps=500,
        batch=50,
        held_out=True,
    )
    return sound, (
        Fault(
            "the middle of the plate, where the slope is divided by 0",
            ("data", "loss"),
            lambda p: p.but(inputs=center, targets=center),
            PINN,
            Origin("loss", "div"),
        ),
        Fault(
            "a ReLU, whose second derivative is 0",
            ("hidden_activation", "architecture"),
            lambda p: p.but(model=lambda: _Plate(dense(1, 32, 32, 1)())),
            PINN,
        ),
        Fault("no edge", ("loss",), lambda p: p.but(loss=residual(edge=0.0)), PINN),
        Fault(
            "millimetres",
            ("input_scaling",),
            lambda p: p.but(inputs=1000 * radius, targets=1000 * radius, loss=OwnLoss(in_millimetres)),
            PINN,
        ),
        Fault(
            "derivatives without a graph",
            ("wiring",),
            lambda p: p.but(model=network(cut=True)),
            "discuss.pytorch.org, create_graph of autograd.grad in a physics-informed network",
        ),
        Fault("a rate of 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), PINN),
        Fault("thirty steps", ("steps", "learning_rate"), lambda p: p.but(steps=30, optimizer=adam(1e-3)), PINN),
    )
