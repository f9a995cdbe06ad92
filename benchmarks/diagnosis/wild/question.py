"""Programs of people who ask why nothing is learned: dense networks over rows of numbers.

They were written by somebody who had read neither the rules nor what they find in the other programs.
"""

import numpy as np
import torch
from sklearn.datasets import make_circles
from torch import Tensor, nn

from .parts import Apply, adam, column, dense, explained, floats, initialized, sgd, shuffled, standard, told_apart
from .program import Fault, Program

KARPATHY = "Karpathy 2018, most common neural net mistakes"
REASONS = "Ivanov 2017, 37 reasons why your neural network is not working"
SHAPES = "github.com/pytorch/pytorch/issues/16045"
CONSTANT = "github.com/keras-team/keras/issues/2711"
SAME_CLASS = "github.com/keras-team/keras/issues/4784"
FOURTH_POWER = "stackoverflow.com/questions/52800582"
MULTI_LABEL = "stackoverflow.com/questions/44164749"
SECOND = "sama.guegue.com/blog/pytorch-neural-networks-why-your"
KERAS = "keras.io, changed defaults of optimizers"


def marks() -> tuple[Program, tuple[Fault, ...]]:
    """The marks of students, of 50, by the minutes that they slept, studied, played and looked at a screen."""
    draw = np.random.default_rng(31)
    minutes = draw.uniform([240, 0, 0, 0], [600, 480, 240, 360], (800, 4))
    slept, studied, played, looked = minutes.T
    marked = 22 + 16 * np.tanh((studied - 200) / 150) + 8 * np.cos((slept - 480) / 90) - looked / 60 - played / 80
    raw, points = floats(minutes), column((marked + draw.normal(size=800)).clip(0, 50))
    sound = Program(
        name="marks",
        inputs=standard(raw),
        targets=points / 50,
        model=dense(4, 32, 32, 1),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "marks up to 50 under a sigmoid",
            ("output_activation", "target_scaling"),
            lambda p: p.but(targets=points, model=dense(4, 32, 32, 1, last=nn.Sigmoid)),
            "math.stackexchange.com, the same prediction every time",
        ),
        Fault(
            "minutes as they are, SGD", ("input_scaling",), lambda p: p.but(inputs=raw, optimizer=sgd(1e-3)), REASONS
        ),
        Fault(
            "targets without the column of the outputs",
            ("loss", "wiring"),
            lambda p: p.but(targets=p.targets[:, 0], truth=p.targets),
            SHAPES,
        ),
        Fault(
            "Adam with rate 1e-6",
            ("learning_rate",),
            lambda p: p.but(optimizer=adam(1e-6)),
            CONSTANT,
        ),
    )


def powers() -> tuple[Program, tuple[Fault, ...]]:
    """The fourth power of a number."""
    numbers = torch.linspace(-1, 1, 600)[:, None]
    targets = standard(numbers**4)
    sound = Program(
        name="powers",
        inputs=numbers,
        targets=targets,
        model=dense(1, 50, 50, 1, hidden=nn.Tanh),
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=800,
        held_out=True,
    )
    return sound, (
        Fault(
            "numbers up to 100, powers up to 1e8",
            ("target_scaling", "input_scaling"),
            lambda p: p.but(inputs=numbers * 100, targets=(numbers * 100) ** 4, truth=targets, score=_scaled_back),
            FOURTH_POWER,
        ),
        Fault(
            "no activation between the layers",
            ("hidden_activation", "architecture"),
            lambda p: p.but(model=dense(1, 50, 50, 1, hidden=None)),
            REASONS,
        ),
        Fault("thirty steps", ("steps",), lambda p: p.but(steps=30, optimizer=adam(1e-3)), REASONS),
        Fault(
            "six sigmoid layers under SGD",
            ("hidden_activation", "architecture", "optimizer"),
            lambda p: p.but(model=dense(1, 50, 50, 50, 50, 50, 50, 1, hidden=nn.Sigmoid), optimizer=sgd(0.01)),
            FOURTH_POWER,
        ),
    )


def _scaled_back(outputs: Tensor, targets: Tensor) -> float:
    """The explained variance of outputs in the raw unit."""
    raw = torch.linspace(-100, 100, 600)[:, None] ** 4
    return explained((outputs - raw.mean()) / raw.std(), targets)


