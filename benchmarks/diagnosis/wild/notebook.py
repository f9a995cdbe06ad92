"""Programs of notebooks over tables: flowers, wine, a voyage, districts, claims, plants of three strains, allergens.

They were written by a seventh author, who had read neither the rules nor what they find in the other programs. Each
fault was checked in plain PyTorch, with two seeds: the score falls, and without the fault the network learns. The kinds
of a fault are the parts that were changed. They were fixed before any diagnosis.
"""

import numpy as np
import torch
from sklearn.datasets import load_iris, load_wine
from torch import Tensor, nn

from .parts import (
    DEEPCRIME,
    FORUM,
    adam,
    classified,
    column,
    dense,
    explained,
    floats,
    initialized,
    large,
    sgd,
    shuffled,
    standard,
    told_apart,
)
from .program import Fault, Model, Program

ONE_UNIT = "stackoverflow.com, softmax over one output in Keras"
RARE = "discuss.pytorch.org/t/145203"
ONE_CLASS = "datascience.stackexchange.com/questions/76951"
UNSCALED = "stats.stackexchange.com/questions/418955"
CLEARED = "stackoverflow.com/questions/48001598"
MOMENTUM = "discuss.pytorch.org, momentum of batch norm in Keras and in PyTorch"


def _among(outputs: Tensor, targets: Tensor) -> float:
    """Accuracy above chance, where targets are one-hot."""
    return classified(outputs, targets.argmax(1))


def flowers() -> tuple[Program, tuple[Fault, ...]]:
    """Which iris: one-hot targets and cross entropy, as a network of Keras was ported."""
    found = load_iris()
    species = torch.tensor(found.target)
    targets = nn.functional.one_hot(species, 3).float()
    recoded = targets.clone()
    recoded[::2] = targets[::2].roll(1, 1)
    sound = Program(
        name="flowers",
        inputs=standard(floats(found.data)),
        targets=targets,
        model=dense(4, 16, 3),
        loss=nn.CrossEntropyLoss(),
        optimizer=sgd(0.1),
        score=_among,
        steps=500,
        batch=16,
        held_out=True,
    )
    return sound, (
        Fault(
            "softmax before cross entropy, as in Keras, at a rate of .01",
            ("output_activation", "learning_rate"),
            lambda p: p.but(model=dense(4, 16, 3, last=lambda: nn.Softmax(1)), optimizer=sgd(0.01)),
            FORUM,
        ),
        Fault("rate 1e-4", ("learning_rate",), lambda p: p.but(optimizer=sgd(1e-4)), DEEPCRIME),
        Fault("rate 50", ("learning_rate",), lambda p: p.but(optimizer=sgd(50.0)), DEEPCRIME),
        Fault(
            "two files with their species in another order",
            ("labels", "data"),
            lambda p: p.but(targets=recoded, truth=targets),
            FORUM,
        ),
        Fault(
            "six sigmoid layers",
            ("hidden_activation", "architecture"),
            lambda p: p.but(model=dense(4, 16, 16, 16, 16, 16, 16, 3, hidden=nn.Sigmoid)),
            FORUM,
        ),
        Fault("two epochs", ("steps",), lambda p: p.but(steps=18, optimizer=sgd(0.01)), DEEPCRIME),
    )


def alcohol() -> tuple[Program, tuple[Fault, ...]]:
    """How much alcohol is in a wine, from the other twelve columns of its analysis."""
    found = floats(load_wine().data)
    table, percent = found[:, 1:], found[:, :1]
    sound = Program(
        name="alcohol",
        inputs=standard(table),
        targets=standard(percent),
        model=dense(12, 32, 1),
        loss=nn.MSELoss(),
        optimizer=sgd(0.05),
        score=explained,
        steps=600,
        batch=16,
        held_out=True,
    )
    return sound, (
        Fault("the analysis as it is", ("input_scaling",), lambda p: p.but(inputs=table), UNSCALED),
        Fault(
            "sigmoid at the end for percents",
            ("output_activation", "target_scaling"),
            lambda p: p.but(targets=percent, model=dense(12, 32, 1, last=nn.Sigmoid)),
            FORUM,
        ),
        Fault("decay of .7", ("regularization",), lambda p: p.but(optimizer=sgd(0.05, decay=0.7)), DEEPCRIME),
        Fault("rate 5", ("learning_rate",), lambda p: p.but(optimizer=sgd(5.0)), DEEPCRIME),
        Fault(
            "rows shuffled apart from their percents",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(p.targets), truth=p.targets),
            FORUM,
        ),
    )


