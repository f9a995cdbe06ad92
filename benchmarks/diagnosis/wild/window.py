"""Programs over time and words: the next temperature, digits read row by row, how much of a signal is on, headlines.

They were written by the seventh author; see notebook.py.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from .parts import DEEPCRIME, FORUM, LastStep, adam, classified, column, explained, floats, sgd, shuffled
from .program import Fault, Model, Program

SAME_VALUE = "datascience.stackexchange.com/questions/67599"
FLAT = "discuss.pytorch.org/t/159152"
BATCH_FIRST = "discuss.pytorch.org/t/62364"
EMBEDDED = "stackoverflow.com, unknown words in a Keras Tokenizer"


def _window(last: type[nn.Module] = nn.Identity) -> Model:
    """A GRU over a window, and a linear layer over its last state."""
    return lambda: nn.Sequential(LastStep(nn.GRU, 1, 24, 1), last())


def weather() -> tuple[Program, tuple[Fault, ...]]:
    """Tomorrow's temperature from two weeks: a season, a week of weather, and noise."""
    draw = np.random.default_rng(720)
    days = np.arange(1400)
    kelvin = 284 + 9 * np.sin(days / 58) + 5 * np.sin(days / 2.1) * np.cos(days / 9) + 0.6 * draw.normal(size=1400)
    windows = floats(np.lib.stride_tricks.sliding_window_view(kelvin, 15).copy())
    scaled = (windows - 284) / 7.5
    rolled = scaled.clone()
    rolled[:3] = torch.nan
    tomorrow = scaled[:, -1:]
    sound = Program(
        name="weather",
        inputs=scaled[:, :-1, None],
        targets=tomorrow,
        model=_window(),
        loss=nn.MSELoss(),
        optimizer=adam(1e-2),
        score=explained,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "kelvin, in and out",
            ("input_scaling", "target_scaling"),
            lambda p: p.but(inputs=windows[:, :-1, None], targets=windows[:, -1:]),
            FORUM,
        ),
        Fault(
            "windows shuffled apart from tomorrow",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(tomorrow), truth=tomorrow),
            FORUM,
        ),
        Fault("SGD at 1e-4", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-4)), FLAT),
        Fault(
            "the first rows of a rolling mean",
            ("data",),
            lambda p: p.but(inputs=rolled[:, :-1, None]),
            "stackoverflow.com, NaN of pandas rolling",
        ),
        Fault("ReLU at the end", ("output_activation",), lambda p: p.but(model=_window(nn.ReLU)), SAME_VALUE),
        Fault("decay of 2 in Adam", ("regularization",), lambda p: p.but(optimizer=adam(1e-2, decay=2.0)), DEEPCRIME),
    )


class _Rows(nn.Module):
    """An LSTM that reads a picture row by row."""

    def __init__(
        self, width: int = 32, *, viewed: bool = False, last: type[nn.Module] = nn.Identity, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.cell = nn.LSTM(8, width)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(width, 10)
        self.last = last()
        self.viewed = viewed

    def forward(self, pictures: Tensor) -> Tensor:
        rows = pictures.view(8, -1, 8) if self.viewed else pictures.transpose(0, 1)
        states, _ = self.cell(rows)
        return self.last(self.head(self.drop(states[-1])))


def rows() -> tuple[Program, tuple[Fault, ...]]:
    """Which digit, from an LSTM over the eight rows of its picture."""
    found = load_digits()
    pictures, labels = floats(found.images), torch.tensor(found.target)
    sound = Program(
        name="rows",
        inputs=pictures / 16,
        targets=labels,
        model=_Rows,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=classified,
        steps=250,
        held_out=True,
    )
    return sound, (
        Fault(
            "a view in place of a transpose",
            ("wiring", "data"),
            lambda p: p.but(model=lambda: _Rows(viewed=True)),
            BATCH_FIRST,
        ),
        Fault(
            "dropout of .97 before the last layer",
            ("regularization",),
            lambda p: p.but(model=lambda: _Rows(dropout=0.97)),
            DEEPCRIME,
        ),
        Fault(
            "sigmoid before cross entropy, SGD",
            ("output_activation", "optimizer", "learning_rate"),
            lambda p: p.but(model=lambda: _Rows(last=nn.Sigmoid), optimizer=sgd(0.01)),
            FORUM,
        ),
        Fault("Adam at 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), DEEPCRIME),
        Fault("one unit", ("architecture",), lambda p: p.but(model=lambda: _Rows(1)), DEEPCRIME),
        Fault("twelve steps", ("steps",), lambda p: p.but(steps=12), DEEPCRIME),
        Fault(
            "digits off by one for a half",
            ("labels", "data"),
            lambda p: p.but(targets=torch.where(torch.arange(1797) < 900, labels, (labels + 1) % 10), truth=labels),
            FORUM,
        ),
    )


class _Duty(nn.Module):
    """Convolutions over time and a mean, or an RNN and its last state."""

    def __init__(self, *, recurrent: bool = False, last: type[nn.Module] = nn.Identity) -> None:
        super().__init__()
        self.recurrent = recurrent
        self.body: nn.Module = (
            nn.RNN(1, 16, nonlinearity="relu", batch_first=True)
            if recurrent
            else nn.Sequential(
                nn.Conv1d(1, 16, 5),
                nn.ReLU(),
                nn.MaxPool1d(3),
                nn.Conv1d(16, 16, 5),
                nn.ReLU(),
                nn.AdaptiveAvgPool1d(1),
            )
        )
        self.head = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1), last())

    def forward(self, signals: Tensor) -> Tensor:
        if self.recurrent:
            return self.head(self.body(signals[:, 0, :, None])[0][:, -1])
        return self.head(self.body(signals).flatten(1))