def second() -> tuple[Program, tuple[Fault, ...]]:
    """The second largest of six numbers."""
    draw = np.random.default_rng(32)
    rows = draw.uniform(size=(1500, 6))
    values = standard(column(np.sort(rows, axis=1)[:, -2]))
    numbers = floats(rows)
    sound = Program(
        name="second",
        inputs=standard(numbers),
        targets=values,
        model=dense(6, 64, 64, 1),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=800,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "outputs rounded inside the network",
            ("wiring", "output_activation"),
            lambda p: p.but(model=dense(6, 64, 64, 1, last=lambda: Apply(torch.round))),
            SECOND,
        ),
        Fault(
            "a view where a transpose was meant",
            ("data", "labels"),
            lambda p: p.but(inputs=p.inputs.t().contiguous().view(1500, 6)),
            KARPATHY,
        ),
        Fault(
            "two hidden layers of one unit",
            ("architecture",),
            lambda p: p.but(model=dense(6, 1, 1, 1)),
            REASONS,
        ),
        Fault(
            "momentum of .99 and a rate of .5",
            ("learning_rate", "optimizer"),
            lambda p: p.but(optimizer=sgd(0.5, momentum=0.99)),
            REASONS,
        ),
    )


def mushrooms() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a mushroom can be eaten: seven properties, each one of five, as ones and zeros."""
    draw = np.random.default_rng(33)
    codes = draw.integers(5, size=(1600, 7))
    poisonous = ((codes[:, 0] + codes[:, 1]) % 5 > 2) ^ (codes[:, 2] == 1)
    columns = nn.functional.one_hot(torch.tensor(codes), 5).flatten(1).float()
    answers = column(poisonous)
    sound = Program(
        name="mushrooms",
        inputs=columns,
        targets=answers,
        model=dense(35, 64, 32, 1),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(3e-3),
        score=told_apart(0.0),
        steps=800,
        held_out=True,
    )
    return sound, (
        Fault(
            "cross entropy over one output",
            ("loss", "architecture", "output_activation"),
            lambda p: p.but(loss=nn.CrossEntropyLoss()),
            SAME_CLASS,
        ),
        Fault(
            "classes counted from 1",
            ("labels", "loss", "data"),
            lambda p: p.but(targets=answers + 1, truth=answers),
            SAME_CLASS,
        ),
        Fault(
            "batch norm over batches of two",
            ("batch_size", "normalization"),
            lambda p: p.but(
                model=lambda: nn.Sequential(
                    nn.Linear(35, 64),
                    nn.BatchNorm1d(64),
                    nn.ReLU(),
                    nn.Linear(64, 32),
                    nn.BatchNorm1d(32),
                    nn.ReLU(),
                    nn.Linear(32, 1),
                ),
                batch=2,
            ),
            REASONS,
        ),
        Fault(
            "numbers of categories times 1000 instead of columns",
            ("input_scaling", "data"),
            lambda p: p.but(inputs=torch.tensor(codes * 1000.0, dtype=torch.float32), model=dense(7, 64, 32, 1)),
            CONSTANT,
        ),
        Fault(
            "answers sorted, mushrooms not",
            ("labels", "data"),
            lambda p: p.but(targets=answers.sort(0).values, truth=answers),
            REASONS,
        ),
    )


def symptoms() -> tuple[Program, tuple[Fault, ...]]:
    """Which of eight illnesses a patient has, several at once."""
    draw = np.random.default_rng(34)
    values = draw.normal(size=(1500, 16))
    scores = np.tanh(values @ draw.normal(size=(16, 12))) @ draw.normal(size=(12, 8))
    ill = floats(scores > np.quantile(scores, 0.65, axis=0))
    sound = Program(
        name="symptoms",
        inputs=floats(values),
        targets=ill,
        model=dense(16, 64, 64, 8),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(3e-3),
        score=told_apart(0.0),
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "softmax and cross entropy of classes",
            ("loss", "output_activation"),
            lambda p: p.but(
                model=dense(16, 64, 64, 8, last=lambda: nn.Softmax(1)),
                loss=nn.CrossEntropyLoss(),
                score=told_apart(0.5),
            ),
            MULTI_LABEL,
        ),
        Fault(
            "batches of 1500 for five epochs",
            ("batch_size", "steps"),
            lambda p: p.but(batch=1500, steps=5),
            MULTI_LABEL,
        ),
        Fault(
            "penalty of .3 on squared weights",
            ("regularization",),
            lambda p: p.but(optimizer=adam(3e-3, decay=0.3)),
            REASONS,
        ),
        Fault(
            "ReLU at the end",
            ("output_activation",),
            lambda p: p.but(model=dense(16, 64, 64, 8, last=nn.ReLU), score=told_apart(0.5)),
            SAME_CLASS,
        ),
    )


def failures() -> tuple[Program, tuple[Fault, ...]]:
    """Which machines fail, 5 in 100: air in kelvin, revolutions, torque, minutes of wear; failures weigh more."""
    draw = np.random.default_rng(35)
    raw = draw.normal([300, 1540, 40, 108], [2, 180, 10, 63], (3000, 4))
    power = (raw[:, 1] - 1540) / 180 * (raw[:, 2] - 40) / 10 + (raw[:, 3] - 108) / 63
    fails = column(power > np.quantile(power, 0.95))
    sound = Program(
        name="failures",
        inputs=standard(floats(raw)),
        targets=fails,
        model=dense(4, 32, 32, 1),
        loss=nn.BCEWithLogitsLoss(pos_weight=torch.tensor(19.0)),
        optimizer=adam(2e-3),
        score=told_apart(0.0),
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "weight of failures upside down",
            ("loss", "data"),
            lambda p: p.but(loss=nn.BCEWithLogitsLoss(pos_weight=torch.tensor(1 / 19))),
            "discuss.pytorch.org, pos_weight is positives over negatives",
        ),
        Fault("columns in their units", ("input_scaling",), lambda p: p.but(inputs=floats(raw)), REASONS),
        Fault(
            "squared error on logits, no weights, small rate",
            ("loss", "data", "learning_rate"),
            lambda p: p.but(loss=nn.MSELoss(), optimizer=sgd(0.01), score=told_apart(0.5)),
            SAME_CLASS,
        ),
        Fault("Adam with rate 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), REASONS),
    )


class _Percentage(nn.Module):
    """Mean absolute error as a fraction of the targets."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return ((outputs - targets) / targets).abs().mean()


