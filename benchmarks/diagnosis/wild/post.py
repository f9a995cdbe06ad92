"""Programs of people who post that their network learns nothing: dense networks over tables.

They were written by somebody who had read neither the rules nor what they find in the other programs. The kinds of a
fault are those that were put in, and those whose repair alone, in plain PyTorch, brought the score back.
"""

import copy
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from .parts import (
    Apply,
    adam,
    classified,
    column,
    dense,
    explained,
    floats,
    initialized,
    sgd,
    shuffled,
    standard,
    told_apart,
)
from .program import Fault, Model, Optimizing, Program

XOR = "stats.stackexchange.com/questions/433365"
HALVES = "ai.stackexchange.com/questions/27010"
ONE_SOFTMAX = "stackoverflow.com/questions/46620813"
RELU_LAST = "datascience.stackexchange.com/questions/67599"
STUCK = "github.com/keras-team/keras/issues/2711"
HALF = "github.com/keras-team/keras/issues/13006"
ONE_UNIT = "github.com/keras-team/keras/issues/4994"
MULTI_LABEL = "stackoverflow.com/questions/44164749"
DEEPCRIME = "Humbatova et al. 2021, DeepCrime (ISSTA)"
CHECKER = "Ben Braiek and Khomh 2023, TheDeepChecker"
POISSON = "pytorch.org, PoissonNLLLoss: whether inputs are logarithms"
REINFORCE = "discuss.pytorch.org/t/making-sense-of-reinforce-math/17900"


def parity() -> tuple[Program, tuple[Fault, ...]]:
    """Whether the number of ones among four bits is odd."""
    bits = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4).repeat(20, 1)
    odd = bits.sum(1, keepdim=True) % 2
    sound = Program(
        name="parity",
        inputs=bits,
        targets=odd,
        model=_bits(4, 32, 32, 1),
        loss=nn.BCELoss(),
        optimizer=adam(1e-2),
        score=told_apart(0.5),
        steps=800,
        held_out=True,
    )
    return sound, (
        Fault("two hidden units", ("architecture",), lambda p: p.but(model=_bits(4, 2, 1)), HALVES),
        Fault(
            "ReLU at the end, squared error, SGD",
            ("output_activation", "optimizer", "learning_rate"),
            lambda p: p.but(model=dense(4, 32, 32, 1, last=nn.ReLU), loss=nn.MSELoss(), optimizer=sgd(0.01)),
            XOR,
        ),
        Fault(
            "weights of zero", ("initialization",), lambda p: p.but(model=initialized(p.model, nn.init.zeros_)), HALF
        ),
        Fault(
            "softmax over the one output",
            ("output_activation",),
            lambda p: p.but(model=dense(4, 32, 32, 1, hidden=nn.Tanh, last=lambda: nn.Softmax(1))),
            ONE_SOFTMAX,
        ),
        Fault(
            "answers all zero after a division of integers",
            ("labels", "data"),
            lambda p: p.but(targets=odd // 2, truth=odd),
            CHECKER,
        ),
    )


def _bits(*sizes: int) -> Model:
    """Tanh layers with a sigmoid at the end."""
    return dense(*sizes, hidden=nn.Tanh, last=nn.Sigmoid)


def rents() -> tuple[Program, tuple[Fault, ...]]:
    """The rent of a flat: square metres, rooms, year, kilometres to the centre, storey."""
    draw = np.random.default_rng(51)
    metres, centre = draw.uniform(20, 180, 1200), draw.uniform(0, 20, 1200)
    rooms, year, storey = (metres / 30).round() + 1, draw.uniform(1900, 2020, 1200), draw.integers(0, 9, 1200)
    rent = metres * (8 + 10 * np.exp(-centre / 5) + 4 * ((year - 1960) / 60) ** 2) + 12 * storey
    columns = floats(np.stack([metres, rooms, year, centre, storey], 1))
    euros = column(rent + draw.normal(0, 60, 1200))
    sound = Program(
        name="rents",
        inputs=standard(columns),
        targets=standard(euros),
        model=dense(5, 64, 64, 1),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "rents in euros",
            ("target_scaling", "learning_rate"),
            lambda p: p.but(targets=euros, optimizer=adam(1e-4)),
            STUCK,
        ),
        Fault(
            "years and metres as they are, SGD",
            ("input_scaling",),
            lambda p: p.but(inputs=columns, optimizer=sgd(0.01)),
            CHECKER,
        ),
        Fault(
            "ReLU at the end, standardized rents",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=dense(5, 64, 64, 1, last=nn.ReLU)),
            RELU_LAST,
        ),
        Fault("RMSprop with rate .3", ("learning_rate",), lambda p: p.but(optimizer=_rmsprop(0.3)), DEEPCRIME),
        Fault("decay of 1", ("regularization",), lambda p: p.but(optimizer=adam(3e-3, decay=1.0)), DEEPCRIME),
        Fault(
            "a row dropped from the flats, not from the rents",
            ("labels", "data"),
            lambda p: p.but(targets=p.targets.roll(1, 0), truth=p.targets),
            CHECKER,
        ),
    )