def voyage() -> tuple[Program, tuple[Fault, ...]]:
    """Who survives a shipwreck: class, sex, age, fare, family; one sigmoid unit and binary cross entropy."""
    draw = np.random.default_rng(701)
    deck, woman = draw.integers(1, 4, 900), draw.integers(2, size=900)
    age, family = draw.uniform(1, 70, 900), draw.poisson(0.8, 900)
    fare = np.exp(draw.normal(5 - deck, 0.5, 900))
    odds = 3.2 * woman - 1.4 * (deck - 2) - 0.05 * (age - 30) + 1.5 * (age < 12) - 1.2 - 0.3 * family
    lived = column((odds + draw.logistic(0, 0.5, 900)) > 0)
    table = floats(np.stack([deck, woman, age, fare, family], 1))
    died = lived.clone()
    died[450:] = 1 - lived[450:]

    def network(last: nn.Module, dropout: float = 0.0) -> Model:
        return lambda: nn.Sequential(
            nn.Linear(5, 32), nn.ReLU(), nn.Dropout(dropout), nn.Linear(32, 16), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(16, 1), nn.Dropout(dropout), last,
        )  # fmt: skip

    sound = Program(
        name="voyage",
        inputs=standard(table),
        targets=lived,
        model=network(nn.Sigmoid()),
        loss=nn.BCELoss(),
        optimizer=adam(3e-3),
        score=told_apart(0.5),
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault(
            "softmax over one unit",
            ("output_activation",),
            lambda p: p.but(model=network(nn.Softmax(1))),
            ONE_UNIT,
        ),
        Fault(
            "the second half says who died",
            ("labels", "data"),
            lambda p: p.but(targets=died, truth=lived),
            FORUM,
        ),
        Fault(
            "dropout of .95 everywhere",
            ("regularization",),
            lambda p: p.but(model=network(nn.Sigmoid(), dropout=0.95)),
            DEEPCRIME,
        ),
        Fault(
            "fares in cents under SGD with the rate of Adam",
            ("input_scaling", "optimizer", "learning_rate"),
            lambda p: p.but(inputs=table * torch.tensor([1, 1, 1, 100, 1]), optimizer=sgd(3e-3)),
            FORUM,
        ),
        Fault("Adam at .7", ("learning_rate",), lambda p: p.but(optimizer=adam(0.7)), DEEPCRIME),
    )


