"""Held-out programs: they were written, and first run, after the rules were fixed."""

import numpy as np
import torch
from sklearn.datasets import load_diabetes, make_moons
from torch import Tensor, nn

from .parts import (
    DEEPCRIME,
    FORUM,
    adam,
    classified,
    dense,
    explained,
    initialized,
    large,
    sgd,
    shuffled,
    told_apart,
    zeros,
)
from .program import Fault, Program


def moons() -> tuple[Program, tuple[Fault, ...]]:
    """Which of two moons: tanh layers, binary cross entropy on a sigmoid."""
    points, labels = make_moons(1000, noise=0.1, random_state=7)
    answers = torch.tensor(labels, dtype=torch.float32)[:, None]
    sound = Program(
        name="moons",
        inputs=torch.tensor(points, dtype=torch.float32),
        targets=answers,
        model=dense(2, 32, 32, 1, hidden=nn.Tanh, last=nn.Sigmoid),
        loss=nn.BCELoss(),
        optimizer=adam(1e-2),
        score=told_apart(0.5),
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault(
            "softmax over one unit",
            ("output_activation",),
            lambda p: p.but(model=dense(2, 32, 32, 1, hidden=nn.Tanh, last=lambda: nn.Softmax(1))),
            FORUM,
        ),
        Fault(
            "tanh at the end, squared error",
            ("loss", "output_activation"),
            lambda p: p.but(model=dense(2, 8, 1, hidden=nn.Tanh, last=nn.Tanh), loss=nn.MSELoss(), optimizer=sgd(1e-4)),
            FORUM,
        ),
        Fault("rate 1e-6", ("learning_rate",), lambda p: p.but(optimizer=adam(1e-6)), DEEPCRIME),
        Fault("rate 3", ("learning_rate",), lambda p: p.but(optimizer=adam(3.0)), DEEPCRIME),
        Fault("coordinates times 5000", ("input_scaling",), lambda p: p.but(inputs=p.inputs * 5e3), FORUM),
        Fault(
            "fifteen tanh layers of small weights",
            ("initialization", "architecture", "hidden_activation"),
            lambda p: p.but(
                model=initialized(
                    dense(2, *[32] * 15, 1, hidden=nn.Tanh, last=nn.Sigmoid), lambda w: nn.init.normal_(w, std=0.03)
                )
            ),
            FORUM,
        ),
        Fault("weights of zero", ("initialization",), lambda p: p.but(model=initialized(p.model, zeros)), DEEPCRIME),
        Fault("eighteen steps", ("steps",), lambda p: p.but(steps=18, optimizer=adam(1e-3)), DEEPCRIME),
        Fault(
            "labels shuffled",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(p.targets), truth=answers),
            DEEPCRIME,
        ),
        Fault(
            "labels -1 and 1",
            ("labels", "data", "loss"),
            lambda p: p.but(
                targets=2 * p.targets - 1,
                truth=answers,
                loss=nn.BCEWithLogitsLoss(),
                model=dense(2, 32, 32, 1, hidden=nn.Tanh),
            ),
            FORUM,
        ),
    )


def diabetes() -> tuple[Program, tuple[Fault, ...]]:
    """How a disease goes on: mean squared error."""
    found = load_diabetes(scaled=False)
    raw = torch.tensor(found.data, dtype=torch.float32)
    scores = torch.tensor(found.target, dtype=torch.float32)[:, None]
    columns, values = ((each - each.mean(0)) / each.std(0) for each in (raw, scores))
    sound = Program(
        name="diabetes",
        inputs=columns,
        targets=values,
        model=dense(10, 64, 64, 1),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault("raw columns under SGD", ("input_scaling",), lambda p: p.but(inputs=raw, optimizer=sgd(1e-3)), FORUM),
        Fault(
            "raw scores, small rate",
            ("target_scaling", "learning_rate"),
            lambda p: p.but(targets=scores, optimizer=adam(1e-4)),
            FORUM,
        ),
        Fault(
            "softmax at the end",
            ("output_activation",),
            lambda p: p.but(model=dense(10, 64, 64, 1, last=lambda: nn.Softmax(1))),
            FORUM,
        ),
        Fault("cross entropy of numbers", ("loss",), lambda p: p.but(loss=nn.BCEWithLogitsLoss()), FORUM),
        Fault("SGD with rate 10", ("learning_rate",), lambda p: p.but(optimizer=sgd(10.0)), DEEPCRIME),
        Fault(
            "rate halved every five steps",
            ("schedule", "learning_rate"),
            lambda p: p.but(decay_each_step=0.87, optimizer=sgd(1e-2)),
            FORUM,
        ),
        Fault("decay of 3", ("regularization",), lambda p: p.but(optimizer=adam(3e-3, decay=3.0)), DEEPCRIME),
        Fault(
            "clipped to 1e-7",
            ("clipping", "learning_rate"),
            lambda p: p.but(optimizer=sgd(1e-2), clip=1e-7),
            DEEPCRIME,
        ),
        Fault("no gradient cleared, SGD", ("wiring",), lambda p: p.but(clears=False, optimizer=sgd(1e-2)), FORUM),
        Fault(
            "twelve sigmoid layers",
            ("hidden_activation", "architecture"),
            lambda p: p.but(model=dense(10, *[64] * 12, 1, hidden=nn.Sigmoid)),
            FORUM,
        ),
    )


