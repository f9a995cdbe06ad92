"""Programs over tables: visits, quotes, subscribers, doses, reservations, payments, and laws that differ by regime.

They were written by a tenth author, who had read neither the rules nor what they find in the other programs. The kinds
of a fault are the parts that were changed, and those whose repair alone brought the score back in plain PyTorch. They
were fixed before any diagnosis.
"""

from collections.abc import Callable

import numpy as np
import torch
from sklearn.datasets import make_friedman1
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, Apply, adam, classified, column, dense, explained, floats, sgd, shuffled, standard, told_apart
from .play import OwnLoss
from .program import Fault, Program

SHAPES = "discuss.pytorch.org/t/output-of-the-model-depends-on-the-shape-of-the-weights-tensor/148155"
POISSON = "discuss.pytorch.org, PoissonNLLLoss returns nan or does not decrease"
PINBALL = "stackoverflow.com, quantile regression in PyTorch predicts the same for all quantiles"
HAZARD = "github.com/havakv/pycox, questions on discrete-time models"
GAUSSIAN = "discuss.pytorch.org, GaussianNLLLoss and negative variance"
HOTEL = "kaggle.com, notebooks on hotel booking demand with PyTorch"
FRIEDMAN = "stackoverflow.com, PyTorch regression predicts the mean"


def visits() -> tuple[Program, tuple[Fault, ...]]:
    """How often a person visits a surgery in a year: counts, the log of a rate."""
    draw = np.random.default_rng(1001)
    rows = np.stack(
        [
            draw.uniform(18, 90, 1500),
            draw.normal(26, 5, 1500),
            draw.exponential(2.0e4, 1500),
            draw.integers(0, 2, 1500),
            draw.integers(0, 6, 1500),
        ],
        1,
    )
    age, weight, income, smokes, illnesses = rows.T
    rate = np.exp(0.2 + 0.02 * (age - 50) + 0.35 * illnesses - 0.8 * smokes * (age < 45) + 0.04 * np.abs(weight - 25))
    rate *= np.where(income > 3e4, 0.6, 1.0)
    counts = column(draw.poisson(rate))
    raw = floats(rows)
    sound = Program(
        name="visits",
        inputs=standard(raw),
        targets=counts,
        model=dense(5, 48, 48, 1),
        loss=nn.PoissonNLLLoss(),
        optimizer=adam(3e-3),
        score=lambda outputs, targets: explained(outputs.clamp(max=6).exp(), targets) / 0.8,
        steps=500,
        held_out=True,
    )

    def plain(outputs: Tensor, targets: Tensor) -> float:
        return explained(outputs, targets) / 0.8

    return sound, (
        Fault(
            "a softmax over the one output",
            ("output_activation",),
            lambda p: p.but(model=dense(5, 48, 48, 1, last=lambda: nn.Softmax(1))),
            FORUM,
        ),
        Fault(
            "rates from a sigmoid",
            ("output_activation", "target_scaling"),
            lambda p: p.but(
                model=dense(5, 48, 48, 1, last=nn.Sigmoid), loss=nn.PoissonNLLLoss(log_input=False), score=plain
            ),
            POISSON,
        ),
        Fault(
            "income in cents beside the other columns",
            ("input_scaling",),
            lambda p: p.but(inputs=raw * torch.tensor([1.0, 1.0, 100.0, 1.0, 1.0]), optimizer=adam(1e-3)),
            POISSON,
        ),
        Fault(
            "counts without their second dimension",
            ("loss", "labels", "wiring", "data"),
            lambda p: p.but(targets=counts[:, 0], truth=counts),
            SHAPES,
        ),
        Fault(
            "only the head is trained",
            ("wiring", "learning_rate"),
            lambda p: p.but(optimizer=lambda m: torch.optim.SGD(m.get_submodule("4").parameters(), lr=1e-3)),
            FORUM,
        ),
        Fault("SGD with rate 1e-5", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-5)), POISSON),
    )


QUANTILES = torch.tensor([0.1, 0.5, 0.9])


