"""Programs on sequences: a forecast, a long memory, words, attention."""

import torch
from torch import Tensor, nn

from .parts import DEEPCRIME, FORUM, LastStep, adam, classified, explained, initialized, sgd, told_apart
from .program import Fault, Program


def forecast() -> tuple[Program, tuple[Fault, ...]]:
    """The next value of a noisy wave: an LSTM, mean squared error."""
    draw = torch.Generator().manual_seed(4)
    phases = torch.rand(1200, 1, generator=draw) * 6.3
    pace = 0.2 + 0.4 * torch.rand(1200, 1, generator=draw)
    wave = torch.sin(phases + pace * torch.arange(25)) + 0.05 * torch.randn(1200, 25, generator=draw)
    sound = Program(
        name="forecast",
        inputs=wave[:, :24, None],
        targets=wave[:, 24:],
        model=lambda: LastStep(nn.LSTM, 1, 32, 1),
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=500,
    )
    return sound, (
        Fault(
            "values around 10,000",
            ("target_scaling", "input_scaling"),
            lambda p: p.but(inputs=1e4 + 50 * p.inputs, targets=1e4 + 50 * p.targets),
            FORUM,
        ),
        Fault(
            "sigmoid at the end",
            ("output_activation",),
            lambda p: p.but(model=lambda: nn.Sequential(LastStep(nn.LSTM, 1, 32, 1), nn.Sigmoid())),
            FORUM,
        ),
        Fault("rate of 1e-6", ("learning_rate",), lambda p: p.but(optimizer=adam(1e-6)), DEEPCRIME),
        Fault("Adam with rate 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), DEEPCRIME),
        Fault("fifteen steps", ("steps",), lambda p: p.but(steps=15), DEEPCRIME),
        Fault("targets of one axis less", ("loss", "data", "wiring"), lambda p: p.but(targets=p.targets[:, 0]), FORUM),
        Fault("decay of 1", ("regularization",), lambda p: p.but(optimizer=adam(5e-3, decay=1.0)), DEEPCRIME),
    )


def memory() -> tuple[Program, tuple[Fault, ...]]:
    """The class of the first symbol after 30 steps of noise: a GRU, cross entropy."""
    draw = torch.Generator().manual_seed(5)
    kinds = torch.randint(4, (1500,), generator=draw)
    values = 0.3 * torch.randn(1500, 31, 4, generator=draw)
    values[:, 0] += nn.functional.one_hot(kinds, 4) * 2.0
    sound = Program(
        name="memory",
        inputs=values,
        targets=kinds,
        model=lambda: LastStep(nn.GRU, 4, 48, 4),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=classified,
        steps=500,
    )
    return sound, (
        Fault(
            "a plain cell with small recurrent weights",
            ("initialization", "architecture", "hidden_activation"),
            lambda p: p.but(
                model=initialized(lambda: LastStep(nn.RNN, 4, 48, 4), lambda w: nn.init.normal_(w, std=0.05)),
                optimizer=adam(1e-3),
            ),
            FORUM,
        ),
        Fault(
            "a plain cell with large recurrent weights, rate .1",
            ("initialization", "learning_rate", "architecture"),
            lambda p: p.but(
                model=initialized(
                    lambda: LastStep(nn.RNN, 4, 48, 4, nonlinearity="relu"), lambda w: nn.init.normal_(w, std=0.4)
                ),
                optimizer=sgd(0.1),
            ),
            FORUM,
        ),
        Fault("Adam with rate 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), DEEPCRIME),
        Fault(
            "softmax before cross entropy",
            ("output_activation", "loss"),
            lambda p: p.but(
                model=lambda: nn.Sequential(LastStep(nn.GRU, 4, 48, 4), nn.Softmax(1)), optimizer=sgd(0.05)
            ),
            FORUM,
        ),
        Fault(
            "labels out of step",
            ("labels", "data"),
            lambda p: p.but(targets=p.targets.roll(5), truth=kinds),
            DEEPCRIME,
        ),
    )


class _Words(nn.Module):
    def __init__(self, *, detached: bool = False) -> None:
        super().__init__()
        self.words = nn.Embedding(200, 32)
        self.hidden = nn.Linear(32, 32)
        self.head = nn.Linear(32, 1)
        self.detached = detached

    def forward(self, rows: Tensor) -> Tensor:
        found = self.hidden(self.words(rows).mean(1)).relu()
        return self.head(found.detach() if self.detached else found)


def reviews() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a review is kind: the mean of word vectors, binary cross entropy on logits."""
    draw = torch.Generator().manual_seed(6)
    rows = torch.randint(200, (1500, 20), generator=draw)
    weights = torch.randn(200, generator=draw)
    answers = (weights[rows].sum(1, keepdim=True) > 0).float()
    sound = Program(
        name="reviews",
        inputs=rows,
        targets=answers,
        model=_Words,
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(1e-2),
        score=told_apart(0.0),
        steps=500,
    )
    return sound, (
        Fault("hidden values detached", ("wiring",), lambda p: p.but(model=lambda: _Words(detached=True)), FORUM),
        Fault("SGD with rate 1e-4", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-4)), DEEPCRIME),
        Fault("Adam with rate 10", ("learning_rate",), lambda p: p.but(optimizer=adam(10.0)), DEEPCRIME),
        Fault(
            "labels shuffled",
            ("labels", "data"),
            lambda p: p.but(targets=p.targets.roll(3, 0), truth=answers),
            DEEPCRIME,
        ),
        Fault(
            "mean squared error of logits, twenty steps",
            ("steps", "loss"),
            lambda p: p.but(loss=nn.MSELoss(), steps=20, optimizer=adam(1e-3)),
            FORUM,
        ),
    )


class _Attention(nn.Module):
    def __init__(self, *, layers: int = 2, scale: float = 1.0) -> None:
        super().__init__()
        self.read = nn.Linear(4, 32)
        self.places = nn.Parameter(0.1 * torch.randn(31, 32))
        block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.blocks = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.head = nn.Linear(32, 4)
        self.scale = scale

    def forward(self, values: Tensor) -> Tensor:
        return self.head(self.blocks(self.scale * (self.read(values) + self.places)).mean(1))


def attention() -> tuple[Program, tuple[Fault, ...]]:
    """The same first symbol, through a small transformer."""
    sound = memory()[0].but(
        name="attention",
        model=_Attention,
        optimizer=adam(1e-3),
        steps=400,
    )
    return sound, (
        Fault("Adam with rate .3", ("learning_rate",), lambda p: p.but(optimizer=adam(0.3)), FORUM),
        Fault("Adam with rate 1e-6", ("learning_rate",), lambda p: p.but(optimizer=adam(1e-6)), FORUM),
        Fault("plain SGD with rate .001", ("optimizer", "learning_rate"), lambda p: p.but(optimizer=sgd(1e-3)), FORUM),
    )