def district() -> tuple[Program, tuple[Fault, ...]]:
    """What a house costs in a district: income, age, rooms, people, and where it is."""
    draw = np.random.default_rng(702)
    income, age = draw.gamma(4, 1, 1200), draw.uniform(1, 52, 1200)
    rooms, people = draw.normal(5.4, 1, 1200), draw.gamma(5, 250, 1200)
    north, west = draw.uniform(33, 41, 1200), draw.uniform(-124, -115, 1200)
    coast = np.exp(-((west + 124 - 0.9 * (41 - north)) ** 2) / 3)
    dollars = 60000 + 38000 * income * (0.4 + coast) + 900 * age + 9000 * rooms + draw.normal(0, 15000, 1200)
    table = floats(np.stack([income, age, rooms, people, north, west], 1))
    flagged = torch.cat([table, torch.ones(1200, 1)], 1)
    ranged = (flagged - flagged.amin(0)) / (flagged.amax(0) - flagged.amin(0))
    sound = Program(
        name="district",
        inputs=standard(table),
        targets=standard(column(dollars)),
        model=dense(6, 64, 64, 1),
        loss=nn.MSELoss(),
        optimizer=sgd(0.02, momentum=0.9),
        score=explained,
        steps=900,
        held_out=True,
    )
    return sound, (
        Fault(
            "dollars, Adam",
            ("target_scaling",),
            lambda p: p.but(targets=column(dollars), optimizer=adam(1e-3)),
            UNSCALED,
        ),
        Fault(
            "a column that is the same everywhere, divided by its range",
            ("data", "input_scaling"),
            lambda p: p.but(inputs=ranged, model=dense(7, 64, 64, 1)),
            FORUM,
        ),
        Fault(
            "the same epochs over the whole data at once",
            ("batch_size", "steps"),
            lambda p: p.but(batch=1200, steps=25, optimizer=sgd(0.02)),
            DEEPCRIME,
        ),
        Fault(
            "the loss summed over the batch",
            ("loss", "learning_rate"),
            lambda p: p.but(loss=nn.MSELoss(reduction="sum")),
            FORUM,
        ),
        Fault("momentum of .999", ("optimizer",), lambda p: p.but(optimizer=sgd(0.02, momentum=0.999)), DEEPCRIME),
        Fault(
            "a vector of prices for a column of outputs",
            ("wiring", "labels"),
            lambda p: p.but(targets=p.targets[:, 0]),
            FORUM,
        ),
    )


def claims() -> tuple[Program, tuple[Fault, ...]]:
    """Which claims to check: one in 16; positives weigh 15 times as much."""
    draw = np.random.default_rng(703)
    table = draw.normal(size=(1600, 8))
    table[:, 0] = np.exp(9 + table[:, 0])
    risk = np.log(table[:, 0]) - 9 + table[:, 1] * table[:, 2] + np.sin(2 * table[:, 3]) + draw.normal(0, 0.4, 1600)
    odd = column(risk > np.quantile(risk, 15 / 16))
    amounts = floats(table)
    order = odd[:, 0].argsort(stable=True)
    sound = Program(
        name="claims",
        inputs=standard(torch.cat([amounts[:, :1].log(), amounts[:, 1:]], 1)),
        targets=odd,
        model=dense(8, 32, 32, 1),
        loss=nn.BCEWithLogitsLoss(pos_weight=torch.tensor(15.0)),
        optimizer=adam(5e-3),
        score=told_apart(0.0),
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "positives weigh a fifteenth",
            ("loss",),
            lambda p: p.but(loss=nn.BCEWithLogitsLoss(pos_weight=torch.tensor(1 / 15))),
            RARE,
        ),
        Fault("absolute error of a sigmoid", ("loss",), _absolute, FORUM),
        Fault(
            "amounts in cents, SGD",
            ("input_scaling",),
            lambda p: p.but(inputs=amounts * torch.tensor([100.0] + [1.0] * 7), optimizer=sgd(0.1)),
            FORUM,
        ),
        Fault(
            "all positives at the end, never shuffled",
            ("data",),
            lambda p: p.but(inputs=p.inputs[order], targets=odd[order], shuffles=False, optimizer=sgd(0.3)),
            ONE_CLASS,
        ),
        Fault(
            "no hidden layer",
            ("architecture",),
            lambda p: p.but(model=dense(8, 1)),
            DEEPCRIME,
        ),
        Fault(
            "rate falls by a tenth each step",
            ("schedule",),
            lambda p: p.but(decay_each_step=0.9, optimizer=adam(3e-3)),
            FORUM,
        ),
    )


def _absolute(program: Program) -> Program:
    return program.but(
        model=dense(8, 32, 32, 1, last=nn.Sigmoid), loss=nn.L1Loss(), score=told_apart(0.5), optimizer=adam(5e-3)
    )