def _rmsprop(rate: float) -> Optimizing:
    """RMSprop over all parameters."""
    return lambda model: torch.optim.RMSprop(model.parameters(), lr=rate)


def loans() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a loan is paid back: income, debt, age, late payments, months at the job."""
    draw = np.random.default_rng(52)
    income, debt = draw.lognormal(10.5, 0.4, 1500), draw.lognormal(9, 0.8, 1500)
    age, late, months = draw.uniform(20, 70, 1500), draw.poisson(1.5, 1500), draw.exponential(40, 1500)
    risk = 2.5 * debt / income * 3 + 0.8 * late - ((age - 45) / 15) ** 2 * 0.5 - 0.02 * months
    columns = floats(np.stack([income, debt, age, late, months], 1))
    paid = column(risk + draw.normal(0, 0.3, 1500) < np.median(risk))
    noisy = torch.where(torch.rand(1500, 1, generator=torch.Generator().manual_seed(2)) < 0.5, paid, 1 - paid)
    sound = Program(
        name="loans",
        inputs=standard(columns),
        targets=paid,
        model=dense(5, 32, 16, 1, last=nn.Sigmoid),
        loss=nn.BCELoss(),
        optimizer=adam(5e-3),
        score=told_apart(0.5),
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "dollars as they are into sigmoid layers",
            ("input_scaling",),
            lambda p: p.but(inputs=columns, model=dense(5, 32, 16, 1, hidden=nn.Sigmoid, last=nn.Sigmoid)),
            HALF,
        ),
        Fault(
            "weights uniform between 0 and 1",
            ("initialization",),
            lambda p: p.but(model=initialized(dense(5, 64, 64, 32, 1, last=nn.Sigmoid), nn.init.uniform_)),
            CHECKER,
        ),
        Fault("Adam with rate .5", ("learning_rate",), lambda p: p.but(optimizer=adam(0.5)), HALF),
        Fault(
            "eight epochs of one batch each",
            ("batch_size", "steps", "learning_rate"),
            lambda p: p.but(batch=1500, steps=8, optimizer=adam(1e-3)),
            MULTI_LABEL,
        ),
        Fault(
            "half of the answers drawn at random",
            ("labels", "data"),
            lambda p: p.but(targets=noisy, truth=paid),
            CHECKER,
        ),
        Fault(
            "dropout of .95 after every layer",
            ("regularization",),
            lambda p: p.but(
                model=dense(
                    5, 32, 32, 16, 1, hidden=lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.95)), last=nn.Sigmoid
                )
            ),
            DEEPCRIME,
        ),
    )


def defects() -> tuple[Program, tuple[Fault, ...]]:
    """The defect of a part, of five kinds, the rarest 2 in 100: twelve measurements."""
    draw = np.random.default_rng(53)
    kinds = draw.choice(5, 2000, p=[0.8, 0.08, 0.06, 0.04, 0.02])
    centres = draw.normal(0, 1.0, (5, 2, 12))
    measured = centres[kinds, draw.integers(2, size=2000)] + draw.normal(0, 0.9, (2000, 12))
    inputs, answers = standard(floats(measured)), torch.tensor(kinds)
    rarity = 1 / torch.bincount(answers).float()
    sound = Program(
        name="defects",
        inputs=inputs,
        targets=answers,
        model=dense(12, 64, 64, 5),
        loss=nn.CrossEntropyLoss(weight=rarity / rarity.mean()),
        optimizer=adam(1e-3),
        score=classified,
        steps=600,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "weights by frequency instead of rarity",
            ("loss", "data"),
            lambda p: p.but(loss=nn.CrossEntropyLoss(weight=1 / rarity / (1 / rarity).mean())),
            "discuss.pytorch.org, weights of classes in the cross entropy",
        ),
        Fault(
            "class numbers as one squared error",
            ("loss", "architecture"),
            lambda p: p.but(
                targets=answers[:, None].float(),
                truth=answers,
                model=dense(12, 64, 64, 1),
                loss=nn.MSELoss(),
                score=_rounded,
            ),
            ONE_UNIT,
        ),
        Fault(
            "eight sigmoid layers under SGD",
            ("hidden_activation", "architecture"),
            lambda p: p.but(model=dense(12, *[64] * 8, 5, hidden=nn.Sigmoid), optimizer=sgd(0.1)),
            CHECKER,
        ),
        Fault("SGD with rate 1e-4", ("learning_rate",), lambda p: p.but(optimizer=sgd(1e-4)), DEEPCRIME),
        Fault(
            "Adam with an epsilon of 10",
            ("optimizer", "learning_rate"),
            lambda p: p.but(optimizer=lambda m: torch.optim.Adam(m.parameters(), lr=1e-3, eps=10.0)),
            DEEPCRIME,
        ),
    )


def _rounded(outputs: Tensor, targets: Tensor) -> float:
    """Balanced accuracy where the class is the output, rounded."""
    if not bool(outputs.isfinite().all()):
        return 0.0
    return classified(nn.functional.one_hot(outputs[:, 0].round().clamp(0, 4).long(), 5), targets)


def genres() -> tuple[Program, tuple[Fault, ...]]:
    """The genres of a book, several at once, by how often each of 80 words occurs."""
    draw = np.random.default_rng(54)
    belongs = draw.random((1500, 8)) < 0.3
    rates = 0.2 + belongs @ (draw.random((8, 80)) < 0.08) * 0.9
    counts, genre = floats(draw.poisson(rates)), floats(belongs)
    sound = Program(
        name="genres",
        inputs=counts,
        targets=genre,
        model=dense(80, 64, 8),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(3e-3),
        score=told_apart(0.0),
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault(
            "softmax and binary cross entropy",
            ("output_activation",),
            lambda p: p.but(
                model=dense(80, 64, 8, last=lambda: nn.Softmax(1)), loss=nn.BCELoss(), score=told_apart(0.5)
            ),
            MULTI_LABEL,
        ),
        Fault(
            "optimizer over a copy of the network",
            ("wiring",),
            lambda p: p.but(optimizer=lambda m: torch.optim.Adam(copy.deepcopy(m).parameters(), lr=3e-3)),
            "discuss.pytorch.org, weights do not change after the model was made again",
        ),
        Fault("one hidden unit", ("architecture",), lambda p: p.but(model=dense(80, 1, 8)), ONE_UNIT),
        Fault(
            "decay of .1 under Adam",
            ("regularization",),
            lambda p: p.but(optimizer=adam(3e-3, decay=0.1)),
            DEEPCRIME,
        ),
    )


def calls() -> tuple[Program, tuple[Fault, ...]]:
    """Calls an hour at a switchboard, as logarithms of rates: time of day, weekday, rain."""
    draw = np.random.default_rng(55)
    hour, weekend, rain = draw.uniform(0, 24, 1500), draw.random(1500) < 2 / 7, draw.exponential(1, 1500)
    rate = np.exp(1.2 + 1.4 * np.sin((hour - 8) / 24 * 2 * np.pi) - 0.8 * weekend + 0.3 * rain.clip(max=3))
    columns = floats(np.stack([np.sin(hour / 12 * np.pi), np.cos(hour / 12 * np.pi), weekend, rain], 1))
    counts = column(draw.poisson(rate))
    sound = Program(
        name="calls",
        inputs=columns,
        targets=counts,
        model=dense(4, 32, 32, 1),
        loss=nn.PoissonNLLLoss(),
        optimizer=adam(3e-3),
        score=_rates,
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "outputs as rates, without anything that keeps them positive",
            ("loss", "output_activation"),
            lambda p: p.but(
                loss=nn.PoissonNLLLoss(log_input=False), model=dense(4, 32, 32, 1, hidden=nn.Tanh), score=explained
            ),
            POISSON,
        ),
        Fault("SGD with rate .3", ("learning_rate", "clipping"), lambda p: p.but(optimizer=sgd(0.3)), DEEPCRIME),
        Fault(
            "counts divided by the largest as integers",
            ("labels", "target_scaling", "data"),
            lambda p: p.but(targets=counts // counts.max(), truth=counts),
            CHECKER,
        ),
        Fault(
            "sigmoid at the end",
            ("output_activation",),
            lambda p: p.but(model=dense(4, 32, 32, 1, last=nn.Sigmoid)),
            RELU_LAST,
        ),
    )


def _rates(outputs: Tensor, targets: Tensor) -> float:
    """The explained variance where outputs are logarithms."""
    return explained(outputs.exp(), targets)


class _Weighted(nn.Module):
    """The likelihood of actions, weighted by their rewards; targets are the action and its reward."""

    def __init__(self, *, sign: float = -1.0) -> None:
        super().__init__()
        self.sign = sign

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        likely = outputs.log_softmax(1)
        taken = likely.gather(1, targets[:, :1].long())[:, 0]
        return (self.sign * taken * targets[:, 1].exp()).mean()


def actions() -> tuple[Program, tuple[Fault, ...]]:
    """The best of four actions by what others did, and how well they were rewarded."""
    draw = np.random.default_rng(56)
    states, taken = draw.normal(size=(2000, 6)), draw.integers(4, size=2000)
    best = np.tanh(states @ draw.normal(size=(6, 8))) @ draw.normal(size=(8, 4))
    reward = 2.0 * (best.argmax(1) == taken) - 1 + draw.normal(0, 0.3, 2000)
    told, answers = floats(np.stack([taken, reward], 1)), torch.tensor(best.argmax(1))
    sound = Program(
        name="actions",
        inputs=floats(states),
        targets=told,
        truth=answers,
        model=dense(6, 64, 64, 4),
        loss=_Weighted(),
        optimizer=adam(2e-3),
        score=classified,
        steps=600,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault("the sign of the loss", ("loss",), lambda p: p.but(loss=_Weighted(sign=1.0)), REINFORCE),
        Fault(
            "rewards in hundreds",
            ("target_scaling", "loss"),
            lambda p: p.but(targets=told * torch.tensor([1.0, 100.0])),
            REINFORCE,
        ),
        Fault("SGD with rate 1e-3", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-3)), REINFORCE),
        Fault(
            "rewards of other rows",
            ("labels", "data"),
            lambda p: p.but(targets=torch.stack([told[:, 0], shuffled(told[:, 1])], 1)),
            CHECKER,
        ),
        Fault(
            "scores cut from the graph but for the last bias",
            ("wiring",),
            lambda p: p.but(model=lambda: nn.Sequential(dense(6, 64, 64, 4)(), Apply(torch.detach), _Bias(4))),
            "discuss.pytorch.org, detach in the wrong place",
        ),
    )


class _Bias(nn.Module):
    """A learned offset."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, values: Tensor) -> Tensor:
        return values + self.bias


