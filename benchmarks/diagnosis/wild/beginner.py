"""Programs of beginners, after their questions: small functions, small tables, two layers."""

from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import load_digits, load_iris, make_classification
from torch import Tensor, nn

from .parts import adam, classified, dense, explained, initialized, sgd, shuffled, standard, told_apart
from .program import Fault, Model, Program

QUESTION = "stackoverflow.com and stats.stackexchange.com, many times"


def _filled(value: float, build: Model) -> Model:
    """The same model with one number in all weights, and no biases to speak of."""

    def built() -> nn.Module:
        model = build()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(value if parameter.dim() > 1 else 0.0)
        return model

    return built


def xor() -> tuple[Program, tuple[Fault, ...]]:
    """Exclusive or: four rows, all in each batch."""
    sound = Program(
        name="xor",
        inputs=torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
        targets=torch.tensor([[0.0], [1.0], [1.0], [0.0]]),
        model=dense(2, 8, 1, hidden=nn.Tanh, last=nn.Sigmoid),
        loss=nn.BCELoss(),
        optimizer=adam(0.05),
        score=told_apart(0.5),
        steps=400,
        batch=4,
    )
    return sound, (
        Fault(
            "two linear layers with nothing between them",
            ("hidden_activation", "architecture"),
            lambda p: p.but(model=dense(2, 8, 1, hidden=None, last=nn.Sigmoid)),
            "discuss.pytorch.org/t/13287",
        ),
        Fault(
            "sigmoids, squared error, weights from 0 to 1, SGD with rate .01",
            ("learning_rate", "optimizer", "steps"),
            lambda p: p.but(
                model=initialized(dense(2, 4, 1, hidden=nn.Sigmoid, last=nn.Sigmoid), nn.init.uniform_),
                loss=nn.MSELoss(),
                optimizer=sgd(0.01),
                steps=1000,
            ),
            "discuss.pytorch.org/t/98714",
        ),
        Fault(
            "weights and biases of zero",
            ("initialization",),
            lambda p: p.but(model=_filled(0.0, p.model)),
            QUESTION,
        ),
    )


def parabola() -> tuple[Program, tuple[Fault, ...]]:
    """A quadratic function of one number: mean squared error."""
    places = torch.linspace(30, 50, 201)[:, None]
    sound = Program(
        name="parabola",
        inputs=standard(places),
        targets=places**2 / 64 - 5 * places / 4 + 25,
        model=dense(1, 64, 64, 1),
        loss=nn.MSELoss(),
        optimizer=adam(1e-2),
        score=explained,
    )
    return sound, (
        Fault(
            "places of 30 to 50, summed absolute error, Adam with rate 1e-5",
            ("input_scaling", "learning_rate"),
            lambda p: p.but(
                inputs=places,
                model=dense(1, 200, 200, 200, 1),
                loss=nn.L1Loss(reduction="sum"),
                optimizer=adam(1e-5),
                batch=201,
                steps=200,
            ),
            "discuss.pytorch.org, 'Failing to learn a quadratic function', 2020",
        ),
        Fault(
            "SGD with rate .001",
            ("learning_rate", "optimizer", "steps"),
            lambda p: p.but(model=dense(1, 16, 16, 1), optimizer=sgd(1e-3)),
            "stats.stackexchange.com/q/280372",
        ),
        Fault(
            "numbers squared from 1 to 4000, neither side scaled",
            ("target_scaling", "input_scaling"),
            lambda p: p.but(
                inputs=torch.linspace(1, 4000, 400)[:, None],
                targets=torch.linspace(1, 4000, 400)[:, None] ** 2,
                optimizer=adam(1e-3),
            ),
            "discuss.pytorch.org/t/96648",
        ),
    )


def sine() -> tuple[Program, tuple[Fault, ...]]:
    """Two periods of a sine: tanh layers, mean squared error."""
    angles = torch.linspace(-6.3, 6.3, 400)[:, None]
    sound = Program(
        name="sine",
        inputs=angles / 3,
        targets=angles.sin(),
        model=dense(1, 64, 64, 1, hidden=nn.Tanh),
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=1000,
        batch=64,
    )
    return sound, (
        Fault(
            "places of 0 to 1000",
            ("input_scaling",),
            lambda p: p.but(inputs=torch.linspace(0, 1000, 400)[:, None]),
            "stackoverflow.com/q/46995209",
        ),
        Fault(
            "summed error, SGD with rate 4e-7",
            ("learning_rate", "optimizer"),
            lambda p: p.but(loss=nn.MSELoss(reduction="sum"), optimizer=sgd(4e-7)),
            "stats.stackexchange.com/q/320289",
        ),
        Fault(
            "two hidden units",
            ("architecture",),
            lambda p: p.but(model=dense(1, 2, 1, hidden=nn.Tanh)),
            QUESTION,
        ),
        Fault(
            "ReLU at the end",
            ("output_activation",),
            lambda p: p.but(model=dense(1, 64, 64, 1, hidden=nn.Tanh, last=nn.ReLU)),
            QUESTION,
        ),
    )