def bikes() -> tuple[Program, tuple[Fault, ...]]:
    """Bikes rented in an hour: hour as sine and cosine, weather, weekday; logarithms of counts."""
    draw = np.random.default_rng(36)
    hours, warmth, working = draw.integers(24, size=1500), draw.normal(15, 8, 1500), draw.random(1500) < 0.7
    rush = np.exp(-((hours - 8) ** 2) / 4) + np.exp(-((hours - 17) ** 2) / 6)
    mean = 20 + 500 * np.where(working, rush, 0.5 + 0.5 * np.cos((hours - 14) / 24 * 6.3)) / (1 + np.exp(-warmth / 6))
    counts = column(draw.poisson(mean))
    columns = floats(
        np.stack(
            [np.sin(hours / 24 * 6.2832), np.cos(hours / 24 * 6.2832), (warmth - 15) / 8, working, np.ones(1500)], 1
        )
    )
    values = standard(counts.log1p())
    sound = Program(
        name="bikes",
        inputs=columns,
        targets=values,
        model=dense(5, 64, 64, 1),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=800,
        held_out=True,
    )
    return sound, (
        Fault(
            "tanh at the end, counts as they are",
            ("output_activation", "target_scaling"),
            lambda p: p.but(targets=counts, model=dense(5, 64, 64, 1, last=nn.Tanh)),
            REASONS,
        ),
        Fault(
            "error as a percentage of targets near zero",
            ("loss", "target_scaling"),
            lambda p: p.but(loss=_Percentage()),
            "stats.stackexchange.com, shortcomings of the mean absolute percentage error",
        ),
        Fault(
            "dropout of .9 after every layer",
            ("regularization",),
            lambda p: p.but(
                model=dense(5, 64, 64, 64, 1, hidden=lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.9))),
            ),
            REASONS,
        ),
        Fault(
            "counts as they are, SGD",
            ("target_scaling", "learning_rate"),
            lambda p: p.but(targets=counts, optimizer=sgd(0.01)),
            REASONS,
        ),
    )