def _normed(*sizes: int, momentum: float = 0.1, last: Model | None = None) -> Model:
    """Linear layers with batch norm and ReLU between them."""

    def build() -> nn.Module:
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes[:-1]):
            layers += [nn.Linear(before, after), nn.BatchNorm1d(after, momentum=momentum), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]), *([last()] if last else []))

    return build


def wear() -> tuple[Program, tuple[Fault, ...]]:
    """The wear of a tool by ten readings of sensors, with batch norm."""
    draw = np.random.default_rng(57)
    readings = draw.normal(size=(1500, 10))
    worn = np.tanh(readings @ draw.normal(size=(10, 6))) @ draw.normal(size=6)
    hours = column(200 + 60 * worn + draw.normal(0, 6, 1500))
    sound = Program(
        name="wear",
        inputs=floats(readings),
        targets=standard(hours),
        model=_normed(10, 64, 64, 1),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault("batches of two", ("batch_size", "normalization"), lambda p: p.but(batch=2), CHECKER),
        Fault(
            "hours as they are, batch norm at the end",
            ("normalization", "target_scaling"),
            lambda p: p.but(targets=hours, model=_normed(10, 64, 64, 1, last=lambda: nn.BatchNorm1d(1))),
            CHECKER,
        ),
        Fault(
            "layer norm over the one output",
            ("normalization", "output_activation"),
            lambda p: p.but(model=_normed(10, 64, 64, 1, last=lambda: nn.LayerNorm(1))),
            "discuss.pytorch.org, layer norm over one feature is zero",
        ),
        Fault(
            "ten narrow-weighted tanh layers without batch norm",
            ("initialization", "normalization", "architecture"),
            lambda p: p.but(
                model=initialized(dense(10, *[64] * 10, 1, hidden=nn.Tanh), lambda w: nn.init.normal_(w, std=0.02)),
                optimizer=sgd(0.05),
            ),
            CHECKER,
        ),
        Fault(
            "momentum of 1e-4 in batch norm",
            ("normalization",),
            lambda p: p.but(model=_normed(10, 64, 64, 1, momentum=1e-4), inputs=p.inputs * 4 + 2),
            "discuss.pytorch.org, momentum of batch norm is the other way round in Keras",
        ),
    )