def duty() -> tuple[Program, tuple[Fault, ...]]:
    """For which part of the time a noisy signal is on: convolutions over time."""
    draw = np.random.default_rng(721)
    part = draw.uniform(0.05, 0.95, 1000)
    phases = (np.arange(60) / draw.uniform(12, 20, (1000, 1)) + draw.random((1000, 1))) % 1
    signals = floats((phases < part[:, None]) + 0.3 * draw.normal(size=(1000, 60)))[:, None]
    on = column(part)
    sound = Program(
        name="duty",
        inputs=signals,
        targets=(on - 0.5) / 0.26,
        model=_Duty,
        loss=nn.L1Loss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "tanh at the end for percents",
            ("output_activation", "target_scaling"),
            lambda p: p.but(targets=on * 100, model=lambda: _Duty(last=nn.Tanh)),
            SAME_VALUE,
        ),
        Fault("cross entropy over one output", ("loss",), lambda p: p.but(loss=nn.CrossEntropyLoss()), FORUM),
        Fault(
            "a ReLU network over 60 steps, signals in millivolts",
            ("input_scaling", "architecture", "hidden_activation"),
            lambda p: p.but(model=lambda: _Duty(recurrent=True), inputs=signals * 1000),
            FORUM,
        ),
        Fault(
            "batches of one, Adam at .1",
            ("batch_size", "learning_rate"),
            lambda p: p.but(batch=1, optimizer=adam(0.1)),
            FORUM,
        ),
        Fault("Adam at 1e-6", ("learning_rate",), lambda p: p.but(optimizer=adam(1e-6)), DEEPCRIME),
    )


def _bag(*, learned: bool = True, last: nn.Module | None = None) -> Model:
    """The mean of the vectors of words, and two linear layers."""

    def built() -> nn.Module:
        words = nn.EmbeddingBag(300, 16, mode="mean")
        if not learned:
            nn.init.zeros_(words.weight)
            words.requires_grad_(requires_grad=False)
        layers = [words, nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4)]
        return nn.Sequential(*layers, *([last] if last is not None else []))

    return built


def headlines() -> tuple[Program, tuple[Fault, ...]]:
    """Which of four sections a headline of nine words belongs in: word vectors, their mean, cross entropy."""
    draw = np.random.default_rng(722)
    kinds = draw.integers(4, size=1200)
    words = draw.integers(100, 300, (1200, 9))
    for row, kind in zip(words, kinds, strict=True):
        row[draw.choice(9, 3, replace=False)] = kind * 25 + draw.integers(25, size=3)
    labels, numbered = torch.tensor(kinds), torch.tensor(words)
    order = labels.argsort(stable=True)
    sound = Program(
        name="headlines",
        inputs=numbered,
        targets=labels,
        model=_bag(),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=classified,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "nearly every word is unknown",
            ("data",),
            lambda p: p.but(inputs=torch.where(numbered % 25 == 0, numbered, 1)),
            EMBEDDED,
        ),
        Fault("SGD at .01", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(0.01)), FORUM),
        Fault(
            "word vectors of zero, not learned",
            ("initialization", "wiring"),
            lambda p: p.but(model=_bag(learned=False)),
            "stackoverflow.com, embedding matrix of zeros",
        ),
        Fault("decay of .2 in Adam", ("regularization",), lambda p: p.but(optimizer=adam(1e-2, decay=0.2)), FORUM),
        Fault(
            "section after section, never shuffled",
            ("data",),
            lambda p: p.but(inputs=numbered[order], targets=labels[order], shuffles=False, optimizer=sgd(1.0)),
            FORUM,
        ),
        Fault(
            "softmax, then cross entropy, after twenty steps",
            ("output_activation", "steps"),
            lambda p: p.but(model=_bag(last=nn.Softmax(1)), steps=20),
            FORUM,
        ),
    )