def _pinball(outputs: Tensor, targets: Tensor) -> Tensor:
    error = targets - outputs
    return torch.maximum(QUANTILES * error, (QUANTILES - 1) * error).mean()


def _pinball_inverted(outputs: Tensor, targets: Tensor) -> Tensor:
    error = targets - outputs
    return torch.minimum(QUANTILES * error, (QUANTILES - 1) * error).mean()


def quotes() -> tuple[Program, tuple[Fault, ...]]:
    """Between which amounts an offer for a house move lies: three quantiles."""
    draw = np.random.default_rng(1002)
    rows = draw.uniform(size=(1600, 6))
    rooms, distance, floor, _, month, boxes = rows.T
    middle = 6 * rooms + 4 * distance * boxes + 2 * np.abs(floor - 0.5) + np.sin(6 * month)
    spread = 0.3 + 0.9 * distance
    amounts = column(middle + spread * draw.normal(size=1600))
    scaled = (amounts - amounts.mean()) / amounts.std()
    unit = amounts.std().item()
    truth = floats(middle[:, None] + spread[:, None] * np.array([-1.2816, 0.0, 1.2816]))
    truth = (truth - amounts.mean()) / unit

    def score(outputs: Tensor, targets: Tensor) -> float:  # noqa: ARG001 (the quantiles are known)
        return explained(outputs, truth)

    sound = Program(
        name="quotes",
        inputs=standard(floats(rows)),
        targets=scaled,
        model=dense(6, 48, 48, 3),
        loss=OwnLoss(_pinball),
        optimizer=adam(3e-3),
        score=score,
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault(
            "minimum in place of maximum",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(_pinball_inverted)),
            PINBALL,
        ),
        Fault(
            "ReLU after the head, centred amounts",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=dense(6, 48, 48, 3, last=nn.ReLU)),
            PINBALL,
        ),
        Fault(
            "amounts in cents, Adam at .001",
            ("target_scaling", "learning_rate", "steps"),
            lambda p: p.but(
                targets=amounts * 1e4,
                optimizer=adam(1e-3),
                score=lambda outputs, t: score((outputs / 1e4 - amounts.mean()) / unit, t),
            ),
            PINBALL,
        ),
        Fault(
            "a rate that halves every ten batches",
            ("schedule", "learning_rate"),
            lambda p: p.but(decay_each_step=0.933, optimizer=sgd(0.02, momentum=0.9)),
            "discuss.pytorch.org, scheduler.step in the inner loop",
        ),
        Fault(
            "the month as a time stamp in seconds",
            ("input_scaling",),
            lambda p: p.but(inputs=torch.cat([p.inputs[:, :4], 1.6e9 + 3e7 * p.inputs[:, 4:5], p.inputs[:, 5:]], 1)),
            PINBALL,
        ),
    )


class _Hazards(nn.Module):
    """The chance to leave in each of eight months, as logits."""

    def __init__(self, *, last: nn.Module | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(7, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, 64), nn.ReLU())
        self.months = nn.Sequential(nn.Linear(64, 8), last or nn.Identity())

    def forward(self, rows: Tensor) -> Tensor:
        return self.months(self.hidden(rows))


