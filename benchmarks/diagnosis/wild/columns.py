"""Ordinary programs over tables: fuel, customers, wages, things in a scene, a student that learns from a teacher.

They were written by a sixth author, who had read neither the rules nor what they find in the other programs. Each
fault was checked in plain PyTorch, with two seeds: the score falls, and without the fault the network learns. The kinds
of a fault are the parts that were changed. They were fixed before any diagnosis.
"""

import numpy as np
import torch
from torch import Tensor, nn

from .parts import (
    DEEPCRIME,
    FORUM,
    Apply,
    adam,
    classified,
    column,
    dense,
    explained,
    floats,
    sgd,
    standard,
    told_apart,
)
from .program import Fault, Model, Program

NANS = "github.com/Nixtla/neuralforecast/issues/186"
PER_BATCH = "github.com/Lornatang/SRGAN-PyTorch/issues/1"
KEEP = "github.com/bonlime/keras-deeplab-v3-plus/issues/4"
SHAPES = "github.com/pytorch/pytorch/issues/16045"
POSITIVE = "github.com/open-mmlab/mmpretrain/issues/434"
LOGARITHMS = "github.com/sebastian-hofstaetter/matchmaker/issues/18"


def cars() -> tuple[Program, tuple[Fault, ...]]:
    """Miles per gallon by cylinders, displacement, horsepower, weight, acceleration, model year."""
    draw = np.random.default_rng(601)
    cylinders = draw.choice([4.0, 6.0, 8.0], 800, p=[0.5, 0.25, 0.25])
    displacement = cylinders * draw.normal(37, 5, 800)
    horsepower = displacement * draw.normal(0.5, 0.06, 800) + 20
    weight = 1400 + 8 * displacement + draw.normal(0, 250, 800)
    seconds, year = 30 - horsepower * 0.1 + draw.normal(0, 1.5, 800), draw.integers(70, 83, 800)
    miles = 42000 / weight + 0.5 * (year - 76) + 0.004 * (seconds - 15) ** 2 * (year - 70) + draw.normal(0, 0.8, 800)
    table = floats(np.stack([cylinders, displacement, horsepower, weight, seconds, year], 1))
    unknown = table.clone()
    unknown[::130, 2] = torch.nan
    sound = Program(
        name="cars",
        inputs=standard(table),
        targets=column(miles),
        model=dense(6, 64, 64, 1),
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=800,
        held_out=True,
    )
    return sound, (
        Fault(
            "a vector of targets for a column of outputs",
            ("wiring", "labels"),
            lambda p: p.but(targets=p.targets[:, 0]),
            SHAPES,
        ),
        Fault(
            "pounds and cubic inches as they are, SGD with rate .01",
            ("input_scaling",),
            lambda p: p.but(inputs=table, optimizer=sgd(0.01)),
            FORUM,
        ),
        Fault(
            "horsepower unknown in seven rows",
            ("data",),
            lambda p: p.but(inputs=(unknown - table.mean(0)) / table.std(0)),
            NANS,
        ),
        Fault("Adam with rate 1e-5", ("learning_rate",), lambda p: p.but(optimizer=adam(1e-5)), DEEPCRIME),
        Fault(
            "sigmoid at the end",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=dense(6, 64, 64, 1, last=nn.Sigmoid)),
            FORUM,
        ),
    )


def customers() -> tuple[Program, tuple[Fault, ...]]:
    """Which bank customers leave: credit score, age, tenure, balance, products, salary."""
    draw = np.random.default_rng(602)
    credit, age, tenure = draw.normal(650, 96, 1600), draw.gamma(9, 4.3, 1600) + 5, draw.integers(0, 11, 1600)
    balance, products = draw.normal(120000, 30000, 1600) * (draw.uniform(size=1600) < 0.6), draw.integers(1, 5, 1600)
    salary = draw.uniform(0, 200000, 1600)
    risk = ((age - 45) / 8) - 2.2 * (products == 2) + 2.5 * (products > 2) + balance / 9e4 - 0.05 * tenure
    left = column(risk + draw.normal(0, 0.25, 1600) > np.quantile(risk, 0.75))
    table = floats(np.stack([credit, age, tenure, balance, products, salary], 1))
    sound = Program(
        name="customers",
        inputs=standard(table),
        targets=left,
        model=dense(6, 64, 32, 1),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(3e-3),
        score=told_apart(0.0),
        steps=700,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "sigmoid before a loss that takes logits",
            ("output_activation", "loss"),
            lambda p: p.but(model=dense(6, 64, 32, 1, last=nn.Sigmoid)),
            FORUM,
        ),
        Fault("cross entropy over the one output", ("loss",), lambda p: p.but(loss=nn.CrossEntropyLoss()), FORUM),
        Fault(
            "the answer standardized with the other columns",
            ("labels", "target_scaling"),
            lambda p: p.but(targets=standard(left), truth=left),
            "discuss.pytorch.org, the loss of BCEWithLogitsLoss is negative",
        ),
        Fault(
            "half precision under Adam",
            ("precision",),
            lambda p: p.but(model=_halved(p.model)),
            "discuss.pytorch.org, Adam gives NaN with half precision",
        ),
        Fault("decay of .5", ("regularization",), lambda p: p.but(optimizer=adam(3e-3, decay=0.5)), DEEPCRIME),
    )


def _halved(build: Model) -> Model:
    """The same model in half precision; its inputs and outputs are in single."""
    return lambda: nn.Sequential(Apply(Tensor.half), build().half(), Apply(Tensor.float))