def heat() -> tuple[Program, tuple[Fault, ...]]:
    """A bowl over two numbers: mean squared error."""
    draw = torch.Generator().manual_seed(11)
    places = torch.rand(850, 2, generator=draw)
    heights = (places**2).sum(1, keepdim=True)
    gaps = places.clone()
    gaps[torch.randperm(850, generator=draw)[:6], 1] = torch.nan
    sound = Program(
        name="heat",
        inputs=places,
        targets=heights,
        model=dense(2, 20, 10, 1),
        loss=nn.MSELoss(),
        optimizer=adam(1e-2),
        score=explained,
    )
    return sound, (
        Fault(
            "targets without their second axis",
            ("loss", "data", "wiring"),
            lambda p: p.but(targets=p.targets[:, 0]),
            "datascience.stackexchange.com/q/115368",
        ),
        Fault("six measurements missing", ("data",), lambda p: p.but(inputs=gaps), QUESTION),
        Fault(
            "sigmoid at the end, heights of 0 to 200",
            ("output_activation", "target_scaling"),
            lambda p: p.but(targets=100 * p.targets, model=dense(2, 20, 10, 1, last=nn.Sigmoid)),
            QUESTION,
        ),
    )


def line() -> tuple[Program, tuple[Fault, ...]]:
    """A straight line: one linear layer."""
    places = torch.linspace(0, 100, 300)[:, None]
    values = 2 * standard(places) + 1 + 0.1 * torch.randn(300, 1, generator=torch.Generator().manual_seed(12))
    sound = Program(
        name="line",
        inputs=standard(places),
        targets=values,
        model=dense(1, 1),
        loss=nn.MSELoss(),
        optimizer=sgd(0.05),
        score=explained,
        steps=300,
        batch=30,
    )
    return sound, (
        Fault(
            "places of 0 to 100 at the same rate",
            ("input_scaling", "learning_rate"),
            lambda p: p.but(inputs=places),
            "stats.stackexchange.com/q/594738",
        ),
        Fault(
            "gradients never cleared",
            ("wiring",),
            lambda p: p.but(clears=False, optimizer=sgd(0.05, momentum=0.9)),
            "ethanrosenthal.com, 2017",
        ),
        Fault(
            "ReLU after the only layer",
            ("output_activation",),
            lambda p: p.but(model=dense(1, 1, last=nn.ReLU), targets=p.targets - 2),
            QUESTION,
        ),
    )


def iris() -> tuple[Program, tuple[Fault, ...]]:
    """Which of three flowers: raw columns, cross entropy."""
    found = load_iris()
    columns, kinds = torch.tensor(found.data, dtype=torch.float32), torch.tensor(found.target)
    hot = nn.functional.one_hot(kinds, 3).float()
    sound = Program(
        name="iris",
        inputs=columns,
        targets=kinds,
        model=dense(4, 16, 3),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=classified,
        steps=400,
        batch=15,
    )
    return sound, (
        Fault(
            "softmax and squared error, SGD with rate .001",
            ("loss", "learning_rate", "optimizer"),
            lambda p: p.but(
                targets=hot,
                truth=kinds,
                loss=nn.MSELoss(),
                model=dense(4, 16, 3, last=lambda: nn.Softmax(1)),
                optimizer=sgd(1e-3),
            ),
            QUESTION,
        ),
        Fault(
            "likelihood of probabilities without their log, SGD with rate .001",
            ("loss", "output_activation", "learning_rate"),
            lambda p: p.but(loss=nn.NLLLoss(), model=dense(4, 16, 3, last=lambda: nn.Softmax(1)), optimizer=sgd(1e-3)),
            QUESTION,
        ),
        Fault(
            "every label 0, as no name of a species matched",
            ("labels", "data"),
            lambda p: p.but(targets=torch.zeros_like(kinds), truth=kinds),
            QUESTION,
        ),
        Fault(
            "rows shuffled, labels not",
            ("labels", "data"),
            lambda p: p.but(inputs=shuffled(columns), truth=shuffled(kinds)),
            QUESTION,
        ),
        Fault("five epochs", ("steps", "learning_rate"), lambda p: p.but(steps=50, optimizer=adam(1e-3)), QUESTION),
    )