def _hazard_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Targets are [n, 16]: whether the person left in a month, and whether they were still there to leave."""
    left, there = targets[:, :8], targets[:, 8:]
    each = functional.binary_cross_entropy_with_logits(outputs, left, reduction="none")
    return (each * there).sum() / there.sum()


def _hazard_inverted(outputs: Tensor, targets: Tensor) -> Tensor:
    left, there = targets[:, :8], 1 - targets[:, 8:]
    each = functional.binary_cross_entropy_with_logits(outputs, left, reduction="none")
    return (each * there).sum() / there.sum()


def subscribers() -> tuple[Program, tuple[Fault, ...]]:
    """In which month somebody ends a subscription, if it is known: a hazard for each month."""
    draw = np.random.default_rng(1003)
    rows = draw.normal(size=(1800, 7))
    risk = 1.8 * np.tanh(rows[:, 0] * rows[:, 1]) + 1.2 * rows[:, 2] - 0.8 * np.abs(rows[:, 3])
    chances = 1 / (1 + np.exp(-(risk[:, None] - 1.8 + 0.15 * np.arange(8))))
    leaves = draw.uniform(size=(1800, 8)) < chances
    when = np.where(leaves.any(1), leaves.argmax(1), 8)
    until = np.minimum(when, draw.integers(2, 12, 1800))
    left = np.zeros((1800, 8))
    known = (when == until) & (when < 8)
    left[known, when[known]] = 1
    there = np.arange(8) <= until[:, None]
    targets = floats(np.concatenate([left, there], 1))
    logits = floats(risk[:, None] - 1.8 + 0.15 * np.arange(8))

    def score(outputs: Tensor, targets: Tensor) -> float:  # noqa: ARG001 (the hazards are known)
        return explained(outputs.clamp(-9, 9).sigmoid(), logits.sigmoid())

    sound = Program(
        name="subscribers",
        inputs=floats(rows),
        targets=targets,
        model=_Hazards,
        loss=OwnLoss(_hazard_loss),
        optimizer=adam(2e-3),
        score=score,
        steps=350,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault("the mask inverted", ("loss", "data"), lambda p: p.but(loss=OwnLoss(_hazard_inverted)), HAZARD),
        Fault(
            "a sigmoid before the loss on logits",
            ("output_activation", "loss"),
            lambda p: p.but(
                model=lambda: _Hazards(last=nn.Sigmoid()),
                score=lambda outputs, _: explained(outputs, logits.sigmoid()),
            ),
            HAZARD,
        ),
        Fault(
            "a softmax over the persons of a batch",
            ("output_activation",),
            lambda p: p.but(model=lambda: _Hazards(last=nn.LogSoftmax(0))),
            "stackoverflow.com, softmax with dim=0",
        ),
        Fault(
            "rows shuffled apart from their months",
            ("data", "labels"),
            lambda p: p.but(targets=shuffled(targets), truth=targets),
            HAZARD,
        ),
        Fault("weight decay of 1", ("regularization",), lambda p: p.but(optimizer=adam(2e-3, decay=1.0)), HAZARD),
        Fault(
            "stopped after one pass of large batches",
            ("steps", "batch_size"),
            lambda p: p.but(steps=4, batch=450),
            FORUM,
        ),
    )


class _MeanAndSpread(nn.Module):
    """A mean and a variance: [n, 2]."""

    def __init__(self, *, positive: Callable[[Tensor], Tensor] = functional.softplus, detached: bool = False) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())
        self.mean, self.spread = nn.Linear(64, 1), nn.Linear(64, 1)
        self.positive, self.detached = positive, detached

    def forward(self, rows: Tensor) -> Tensor:
        found = self.body(rows)
        mean = self.mean(found.detach() if self.detached else found)
        return torch.cat([mean, self.positive(self.spread(found)) + 1e-3], 1)


def _gaussian(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.gaussian_nll_loss(outputs[:, :1], targets, outputs[:, 1:])


def _gaussian_swapped(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.gaussian_nll_loss(outputs[:, 1:], targets, outputs[:, :1].abs() + 1e-3)


def doses() -> tuple[Program, tuple[Fault, ...]]:
    """The dose of a drug that a patient needs, and how sure that is: the likelihood of a normal distribution."""
    draw = np.random.default_rng(1004)
    rows = draw.uniform(-1, 1, size=(1400, 4))
    mean = np.sin(3 * rows[:, 0]) + rows[:, 1] * rows[:, 2]
    needed = column(mean + (0.08 + 0.2 * (rows[:, 3] > 0)) * draw.normal(size=1400))
    sound = Program(
        name="doses",
        inputs=floats(rows),
        targets=standard(needed),
        model=_MeanAndSpread,
        loss=OwnLoss(_gaussian),
        optimizer=adam(5e-3),
        score=lambda outputs, targets: explained(outputs[:, :1], targets),
        steps=400,
        held_out=True,
    )
    milligrams = 250 + 60 * standard(needed)
    return sound, (
        Fault(
            "milligrams as they are",
            ("target_scaling",),
            lambda p: p.but(targets=milligrams, optimizer=adam(1e-3)),
            GAUSSIAN,
        ),
        Fault(
            "mean and variance in another order",
            ("loss", "wiring"),
            lambda p: p.but(loss=OwnLoss(_gaussian_swapped)),
            GAUSSIAN,
        ),
        Fault(
            "the mean on detached features, SGD",
            ("wiring",),
            lambda p: p.but(model=lambda: _MeanAndSpread(detached=True), optimizer=sgd(0.01)),
            "discuss.pytorch.org, detach in forward",
        ),
        Fault(
            "Adam with rate .5",
            ("learning_rate",),
            lambda p: p.but(optimizer=adam(0.5)),
            GAUSSIAN,
        ),
        Fault(
            "clipped to a norm of .0005, SGD",
            ("clipping", "optimizer"),
            lambda p: p.but(clip=5e-4, optimizer=sgd(0.05)),
            FORUM,
        ),
    )


class _Booking(nn.Module):
    """Country and agent as embeddings, beside numbers: [n, 2 + 5] to [n, 1]."""

    def __init__(self, *, as_numbers: bool = False, frozen: bool = False, normed: bool = True) -> None:
        super().__init__()
        self.country, self.agent = nn.Embedding(20, 4), nn.Embedding(40, 6)
        self.as_numbers = as_numbers
        self.norm = nn.BatchNorm1d(5) if normed else nn.Identity()
        self.body = dense(7 if as_numbers else 15, 64, 32, 1)()
        if frozen:
            self.requires_grad_(requires_grad=False)
            self.body[-1].requires_grad_(requires_grad=True)

    def forward(self, rows: Tensor) -> Tensor:
        numbers = self.norm(rows[:, 2:])
        if self.as_numbers:
            return self.body(torch.cat([rows[:, :2], numbers], 1))
        country, agent = self.country(rows[:, 0].long()), self.agent(rows[:, 1].long())
        return self.body(torch.cat([country, agent, numbers], 1))


def reservations() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a booking is cancelled: countries, agents, days and prices, binary cross entropy."""
    draw = np.random.default_rng(1005)
    country, agent = draw.integers(20, size=1800), draw.integers(40, size=1800)
    numbers = np.stack([draw.exponential(80, 1800), draw.integers(1, 15, 1800), draw.normal(110, 30, 1800)], 1)
    others = np.stack([draw.integers(0, 3, 1800), draw.uniform(0, 1, 1800)], 1)
    of_country, of_agent = draw.normal(0, 1.6, 20), draw.normal(0, 1.6, 40)
    risk = of_country[country] + of_agent[agent] + (numbers[:, 0] - 60) / 60 - 1.2 * others[:, 0]
    cancelled = column(risk + 0.4 * draw.logistic(size=1800) > 0)
    rows = floats(np.concatenate([country[:, None], agent[:, None], numbers, others], 1))
    missing = rows.clone()
    missing[::40, 4] = torch.nan
    sound = Program(
        name="reservations",
        inputs=rows,
        targets=cancelled,
        model=_Booking,
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(5e-3),
        score=told_apart(0.0),
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "codes of countries and agents as numbers",
            ("input_scaling", "architecture", "data"),
            lambda p: p.but(model=lambda: _Booking(as_numbers=True)),
            HOTEL,
        ),
        Fault(
            "rows with a price that is missing",
            ("data",),
            lambda p: p.but(inputs=missing),
            HOTEL,
        ),
        Fault(
            "everything but the last layer frozen",
            ("wiring",),
            lambda p: p.but(
                model=lambda: _Booking(frozen=True),
                optimizer=lambda m: torch.optim.Adam([w for w in m.parameters() if w.requires_grad], lr=1e-4),
            ),
            HOTEL,
        ),
        Fault(
            "cancelled bookings weigh a hundred",
            ("loss",),
            lambda p: p.but(loss=nn.BCEWithLogitsLoss(pos_weight=torch.tensor(100.0))),
            "discuss.pytorch.org, pos_weight and a model that says yes to everything",
        ),
        Fault(
            "two rows a batch, SGD of rate .5",
            ("batch_size", "learning_rate"),
            lambda p: p.but(batch=2, optimizer=sgd(0.5)),
            FORUM,
        ),
        Fault(
            "evaluation mode from the start, SGD at .01",
            ("wiring", "optimizer"),
            lambda p: p.but(evaluates=True, optimizer=sgd(0.01)),
            HOTEL,
        ),
    )