class _Sensor(nn.Module):
    """Convolutions over time, with norms and a mean at the end."""

    def __init__(self, *, dropout: float = 0.0, detached: bool = False, hidden: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv1d(3, 24, 5, padding=2), nn.BatchNorm1d(24), hidden())
        self.second = nn.Sequential(nn.Conv1d(24, 24, 5, padding=2), nn.BatchNorm1d(24), hidden())
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(24, 5)
        self.detached = detached

    def forward(self, values: Tensor) -> Tensor:
        found = self.second(self.first(values))
        return self.head(self.dropout((found.detach() if self.detached else found).mean(2)))


def sensors() -> tuple[Program, tuple[Fault, ...]]:
    """Which of five gestures: waves of three sensors, cross entropy."""
    draw = np.random.default_rng(8)
    kinds = draw.integers(5, size=1200)
    phase = draw.uniform(0, 6.3, (1200, 3, 1))
    waves = np.sin(phase + (kinds[:, None, None] + 2) * 0.15 * np.arange(40)) + 0.3 * draw.normal(size=(1200, 3, 40))
    labels = torch.tensor(kinds)
    sound = Program(
        name="sensors",
        inputs=torch.tensor(waves, dtype=torch.float32),
        targets=labels,
        model=_Sensor,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(3e-3),
        score=classified,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "softmax before cross entropy",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: nn.Sequential(_Sensor(), nn.Softmax(1)), optimizer=sgd(0.02)),
            FORUM,
        ),
        Fault(
            "hidden values detached",
            ("wiring",),
            lambda p: p.but(model=lambda: nn.Sequential(_Sensor(detached=True)), optimizer=sgd(0.01)),
            FORUM,
        ),
        Fault(
            "only the head in the optimizer",
            ("wiring",),
            lambda p: p.but(optimizer=lambda m: torch.optim.SGD(m.get_submodule("head").parameters(), lr=0.01)),
            FORUM,
        ),
        Fault(
            "dropout of .95",
            ("regularization",),
            lambda p: p.but(model=lambda: _Sensor(dropout=0.95), optimizer=adam(1e-3)),
            DEEPCRIME,
        ),
        Fault("Adam with rate 3", ("learning_rate",), lambda p: p.but(optimizer=adam(3.0)), DEEPCRIME),
        Fault("SGD with rate 1e-6", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-6)), DEEPCRIME),
        Fault(
            "labels out of step",
            ("labels", "data"),
            lambda p: p.but(targets=p.targets.roll(3), truth=labels),
            DEEPCRIME,
        ),
        Fault(
            "all labels divided to zero",
            ("labels", "data"),
            lambda p: p.but(targets=p.targets // 10, truth=labels),
            FORUM,
        ),
        Fault(
            "weights of one deviation, no norms",
            ("initialization", "normalization"),
            lambda p: p.but(
                model=initialized(
                    lambda: nn.Sequential(
                        nn.Conv1d(3, 24, 5),
                        nn.ReLU(),
                        nn.Conv1d(24, 24, 5),
                        nn.ReLU(),
                        nn.AdaptiveAvgPool1d(1),
                        nn.Flatten(),
                        nn.Linear(24, 5),
                    ),
                    large,
                ),
                optimizer=sgd(0.1),
            ),
            DEEPCRIME,
        ),
        Fault("ten steps", ("steps",), lambda p: p.but(steps=10, optimizer=adam(1e-3)), DEEPCRIME),
        Fault(
            "ReLU after the head",
            ("output_activation",),
            lambda p: p.but(model=lambda: nn.Sequential(_Sensor(), nn.ReLU()), optimizer=adam(0.05)),
            FORUM,
        ),
    )