def wages() -> tuple[Program, tuple[Fault, ...]]:
    """What people earn in a year, in dollars, by schooling, experience, hours, and where they live."""
    draw = np.random.default_rng(603)
    school, worked, hours = draw.integers(8, 21, 1500), draw.uniform(0, 40, 1500), draw.normal(40, 7, 1500)
    towns = draw.integers(4, size=1500)
    rate = np.exp(1.2 + 0.1 * school + 0.05 * worked - 0.0009 * worked**2) * np.array([1, 1.3, 0.8, 1.1])[towns]
    dollars = column(rate * hours * 50 * np.exp(draw.normal(0, 0.05, 1500)))
    numbers = standard(floats(np.stack([school, worked, hours], 1)))
    sound = Program(
        name="wages",
        inputs=torch.cat([numbers, nn.functional.one_hot(torch.tensor(towns), 4).float()], 1),
        targets=standard(dollars),
        model=_rested(0.0),
        loss=nn.SmoothL1Loss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=700,
        held_out=True,
    )
    return sound, (
        Fault(
            "dollars as they are, SGD",
            ("target_scaling",),
            lambda p: p.but(targets=dollars, optimizer=sgd(0.05)),
            FORUM,
        ),
        Fault(
            "schedule of epochs stepped after each batch",
            ("schedule",),
            lambda p: p.but(decay_each_step=0.9),
            PER_BATCH,
        ),
        Fault("dropout of what should be kept", ("regularization",), lambda p: p.but(model=_rested(0.9)), KEEP),
        Fault(
            "gradients clipped to 1e-3 under SGD",
            ("clipping",),
            lambda p: p.but(clip=1e-3, optimizer=sgd(0.05)),
            "discuss.pytorch.org, which value for clip_grad_norm_",
        ),
        Fault(
            "ReLU at the end, wages around zero",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=_rested(0.0, last=nn.ReLU)),
            FORUM,
        ),
    )


def _rested(dropout: float, *, last: type[nn.Module] | None = None) -> Model:
    """Three linear layers with dropout after each ReLU."""
    return lambda: nn.Sequential(
        *(nn.Linear(7, 64), nn.ReLU(), nn.Dropout(dropout)),
        *(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(dropout)),
        nn.Linear(64, 1),
        *([last()] if last else []),
    )


def scenes() -> tuple[Program, tuple[Fault, ...]]:
    """Which of six things are in a photograph, by 40 colours and edges of it; most photographs have one or two."""
    draw = np.random.default_rng(604)
    features = draw.normal(size=(1500, 40))
    scores = np.tanh(features @ draw.normal(size=(40, 16)) / 4) @ draw.normal(size=(16, 6))
    there = floats(scores > np.quantile(scores, 0.75, axis=0))
    sound = Program(
        name="scenes",
        inputs=floats(features),
        targets=there,
        model=dense(40, 64, 6),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(5e-3),
        score=told_apart(0.0),
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "softmax over labels that exclude nothing",
            ("output_activation",),
            lambda p: p.but(
                model=dense(40, 64, 6, last=lambda: nn.Softmax(1)), loss=nn.BCELoss(), score=told_apart(0.5)
            ),
            "stackoverflow.com/questions/44164749",
        ),
        Fault("cross entropy over several labels", ("loss",), lambda p: p.but(loss=nn.CrossEntropyLoss()), FORUM),
        Fault(
            "positives weighted by their fraction",
            ("loss",),
            lambda p: p.but(loss=nn.BCEWithLogitsLoss(pos_weight=there.mean(0) ** 2)),
            POSITIVE,
        ),
        Fault("labels of -1 and 1", ("labels",), lambda p: p.but(targets=2 * there - 1, truth=there), FORUM),
        Fault("SGD with the rate of Adam", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(5e-3)), FORUM),
        Fault(
            "gradients cleared between the backward pass and the step",
            ("wiring",),
            lambda p: p.but(clears_late=True),
            "discuss.pytorch.org, where to put optimizer.zero_grad",
        ),
    )


def student() -> tuple[Program, tuple[Fault, ...]]:
    """A small network that learns the probabilities of a larger one over eight classes."""
    draw = np.random.default_rng(605)
    inputs = floats(draw.normal(size=(1600, 12)))
    taught = torch.tanh(inputs @ floats(draw.normal(size=(12, 24)) / 3)) @ floats(draw.normal(size=(24, 8)))
    likely, classes = taught.softmax(1), taught.argmax(1)

    def built(last: nn.Module) -> Model:
        return lambda: nn.Sequential(dense(12, 96, 96, 8)(), last)

    sound = Program(
        name="student",
        inputs=inputs,
        targets=likely,
        truth=classes,
        model=built(nn.LogSoftmax(1)),
        loss=nn.KLDivLoss(reduction="batchmean"),
        optimizer=adam(3e-3),
        score=classified,
        steps=700,
        held_out=True,
    )
    return sound, (
        Fault(
            "probabilities where the loss takes their logarithms",
            ("output_activation", "loss"),
            lambda p: p.but(model=built(nn.Softmax(1))),
            LOGARITHMS,
        ),
        Fault(
            "logits of the teacher for its probabilities",
            ("labels",),
            lambda p: p.but(targets=taught),
            "github.com/pytorch/pytorch/issues/60928",
        ),
        Fault(
            "layers of two units",
            ("architecture",),
            lambda p: p.but(model=lambda: nn.Sequential(dense(12, 2, 2, 8)(), nn.LogSoftmax(1))),
            DEEPCRIME,
        ),
        Fault(
            "eight sigmoid layers",
            ("hidden_activation", "initialization", "architecture"),
            lambda p: p.but(
                model=lambda: nn.Sequential(dense(12, *[48] * 8, 8, hidden=nn.Sigmoid)(), nn.LogSoftmax(1))
            ),
            FORUM,
        ),
    )