def _normed(*, momentum: float = 0.1, last: bool = False) -> Model:
    """Linear layers with batch norms."""
    return lambda: nn.Sequential(
        nn.Linear(12, 24),
        nn.BatchNorm1d(24, momentum=momentum),
        nn.ReLU(),
        nn.Linear(24, 24),
        nn.BatchNorm1d(24, momentum=momentum),
        nn.ReLU(),
        nn.Linear(24, 4),
        *([nn.BatchNorm1d(4, affine=False), nn.Softmax(1)] if last else []),
    )


def strains() -> tuple[Program, tuple[Fault, ...]]:
    """Which of four strains a plant is of, from twelve measures; batch norms and cross entropy."""
    draw = np.random.default_rng(704)
    kinds = draw.integers(4, size=1000)
    centres = draw.normal(size=(4, 2, 12)) * 1.2
    measures = centres[kinds, draw.integers(2, size=1000)] + draw.normal(size=(1000, 12)) * 0.8
    inputs, labels = floats(measures * np.exp(draw.normal(size=12)) + 4), torch.tensor(kinds)
    sound = Program(
        name="strains",
        inputs=inputs,
        targets=labels,
        model=_normed(),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(5e-3),
        score=classified,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault("batches of two", ("batch_size", "normalization"), lambda p: p.but(batch=2), FORUM),
        Fault(
            "momentum of the norms nearly zero",
            ("normalization",),
            lambda p: p.but(model=_normed(momentum=1e-3)),
            MOMENTUM,
        ),
        Fault(
            "always in evaluation mode, measures 30 times as large, SGD",
            ("wiring", "normalization", "input_scaling"),
            lambda p: p.but(evaluates=True, inputs=inputs * 30, optimizer=sgd(0.1)),
            FORUM,
        ),
        Fault(
            "strains numbered anew in each file of 50",
            ("labels", "data"),
            lambda p: p.but(targets=(labels + torch.arange(1000) // 50) % 4, truth=labels),
            FORUM,
        ),
        Fault(
            "softmax and NLLLoss without a logarithm, SGD at .01",
            ("output_activation", "loss", "learning_rate"),
            lambda p: p.but(model=_normed(last=True), loss=nn.NLLLoss(), optimizer=sgd(0.01)),
            FORUM,
        ),
    )


def allergens() -> tuple[Program, tuple[Fault, ...]]:
    """Which of five allergens a dish has, from what is in it."""
    draw = np.random.default_rng(705)
    dishes = (draw.random((1200, 30)) < 0.2).astype(float)
    parts = draw.random((30, 5)) < 0.12
    found = floats((dishes @ parts) > 0)
    sound = Program(
        name="allergens",
        inputs=floats(dishes),
        targets=found,
        model=dense(30, 48, 5),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(1e-2),
        score=told_apart(0.0),
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "softmax at the end, binary cross entropy",
            ("output_activation",),
            lambda p: p.but(
                model=dense(30, 48, 5, last=lambda: nn.Softmax(1)), loss=nn.BCELoss(), score=told_apart(0.5)
            ),
            FORUM,
        ),
        Fault(
            "allergens of a dish sorted",
            ("labels", "data"),
            lambda p: p.but(targets=found.sort(1).values, truth=found),
            FORUM,
        ),
        Fault("SGD at 1e-3", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-3)), FORUM),
        Fault("one hidden unit", ("architecture",), lambda p: p.but(model=dense(30, 1, 5)), DEEPCRIME),
        Fault(
            "dishes shuffled apart from their allergens",
            ("labels", "data"),
            lambda p: p.but(inputs=p.inputs, targets=shuffled(found), truth=found),
            DEEPCRIME,
        ),
        Fault(
            "weights of deviation 1 and rate .3",
            ("initialization", "learning_rate"),
            lambda p: p.but(model=initialized(dense(30, 48, 48, 5), large), optimizer=adam(0.3)),
            DEEPCRIME,
        ),
    )
