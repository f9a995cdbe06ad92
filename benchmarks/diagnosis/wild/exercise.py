"""Programs of exercises: functions of a few numbers, and small pictures.

They were written by the seventh author; see notebook.py.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from .notebook import CLEARED
from .parts import DEEPCRIME, FORUM, adam, column, dense, explained, floats, initialized, sgd, standard, told_apart
from .program import Fault, Model, Program

FOURTH = "stackoverflow.com/questions/52800582"
EXCLUSIVE = "stats.stackexchange.com/questions/433365"
BLOB = "stats.stackexchange.com/questions/245448"
OPPOSITE = "discuss.pytorch.org, cosine similarity as a loss"


def quadrants() -> tuple[Program, tuple[Fault, ...]]:
    """Whether two numbers have the same sign: a tanh unit and squared error of -1 and 1."""
    points = torch.rand(600, 2, generator=torch.Generator().manual_seed(710)) * 2 - 1
    same = points.prod(1, keepdim=True).sign()
    order = same[:, 0].argsort(stable=True)
    sound = Program(
        name="quadrants",
        inputs=points,
        targets=same,
        model=dense(2, 16, 1, hidden=nn.Tanh, last=nn.Tanh),
        loss=nn.MSELoss(),
        optimizer=adam(2e-2),
        score=told_apart(0.0),
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault("no hidden layer", ("architecture",), lambda p: p.but(model=dense(2, 1, last=nn.Tanh)), EXCLUSIVE),
        Fault(
            "no activation in the hidden layer",
            ("hidden_activation",),
            lambda p: p.but(model=dense(2, 16, 1, hidden=None, last=nn.Tanh)),
            EXCLUSIVE,
        ),
        Fault(
            "every parameter one half",
            ("initialization",),
            lambda p: p.but(model=_constant(p.model, 0.5)),
            DEEPCRIME,
        ),
        Fault("decay of .1 in Adam", ("regularization",), lambda p: p.but(optimizer=adam(2e-2, decay=0.1)), DEEPCRIME),
        Fault("SGD at 1e-3", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-3)), EXCLUSIVE),
        Fault(
            "one answer after the other, never shuffled, SGD",
            ("data",),
            lambda p: p.but(inputs=points[order], targets=same[order], shuffles=False, optimizer=sgd(0.3), batch=50),
            FORUM,
        ),
    )


def _constant(build: Model, value: float) -> Model:
    """The same model with one value for every parameter."""

    def built() -> nn.Module:
        model = build()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(value)
        return model

    return built


def damped() -> tuple[Program, tuple[Fault, ...]]:
    """A wave that fades, over ten seconds."""
    seconds = torch.rand(1000, 1, generator=torch.Generator().manual_seed(711)) * 10
    wave = (-seconds / 4).exp() * (2 * seconds).sin()
    sound = Program(
        name="damped",
        inputs=seconds / 5 - 1,
        targets=standard(wave),
        model=dense(1, 48, 48, 1, hidden=nn.Tanh),
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=1200,
        held_out=True,
    )
    return sound, (
        Fault(
            "ReLU at the end",
            ("output_activation",),
            lambda p: p.but(model=dense(1, 48, 48, 1, hidden=nn.Tanh, last=nn.ReLU)),
            FORUM,
        ),
        Fault("milliseconds", ("input_scaling",), lambda p: p.but(inputs=seconds * 1000), FOURTH),
        Fault(
            "ten sigmoid layers",
            ("hidden_activation", "architecture"),
            lambda p: p.but(model=dense(1, *[48] * 10, 1, hidden=nn.Sigmoid)),
            FORUM,
        ),
        Fault("gradients never cleared", ("wiring",), lambda p: p.but(clears=False), CLEARED),
        Fault(
            "the value of the next row",
            ("labels", "data"),
            lambda p: p.but(targets=p.targets.roll(-1, 0), truth=p.targets),
            FORUM,
        ),
        Fault(
            "weights of deviation 10",
            ("initialization",),
            lambda p: p.but(model=initialized(p.model, lambda w: nn.init.normal_(w, std=10.0))),
            DEEPCRIME,
        ),
        Fault(
            "two units, and plain SGD at .01",
            ("architecture", "optimizer", "learning_rate"),
            lambda p: p.but(model=dense(1, 2, 1, hidden=nn.Tanh), optimizer=sgd(0.01)),
            DEEPCRIME,
        ),
    )


def _each_explained(outputs: Tensor, targets: Tensor) -> float:
    """The mean over the columns of how much of each is explained."""
    columns = range(targets.shape[1])
    return float(np.mean([explained(outputs[:, min(k, outputs.shape[1] - 1)], targets[:, k]) for k in columns]))


class _Opposite(nn.Module):
    """How far the directions of outputs are from those of targets."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return 1 - nn.functional.cosine_similarity(outputs, targets).mean()