def friedman() -> tuple[Program, tuple[Fault, ...]]:
    """A known function of five of ten columns: the regression of a tutorial."""
    rows, values = make_friedman1(1200, n_features=10, noise=0.5, random_state=1006)
    answers = column(values)
    sound = Program(
        name="friedman",
        inputs=standard(floats(rows)),
        targets=standard(answers),
        model=dense(10, 64, 64, 1),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault(
            "targets cast to whole numbers by long()",
            ("labels", "target_scaling", "data"),
            lambda p: p.but(targets=standard(answers).div(3).long().float(), truth=standard(answers)),
            FRIEDMAN,
        ),
        Fault(
            "the ReLU comes last",
            ("output_activation",),
            lambda p: p.but(model=dense(10, 64, 64, 1, last=nn.ReLU)),
            FRIEDMAN,
        ),
        Fault(
            "targets of [n] against outputs of [n, 1]",
            ("loss", "labels", "wiring", "data"),
            lambda p: p.but(targets=p.targets[:, 0], truth=p.targets),
            SHAPES,
        ),
        Fault(
            "Adadelta with the rate of Adam",
            ("learning_rate", "optimizer"),
            lambda p: p.but(optimizer=lambda m: torch.optim.Adadelta(m.parameters(), lr=1e-3)),
            "stackoverflow.com, Adadelta does not learn with lr=0.001",
        ),
        Fault(
            "dropout of .9 after both layers",
            ("regularization",),
            lambda p: p.but(
                model=dense(10, 64, 64, 1, hidden=lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.9))),
            ),
            FRIEDMAN,
        ),
        Fault(
            "gradients never cleared, SGD with momentum",
            ("wiring",),
            lambda p: p.but(clears=False, optimizer=sgd(0.01, momentum=0.9)),
            FORUM,
        ),
    )