def gender() -> tuple[Program, tuple[Fault, ...]]:
    """A person's sex from height and weight: binary cross entropy on logits."""
    draw = np.random.default_rng(13)
    sexes = draw.integers(2, size=800)
    heights = 164 + 14 * sexes + 6 * draw.normal(size=800)
    weights = 0.9 * (heights - 100) - 4 + 6 * sexes + 5 * draw.normal(size=800)
    people = torch.tensor(np.stack([heights, weights], 1), dtype=torch.float32)
    answers = torch.tensor(sexes, dtype=torch.float32)[:, None]
    sound = Program(
        name="gender",
        inputs=standard(people),
        targets=answers,
        model=dense(2, 8, 1),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=sgd(0.1, momentum=0.9),
        score=told_apart(0.0),
        steps=400,
        batch=40,
    )
    return sound, (
        Fault(
            "centimetres and kilograms into sigmoids",
            ("input_scaling",),
            lambda p: p.but(inputs=people, model=dense(2, 8, 1, hidden=nn.Sigmoid)),
            "w3toppers.com, 'same network structure, simpler data'",
        ),
        Fault(
            "softmax over one unit",
            ("output_activation",),
            lambda p: p.but(model=dense(2, 8, 1, last=lambda: nn.Softmax(1)), loss=nn.BCELoss(), score=told_apart(0.5)),
            "github.com/keras-team/keras/issues/13006",
        ),
        Fault("cross entropy over one unit", ("loss",), lambda p: p.but(loss=nn.CrossEntropyLoss()), QUESTION),
        Fault(
            "the optimizer holds a model made before",
            ("wiring",),
            lambda p: p.but(optimizer=lambda _: sgd(0.1, momentum=0.9)(dense(2, 8, 1)())),
            "discuss.pytorch.org, many times",
        ),
    )


def houses() -> tuple[Program, tuple[Fault, ...]]:
    """What a house costs, by its area, year, rooms and way to town: a smooth absolute error."""
    draw = np.random.default_rng(14)
    area, year = draw.gamma(6, 300, 1200), draw.integers(1900, 2021, 1200)
    rooms, way, heated = draw.integers(1, 8, 1200), draw.exponential(12, 1200), np.ones(1200)
    costs = 150 * area * np.exp(-way / 30) + 900 * (year - 1900) + 12_000 * rooms + 15_000 * draw.normal(size=1200)
    raw = torch.tensor(np.stack([area, year, rooms, way], 1), dtype=torch.float32)
    dollars = torch.tensor(costs, dtype=torch.float32)[:, None]
    all_heated = torch.cat([raw, torch.tensor(heated, dtype=torch.float32)[:, None]], 1)
    sound = Program(
        name="houses",
        inputs=standard(raw),
        targets=standard(dollars),
        model=dense(4, 64, 32, 1),
        loss=nn.SmoothL1Loss(),
        optimizer=lambda model: torch.optim.RMSprop(model.parameters(), lr=1e-3),
        score=explained,
    )
    return sound, (
        Fault(
            "raw columns and dollars, squared error, SGD with rate .01",
            ("input_scaling", "target_scaling", "learning_rate"),
            lambda p: p.but(inputs=raw, targets=dollars, loss=nn.MSELoss(), optimizer=sgd(0.01)),
            "syntaxbug.com/d1e7d3ba69",
        ),
        Fault(
            "a constant column divided by its deviation",
            ("data", "input_scaling"),
            lambda p: p.but(inputs=standard(all_heated), model=dense(5, 64, 32, 1)),
            QUESTION,
        ),
        Fault(
            "costs in dollars",
            ("target_scaling",),
            lambda p: p.but(targets=dollars, loss=nn.MSELoss(), optimizer=adam(1e-3)),
            "stats.stackexchange.com/q/409000",
        ),
        Fault(
            "dropout of .9 twice",
            ("regularization",),
            lambda p: p.but(
                model=lambda: nn.Sequential(
                    *(nn.Linear(4, 64), nn.ReLU(), nn.Dropout(0.9)),
                    *(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.9)),
                    nn.Linear(32, 1),
                )
            ),
            QUESTION,
        ),
    )


def spiral() -> tuple[Program, tuple[Fault, ...]]:
    """Three arms of a spiral: all rows in each batch, cross entropy."""
    draw = np.random.default_rng(15)
    radius = np.tile(np.linspace(0.05, 1, 100), 3)
    arms = np.repeat(np.arange(3), 100)
    angle = 4 * radius + 2.1 * arms + 0.15 * draw.normal(size=300)
    points = torch.tensor(np.stack([radius * np.sin(angle), radius * np.cos(angle)], 1), dtype=torch.float32)
    sound = Program(
        name="spiral",
        inputs=points,
        targets=torch.tensor(arms),
        model=dense(2, 100, 3),
        loss=nn.CrossEntropyLoss(),
        optimizer=sgd(0.5, momentum=0.9),
        score=classified,
        steps=500,
        batch=300,
    )
    return sound, (
        Fault("one linear layer", ("architecture", "hidden_activation"), lambda p: p.but(model=dense(2, 3)), QUESTION),
        Fault(
            "decay of .1",
            ("regularization",),
            lambda p: p.but(optimizer=sgd(0.5, momentum=0.9, decay=0.1)),
            QUESTION,
        ),
        Fault(
            "all weights alike",
            ("initialization",),
            lambda p: p.but(model=_filled(0.1, p.model)),
            QUESTION,
        ),
        Fault(
            "batches of one",
            ("batch_size", "learning_rate"),
            lambda p: p.but(batch=1, steps=900),
            QUESTION,
        ),
    )