def arm() -> tuple[Program, tuple[Fault, ...]]:
    """Where the hand of an arm with three joints is, and which way it points: three outputs."""
    draw = np.random.default_rng(712)
    joints = draw.uniform(-1.5, 1.5, (1500, 3))
    turned = joints.cumsum(1)
    lengths = np.array([300.0, 200.0, 80.0])
    hand = np.stack([(lengths * np.cos(turned)).sum(1), (lengths * np.sin(turned)).sum(1), turned[:, -1]], 1)
    radians, there = floats(joints), floats(hand)

    def network(width: int, outputs: int = 3, dropout: float = 0.0, last: type[nn.Module] = nn.Identity) -> Model:
        return lambda: nn.Sequential(
            nn.Linear(3, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs),
            nn.Dropout(dropout), last(),
        )  # fmt: skip

    sound = Program(
        name="arm",
        inputs=standard(radians),
        targets=standard(there),
        model=network(64),
        loss=nn.SmoothL1Loss(),
        optimizer=adam(5e-3),
        score=_each_explained,
        steps=700,
        held_out=True,
    )
    return sound, (
        Fault(
            "micrometres beside radians",
            ("target_scaling",),
            lambda p: p.but(targets=there * torch.tensor([1e3, 1e3, 1.0])),
            FORUM,
        ),
        Fault("one output for three", ("architecture", "wiring"), lambda p: p.but(model=network(64, 1)), FORUM),
        Fault(
            "joints in degrees, SGD",
            ("input_scaling",),
            lambda p: p.but(inputs=radians.rad2deg() * 10 + 3600, optimizer=sgd(0.05)),
            FORUM,
        ),
        Fault("likeness of directions as the loss", ("loss",), lambda p: p.but(loss=_Opposite()), OPPOSITE),
        Fault(
            "gradients cleared between the backward pass and the step",
            ("wiring",),
            lambda p: p.but(clears_late=True),
            CLEARED,
        ),
        Fault("softmax at the end", ("output_activation",), lambda p: p.but(model=network(64, last=_Simplex)), FORUM),
        Fault(
            "dropout of .9 after the last layer",
            ("regularization", "architecture"),
            lambda p: p.but(model=network(64, dropout=0.9)),
            FORUM,
        ),
    )


class _Simplex(nn.Softmax):
    """Softmax over the columns."""

    def __init__(self) -> None:
        super().__init__(1)


def _small(*, hidden: type[nn.Module] = nn.ReLU, last: type[nn.Module] = nn.Identity) -> Model:
    """Three convolutions and a linear layer with one output."""
    return lambda: nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        hidden(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        hidden(),
        nn.Conv2d(16, 16, 3, padding=1),
        hidden(),
        nn.Flatten(),
        nn.Linear(256, 1),
        last(),
    )


def evens() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a written digit is even: convolutions and one output."""
    found = load_digits()
    pictures = floats(found.images)[:, None]
    even = column(found.target % 2 == 0)
    sound = Program(
        name="evens",
        inputs=pictures / 8 - 1,
        targets=even,
        model=_small(),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=sgd(0.05, momentum=0.9),
        score=told_apart(0.0),
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault("pixels up to 255", ("input_scaling",), lambda p: p.but(inputs=pictures * 16), FORUM),
        Fault("the digit as the label", ("labels",), lambda p: p.but(targets=column(found.target), truth=even), FORUM),
        Fault("positives weigh 1000 times", ("loss",), lambda p: p.but(loss=_heavy()), FORUM),
        Fault("ReLU at the end", ("output_activation",), lambda p: p.but(model=_small(last=nn.ReLU)), FORUM),
        Fault(
            "sigmoid between the convolutions, plain SGD",
            ("hidden_activation", "optimizer"),
            lambda p: p.but(model=_small(hidden=nn.Sigmoid), optimizer=sgd(0.05)),
            FORUM,
        ),
        Fault(
            "clipped to 1e-3",
            ("clipping",),
            lambda p: p.but(clip=1e-3, optimizer=sgd(0.05)),
            FORUM,
        ),
        Fault(
            "rate .5 with momentum", ("learning_rate",), lambda p: p.but(optimizer=sgd(0.5, momentum=0.9)), DEEPCRIME
        ),
    )


def _heavy() -> nn.Module:
    return nn.BCEWithLogitsLoss(pos_weight=torch.tensor(1000.0))


class _Narrow(nn.Module):
    """An autoencoder of curves through six numbers."""

    def __init__(
        self,
        *,
        last: type[nn.Module] = nn.Identity,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 6))
        self.decoder = nn.Sequential(nn.Dropout(dropout), nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 48), last())

    def forward(self, curves: Tensor) -> Tensor:
        return self.decoder(self.encoder(curves))


def pulses() -> tuple[Program, tuple[Fault, ...]]:
    """Curves of a heart, drawn again from six numbers."""
    draw = np.random.default_rng(713)
    times = np.arange(48)
    peak, spread, second = (
        draw.uniform(8, 20, (1000, 1)),
        draw.uniform(1.5, 4, (1000, 1)),
        draw.uniform(28, 40, (1000, 1)),
    )
    height = draw.uniform(0.2, 0.7, (1000, 1))
    curves = np.exp(-((times - peak) ** 2) / 2 / spread**2) + height * np.exp(-((times - second) ** 2) / 18)
    beats = standard(floats(curves + 0.02 * draw.normal(size=curves.shape)))
    sound = Program(
        name="pulses",
        inputs=beats,
        targets=beats,
        model=_Narrow,
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=800,
        held_out=True,
    )
    return sound, (
        Fault(
            "binary cross entropy of standardized curves",
            ("loss", "target_scaling"),
            lambda p: p.but(loss=nn.BCEWithLogitsLoss()),
            BLOB,
        ),
        Fault("ReLU at the end", ("output_activation",), lambda p: p.but(model=lambda: _Narrow(last=nn.ReLU)), FORUM),
        Fault(
            "inputs shuffled apart from what they should become",
            ("data", "labels"),
            lambda p: p.but(targets=beats[torch.randperm(1000, generator=torch.Generator().manual_seed(1))]),
            FORUM,
        ),
        Fault(
            "dropout of .8 on the code", ("regularization",), lambda p: p.but(model=lambda: _Narrow(dropout=0.8)), FORUM
        ),
        Fault("SGD at .01", ("optimizer", "learning_rate"), lambda p: p.but(optimizer=sgd(0.01)), BLOB),
        Fault("thirty steps", ("steps",), lambda p: p.but(steps=30), DEEPCRIME),
    )