def payments() -> tuple[Program, tuple[Fault, ...]]:
    """Which of four ways a customer pays: raw columns of a shop, scaled in the first layer."""
    draw = np.random.default_rng(1007)
    kinds = draw.integers(4, size=1600)
    centres = draw.normal(0, 1.3, (4, 8))
    rows = centres[kinds] + draw.normal(size=(1600, 8)) * (1 + 0.3 * (kinds[:, None] == 2))
    units = np.array([1.0, 40.0, 900.0, 0.01, 3.0, 1.0, 15.0, 0.2])
    raw = floats(rows * units + 5 * units)
    answers = torch.tensor(kinds)
    scaled = standard(raw)
    sound = Program(
        name="payments",
        inputs=scaled,
        targets=answers,
        model=dense(8, 32, 32, 4),
        loss=nn.CrossEntropyLoss(),
        optimizer=sgd(0.1, momentum=0.9),
        score=classified,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault("columns in their own units", ("input_scaling",), lambda p: p.but(inputs=raw), FORUM),
        Fault(
            "scaled over each row, not each column",
            ("input_scaling", "data"),
            lambda p: p.but(inputs=((raw.T - raw.mean(1)) / raw.std(1)).T, optimizer=sgd(0.01)),
            "stackoverflow.com, StandardScaler on the wrong axis",
        ),
        Fault(
            "the likelihood of probabilities without a log",
            ("loss", "output_activation", "learning_rate", "optimizer"),
            lambda p: p.but(
                model=dense(8, 32, 32, 4, last=lambda: nn.Softmax(1)), loss=nn.NLLLoss(), optimizer=sgd(3e-3)
            ),
            "discuss.pytorch.org, NLLLoss is negative",
        ),
        Fault(
            "softmax over the batch",
            ("output_activation", "learning_rate", "optimizer"),
            lambda p: p.but(
                model=dense(8, 32, 32, 4, last=lambda: nn.LogSoftmax(0)),
                loss=nn.NLLLoss(),
                optimizer=sgd(1e-3),
            ),
            "stackoverflow.com, softmax with dim=0",
        ),
        Fault(
            "all layers begin at one half",
            ("initialization",),
            lambda p: p.but(model=lambda: _filled(dense(8, 32, 32, 4)())),
            FORUM,
        ),
        Fault(
            "momentum of .9 with a rate of 5",
            ("learning_rate",),
            lambda p: p.but(optimizer=sgd(5.0, momentum=0.9)),
            FORUM,
        ),
    )