def circles() -> tuple[Program, tuple[Fault, ...]]:
    """Which of two circles, one inside the other."""
    points, labels = make_circles(1000, noise=0.05, factor=0.6, random_state=3)
    answers = column(labels)
    sound = Program(
        name="circles",
        inputs=floats(points) * 1.5,
        targets=answers,
        model=dense(2, 16, 16, 1, last=nn.Sigmoid),
        loss=nn.BCELoss(),
        optimizer=adam(5e-3),
        score=told_apart(0.5),
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "a layer without hidden ones",
            ("architecture", "hidden_activation"),
            lambda p: p.but(model=dense(2, 1, last=nn.Sigmoid)),
            REASONS,
        ),
        Fault(
            "all weights the same",
            ("initialization",),
            lambda p: p.but(model=initialized(p.model, lambda w: nn.init.constant_(w, 0.5))),
            "stats.stackexchange.com, why not initialize all weights alike",
        ),
        Fault(
            "gradients cleared before they are applied",
            ("wiring",),
            lambda p: p.but(clears_late=True),
            KARPATHY,
        ),
        Fault(
            "weights with a deviation of 30",
            ("initialization",),
            lambda p: p.but(model=initialized(p.model, lambda w: nn.init.normal_(w, std=30.0)), optimizer=adam(1e-3)),
            REASONS,
        ),
        Fault(
            "answers -1 and 1 in a cross entropy of logits",
            ("labels", "loss", "data"),
            lambda p: p.but(
                targets=answers * 2 - 1,
                truth=answers,
                model=dense(2, 16, 16, 1),
                loss=nn.BCEWithLogitsLoss(),
                score=told_apart(0.0),
            ),
            SAME_CLASS,
        ),
    )


def checkers() -> tuple[Program, tuple[Fault, ...]]:
    """The colour of a field on a board of four by four."""
    draw = np.random.default_rng(37)
    places = draw.uniform(-2, 2, (2000, 2))
    answers = column((np.floor(places).sum(1) % 2) == 0)
    sound = Program(
        name="checkers",
        inputs=floats(places),
        targets=answers,
        model=dense(2, 64, 64, 1, hidden=nn.Tanh),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(1e-2),
        score=told_apart(0.0),
        steps=1200,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "one hidden layer of three units",
            ("architecture",),
            lambda p: p.but(model=dense(2, 3, 1, hidden=nn.Tanh)),
            REASONS,
        ),
        Fault(
            "plain SGD with a rate of 1e-3",
            ("learning_rate", "optimizer", "steps"),
            lambda p: p.but(optimizer=sgd(1e-3)),
            CONSTANT,
        ),
        Fault("two epochs", ("steps",), lambda p: p.but(steps=62, optimizer=adam(2e-3)), REASONS),
        Fault(
            "gradients never cleared, SGD with momentum",
            ("wiring",),
            lambda p: p.but(clears=False, optimizer=sgd(0.05, momentum=0.9)),
            KARPATHY,
        ),
    )


def concrete() -> tuple[Program, tuple[Fault, ...]]:
    """The strength of concrete by eight ingredients."""
    draw = np.random.default_rng(38)
    mixed = draw.uniform([100, 0, 0, 120, 0, 800, 600, 1], [540, 360, 200, 250, 32, 1150, 990, 365], (1000, 8))
    scaled = (mixed - mixed.mean(0)) / mixed.std(0)
    strength = 36 + 8 * scaled[:, 0] + 6 * np.log(mixed[:, 7]) * (1 - 0.4 * scaled[:, 3]) + 4 * scaled[:, 1]
    values = standard(column(strength + draw.normal(size=1000)))
    inputs = floats(scaled)
    holed = inputs.clone()
    holed[17, 4] = float("nan")
    sound = Program(
        name="concrete",
        inputs=inputs,
        targets=values,
        model=dense(8, 64, 32, 1),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault("one cell is not a number", ("data",), lambda p: p.but(inputs=holed), REASONS),
        Fault(
            "squared errors summed, not averaged",
            ("loss", "learning_rate"),
            lambda p: p.but(loss=nn.MSELoss(reduction="sum"), optimizer=sgd(0.05), batch=128),
            "discuss.pytorch.org, reduction of losses",
        ),
        Fault(
            "a tenth of the rate after every ten batches",
            ("schedule", "learning_rate"),
            lambda p: p.but(decay_each_step=0.1**0.1),
            REASONS,
        ),
        Fault(
            "Adadelta with its new default of .001",
            ("optimizer", "learning_rate"),
            lambda p: p.but(optimizer=lambda m: torch.optim.Adadelta(m.parameters(), lr=0.001)),
            KERAS,
        ),
        Fault(
            "strengths of other mixtures",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(values), truth=values),
            REASONS,
        ),
        Fault(
            "softmax over the one output",
            ("output_activation",),
            lambda p: p.but(model=dense(8, 64, 32, 1, last=lambda: nn.Softmax(1))),
            CONSTANT,
        ),
    )
