"""Programs on tables: churn, prices, wines, tumours, tags."""

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_wine, make_classification, make_friedman1
from torch import Tensor, nn

from .parts import (
    DEEPCRIME,
    FORUM,
    Apply,
    adam,
    classified,
    dense,
    explained,
    initialized,
    large,
    sgd,
    shuffled,
    tiny,
    told_apart,
    zeros,
)
from .program import Fault, Program


def _tensor(values: object) -> Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.float32)


def _standard(values: Tensor) -> Tensor:
    return (values - values.mean(0)) / values.std(0).clamp_min(1e-6)


def churn() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a customer leaves: binary cross entropy on a sigmoid."""
    rows, labels = make_classification(1500, 20, n_informative=10, class_sep=1.2, random_state=1)
    columns = _standard(_tensor(rows))
    answers = _tensor(labels)[:, None]
    sound = Program(
        name="churn",
        inputs=columns,
        targets=answers,
        model=dense(20, 64, 32, 1, last=nn.Sigmoid),
        loss=nn.BCELoss(),
        optimizer=adam(1e-3),
        score=told_apart(0.5),
    )
    money = columns * torch.logspace(0, 5, 20) + 50.0
    return sound, (
        Fault("columns in their own units", ("input_scaling",), lambda p: p.but(inputs=money), FORUM),
        Fault("rate times 300", ("learning_rate",), lambda p: p.but(optimizer=adam(0.3)), DEEPCRIME),
        Fault(
            "rate over 1000",
            ("learning_rate", "steps"),
            lambda p: p.but(optimizer=adam(1e-6)),
            DEEPCRIME,
        ),
        Fault(
            "softmax over one unit",
            ("output_activation",),
            lambda p: p.but(model=dense(20, 64, 32, 1, last=lambda: nn.Softmax(1))),
            FORUM,
        ),
        Fault(
            "ReLU before the loss",
            ("output_activation",),
            lambda p: p.but(model=dense(20, 64, 32, 1, last=lambda: Apply(lambda v: v.relu().clamp(max=1.0)))),
            FORUM,
        ),
        Fault("eight steps", ("steps",), lambda p: p.but(steps=12), DEEPCRIME),
        Fault("weights of zero", ("initialization",), lambda p: p.but(model=initialized(p.model, zeros)), DEEPCRIME),
        Fault(
            "weights of one deviation, ten layers",
            ("initialization",),
            lambda p: p.but(model=initialized(dense(20, *[64] * 10, 1, last=nn.Sigmoid), large)),
            DEEPCRIME,
        ),
        Fault(
            "ten sigmoid layers",
            ("hidden_activation", "architecture"),
            lambda p: p.but(model=dense(20, *[64] * 10, 1, hidden=nn.Sigmoid, last=nn.Sigmoid)),
            FORUM,
        ),
        Fault(
            "labels shuffled",
            ("labels", "data"),
            lambda p: p.but(
                targets=shuffled(p.targets),
                truth=answers,
            ),
            DEEPCRIME,
        ),
        Fault("decay of 1", ("regularization",), lambda p: p.but(optimizer=adam(1e-3, decay=1.0)), DEEPCRIME),
        Fault("gradients never cleared", ("wiring",), lambda p: p.but(clears=False), FORUM),
    )


def prices() -> tuple[Program, tuple[Fault, ...]]:
    """What a house costs: mean squared error."""
    rows, values = make_friedman1(1500, n_features=10, noise=0.5, random_state=2)
    columns, costs = _standard(_tensor(rows)), _standard(_tensor(values)[:, None])
    sound = Program(
        name="prices",
        inputs=columns,
        targets=costs,
        model=dense(10, 64, 64, 1),
        loss=nn.MSELoss(),
        optimizer=adam(1e-3),
        score=explained,
        steps=800,
    )
    dollars = 250_000.0 + 80_000.0 * costs
    return sound, (
        Fault("prices in dollars", ("target_scaling",), lambda p: p.but(targets=dollars), FORUM),
        Fault(
            "sigmoid at the end",
            ("output_activation",),
            lambda p: p.but(targets=3 + 2 * p.targets, model=dense(10, 64, 64, 1, last=nn.Sigmoid)),
            FORUM,
        ),
        Fault(
            "ReLU at the end", ("output_activation",), lambda p: p.but(model=dense(10, 64, 64, 1, last=nn.ReLU)), FORUM
        ),
        Fault(
            "targets without their second axis",
            ("loss", "data", "wiring"),
            lambda p: p.but(targets=p.targets[:, 0]),
            FORUM,
        ),
        Fault(
            "no activation",
            ("hidden_activation", "architecture"),
            lambda p: p.but(model=dense(10, 64, 64, 1, hidden=None)),
            DEEPCRIME,
        ),
        Fault("plain SGD with rate 3", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(3.0)), DEEPCRIME),
        Fault("SGD with rate 1e-5", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-5)), DEEPCRIME),
        Fault(
            "only the last layer in the optimizer",
            ("wiring",),
            lambda p: p.but(
                model=initialized(p.model, tiny),
                optimizer=lambda model: torch.optim.Adam(model[-1].parameters(), lr=1e-3),
            ),
            FORUM,
        ),  # type: ignore[index]
        Fault("bottleneck of one unit", ("architecture",), lambda p: p.but(model=dense(10, 64, 1, 64, 1)), DEEPCRIME),
        Fault(
            "momentum .999",
            ("optimizer", "learning_rate"),
            lambda p: p.but(optimizer=sgd(0.05, momentum=0.999)),
            DEEPCRIME,
        ),
        Fault(
            "clipped to 1e-6 under SGD",
            ("clipping", "learning_rate"),
            lambda p: p.but(optimizer=sgd(0.05), clip=1e-6),
            DEEPCRIME,
        ),
        Fault(
            "rate decayed within 20 steps", ("schedule", "learning_rate"), lambda p: p.but(decay_each_step=0.8), FORUM
        ),
    )


def wines() -> tuple[Program, tuple[Fault, ...]]:
    """Which of three wines: cross entropy."""
    found = load_wine()
    raw, kinds = _tensor(found.data), torch.tensor(found.target)
    sound = Program(
        name="wines",
        inputs=_standard(raw),
        targets=kinds,
        model=dense(13, 32, 16, 3),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(3e-3),
        score=classified,
        steps=300,
        batch=16,
    )
    hot = nn.functional.one_hot(kinds, 3).float()
    return sound, (
        Fault("raw columns", ("input_scaling",), lambda p: p.but(inputs=raw, optimizer=sgd(0.01)), FORUM),
        Fault(
            "softmax before cross entropy",
            ("output_activation", "loss"),
            lambda p: p.but(model=dense(13, 32, 16, 3, last=lambda: nn.Softmax(1)), optimizer=sgd(0.01)),
            FORUM,
        ),
        Fault(
            "mean squared error on one-hot, sigmoid layers",
            ("loss", "hidden_activation"),
            lambda p: p.but(
                targets=hot, truth=kinds, loss=nn.MSELoss(), model=dense(13, 32, 32, 32, 16, 3, hidden=nn.Sigmoid)
            ),
            FORUM,
        ),
        Fault(
            "labels divided by 255",
            ("labels", "data"),
            lambda p: p.but(targets=(p.targets / 255).long(), truth=kinds),
            FORUM,
        ),
        Fault("SGD with rate 30", ("learning_rate",), lambda p: p.but(optimizer=sgd(30.0)), DEEPCRIME),
        Fault("SGD with rate 1e-5", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-5)), DEEPCRIME),
        Fault("ten steps", ("steps", "learning_rate"), lambda p: p.but(steps=10, optimizer=adam(1e-3)), DEEPCRIME),
        Fault(
            "ReLU at the end",
            ("output_activation",),
            lambda p: p.but(
                model=initialized(dense(13, 32, 16, 3, last=lambda: Apply(lambda v: (v - 2).relu())), tiny)
            ),
            FORUM,
        ),
    )


def tumours() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a tumour is malignant: binary cross entropy on logits."""
    found = load_breast_cancer()
    raw, labels = _tensor(found.data), _tensor(found.target)[:, None]
    sound = Program(
        name="tumours",
        inputs=_standard(raw),
        targets=labels,
        model=dense(30, 32, 16, 1),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(1e-3),
        score=told_apart(0.0),
    )
    return sound, (
        Fault("raw columns under SGD", ("input_scaling",), lambda p: p.but(inputs=raw, optimizer=sgd(0.01)), FORUM),
        Fault(
            "sigmoid before a loss of logits",
            ("output_activation", "loss"),
            lambda p: p.but(model=dense(30, 32, 16, 1, last=nn.Sigmoid), optimizer=sgd(1e-3)),
            FORUM,
        ),
        Fault(
            "mean squared error, SGD with rate 1e-4",
            ("learning_rate", "loss", "optimizer"),
            lambda p: p.but(loss=nn.MSELoss(), optimizer=sgd(1e-4)),
            FORUM,
        ),
        Fault("cross entropy over one logit", ("loss",), lambda p: p.but(loss=nn.CrossEntropyLoss()), FORUM),
        Fault(
            "labels 1 and 2", ("labels", "data", "loss"), lambda p: p.but(targets=p.targets + 1, truth=labels), FORUM
        ),
        Fault("Adam with rate 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), DEEPCRIME),
        Fault(
            "weights of ten deviations",
            ("initialization",),
            lambda p: p.but(
                model=initialized(dense(30, 64, 64, 64, 64, 1, hidden=nn.Tanh), lambda w: nn.init.normal_(w, std=10.0)),
                optimizer=sgd(0.01),
            ),
            DEEPCRIME,
        ),
        Fault(
            "twelve tanh layers, tiny weights",
            ("initialization", "architecture"),
            lambda p: p.but(
                model=initialized(dense(30, *[32] * 12, 1, hidden=nn.Tanh), lambda w: nn.init.normal_(w, std=0.02))
            ),
            DEEPCRIME,
        ),
    )


def tags() -> tuple[Program, tuple[Fault, ...]]:
    """Which of six tags hold: binary cross entropy on logits, several labels a sample."""
    draw = torch.Generator().manual_seed(3)
    columns = torch.randn(1200, 16, generator=draw)
    answers = (columns @ torch.randn(16, 6, generator=draw) > 0).float()
    sound = Program(
        name="tags",
        inputs=columns,
        targets=answers,
        model=dense(16, 64, 6),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(3e-3),
        score=told_apart(0.0),
    )
    return sound, (
        Fault(
            "softmax over independent tags",
            ("output_activation",),
            lambda p: p.but(model=dense(16, 64, 6, last=lambda: nn.Softmax(1)), loss=nn.BCELoss()),
            FORUM,
        ),
        Fault("cross entropy with several labels", ("loss",), lambda p: p.but(loss=nn.CrossEntropyLoss()), FORUM),
        Fault(
            "dropout of .98",
            ("regularization",),
            lambda p: p.but(
                model=lambda: nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Dropout(0.98), nn.Linear(64, 6))
            ),
            DEEPCRIME,
        ),
        Fault(
            "rows and labels out of step",
            ("labels", "data"),
            lambda p: p.but(targets=p.targets.roll(7, 0), truth=answers),
            DEEPCRIME,
        ),
        Fault(
            "batches of one at rate .1",
            ("batch_size", "learning_rate"),
            lambda p: p.but(batch=1, optimizer=adam(0.1)),
            DEEPCRIME,
        ),
    )