def _filled(model: nn.Module) -> nn.Module:
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(0.5)
    return model


class _Experts(nn.Module):
    """Four small networks, mixed by a gate."""

    def __init__(self, *, over: int = 1, hard: bool = False, listed: bool = False) -> None:
        super().__init__()
        experts = [dense(5, 16, 1)() for _ in range(4)]
        self.experts: list[nn.Module] | nn.ModuleList = experts if listed else nn.ModuleList(experts)
        self.gate, self.over, self.hard = nn.Linear(5, 4), over, hard

    def forward(self, rows: Tensor) -> Tensor:
        said = torch.cat([expert(rows) for expert in self.experts], 1)
        mixed = self.gate(rows).softmax(self.over)
        if self.hard:
            mixed = functional.one_hot(mixed.argmax(1), 4).float()
        return (said * mixed).sum(1, keepdim=True)


def experts() -> tuple[Program, tuple[Fault, ...]]:
    """A quantity with other laws in each of four regimes: experts and a gate."""
    draw = np.random.default_rng(1008)
    rows = draw.normal(size=(1600, 5))
    laws = draw.normal(size=(4, 5))
    regime = (rows[:, 0] > 0) * 2 + (rows[:, 1] > 0)
    answers = standard(column((rows * laws[regime]).sum(1) + 0.2 * draw.normal(size=1600)))
    sound = Program(
        name="experts",
        inputs=floats(rows),
        targets=answers,
        model=_Experts,
        loss=nn.SmoothL1Loss(),
        optimizer=adam(1e-2),
        score=explained,
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault(
            "the gate's softmax over the batch",
            ("wiring", "architecture", "output_activation"),
            lambda p: p.but(model=lambda: _Experts(over=0), optimizer=adam(1e-3)),
            "stackoverflow.com, softmax with dim=0",
        ),
        Fault(
            "experts in a plain list",
            ("wiring",),
            lambda p: p.but(model=lambda: _Experts(listed=True)),
            "discuss.pytorch.org, layers in a list are not trained",
        ),
        Fault(
            "the loss of Huber for errors under .0005, SGD",
            ("loss", "learning_rate", "optimizer"),
            lambda p: p.but(loss=nn.HuberLoss(delta=5e-4), optimizer=sgd(0.05)),
            "discuss.pytorch.org, HuberLoss with a small delta",
        ),
        Fault(
            "rows multiplied by a thousand",
            ("input_scaling",),
            lambda p: p.but(inputs=p.inputs * 1e3, optimizer=adam(1e-3)),
            FORUM,
        ),
        Fault(
            "weights in bfloat16 under SGD",
            ("precision", "optimizer", "learning_rate"),
            lambda p: p.but(
                model=lambda: nn.Sequential(Apply(Tensor.bfloat16), _Experts().bfloat16(), Apply(Tensor.float)),
                optimizer=sgd(5e-4),
            ),
            "github.com/pytorch/pytorch, updates lost in bfloat16",
        ),
        Fault("weights decay by half", ("regularization",), lambda p: p.but(optimizer=adam(1e-2, decay=0.5)), FORUM),
    )