class _Layers(nn.Module):
    """Hidden layers in a list of Python's or of torch's; perhaps no gradient passes through them."""

    def __init__(self, *, depth: int = 3, registered: bool = True, frozen: bool = False) -> None:
        super().__init__()
        sizes = [64, *[48] * depth]
        layers = [nn.Linear(before, after) for before, after in pairwise(sizes)]
        self.layers = nn.ModuleList(layers) if registered else layers
        self.head = nn.Linear(48, 10)
        self.frozen = frozen

    def forward(self, values: Tensor) -> Tensor:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            for layer in self.layers:
                values = layer(values).relu()
        return self.head(values).log_softmax(1)


def numbers() -> tuple[Program, tuple[Fault, ...]]:
    """Handwritten digits by fully connected layers: log softmax and negative log likelihood."""
    found = load_digits()
    pixels = torch.tensor(found.data, dtype=torch.float32) / 16
    sound = Program(
        name="numbers",
        inputs=pixels,
        targets=torch.tensor(found.target),
        model=_Layers,
        loss=nn.NLLLoss(),
        optimizer=sgd(0.1, momentum=0.9),
        score=classified,
        steps=500,
    )
    return sound, (
        Fault(
            "eight layers in a list of Python's",
            ("wiring",),
            lambda p: p.but(model=lambda: _Layers(depth=8, registered=False)),
            "engineermaxxing.com, pytorch-internals",
        ),
        Fault(
            "gradients cleared between the backward pass and the step",
            ("wiring",),
            lambda p: p.but(clears_late=True),
            "discuss.pytorch.org, many times",
        ),
        Fault(
            "eight layers under no_grad",
            ("wiring",),
            lambda p: p.but(model=lambda: _Layers(depth=8, frozen=True)),
            "discuss.pytorch.org, many times",
        ),
        Fault(
            "eight layers, weights of .01",
            ("initialization", "architecture"),
            lambda p: p.but(model=initialized(lambda: _Layers(depth=8), lambda w: nn.init.normal_(w, std=0.01))),
            "discuss.pytorch.org, many times",
        ),
        Fault(
            "the schedule of an epoch stepped after each batch",
            ("schedule",),
            lambda p: p.but(decay_each_step=0.7, optimizer=sgd(0.1)),
            "github.com/ivadomed/ivadomed/pull/55",
        ),
        Fault(
            "half precision and Adam",
            ("precision",),
            lambda p: p.but(inputs=pixels.half(), model=lambda: _Layers().half(), optimizer=adam(1e-3)),
            "discuss.pytorch.org/t/1765",
        ),
    )


def fraud() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a payment is a fraud, which three of a hundred are: weighted binary cross entropy."""
    rows, labels = make_classification(
        3000, 12, n_informative=6, weights=[0.97], class_sep=1.3, flip_y=0.0, random_state=16
    )
    columns = standard(torch.tensor(rows, dtype=torch.float32))
    answers = torch.tensor(labels, dtype=torch.float32)[:, None]
    sound = Program(
        name="fraud",
        inputs=columns,
        targets=answers,
        model=dense(12, 32, 16, 1),
        loss=nn.BCEWithLogitsLoss(pos_weight=torch.tensor([30.0])),
        optimizer=adam(2e-3),
        score=told_apart(0.0),
        batch=64,
    )
    cents = columns.clone()
    cents[:, 0] = 1e5 * (2 + columns[:, 0])
    return sound, (
        Fault(
            "no weight for the rare class, 150 steps",
            ("loss", "steps", "data"),
            lambda p: p.but(loss=nn.BCEWithLogitsLoss(), steps=150, optimizer=adam(1e-3)),
            "codemia.io, 'Keras accuracy does not change'",
        ),
        Fault(
            "amounts in cents",
            ("input_scaling",),
            lambda p: p.but(inputs=cents),
            QUESTION,
        ),
        Fault(
            "SGD with rate 1e-5",
            ("learning_rate", "optimizer"),
            lambda p: p.but(optimizer=sgd(1e-5)),
            QUESTION,
        ),
    )
