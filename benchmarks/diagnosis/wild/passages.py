"""Ordinary programs over sequences: demand for power, kinds of messages, gestures, the next letter.

They were written by the sixth author; see columns.py.
"""

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn

from .columns import PER_BATCH
from .parts import DEEPCRIME, FORUM, adam, classified, explained, floats, initialized, sgd, zeros
from .pictures import ZERO_GRAD
from .program import Fault, Model, Program

BATCH_FIRST = "discuss.pytorch.org/t/62364"
FIRST = "discuss.pytorch.org, output[0] or output[-1] of an RNN"
ADADELTA = "github.com/tensorflow/tensorflow/issues/36785"


class _Forecast(nn.Module):
    """An LSTM over hours, and a linear layer on its last output."""

    def __init__(self, *, batch_first: bool = True, last: type[nn.Module] = nn.Identity) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 32, batch_first=batch_first)
        self.fc = nn.Linear(32, 1)
        self.last = last()

    def forward(self, hours: Tensor) -> Tensor:
        states, _ = self.lstm(hours)
        return self.last(self.fc(states[:, -1]))


def demand() -> tuple[Program, tuple[Fault, ...]]:
    """The demand for power nine hours later, by that of a day and the temperature."""
    draw = np.random.default_rng(607)
    hour = np.arange(1400)
    weather = np.convolve(draw.normal(size=1410), np.ones(11) / 3, "valid")
    warm = 12 + 8 * np.sin(hour / 240) + 4 * np.sin((hour - 9) / 24 * 2 * np.pi) + weather
    load = 31000 + 4500 * np.sin((hour - 8) / 24 * 2 * np.pi) + 2500 * np.sin(hour / 12 * 2 * np.pi)
    load += 60 * (warm - 16) ** 2 + draw.normal(0, 350, 1400)
    both = floats(np.stack([load, warm], 1))
    raw = torch.stack([both[start : start + 24] for start in range(1368)])
    after = both[32:1400, :1]
    scaled = (raw - both.mean(0)) / both.std(0)
    sound = Program(
        name="demand",
        inputs=scaled,
        targets=(after - after.mean()) / after.std(),
        model=_Forecast,
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault(
            "batch_first left out",
            ("wiring",),
            lambda p: p.but(model=lambda: _Forecast(batch_first=False)),
            BATCH_FIRST,
        ),
        Fault(
            "megawatts as they are",
            ("target_scaling",),
            lambda p: p.but(inputs=raw, targets=after),
            FORUM,
        ),
        Fault("SGD with rate 1e-3", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-3)), FORUM),
        Fault("Adam with rate .3", ("learning_rate",), lambda p: p.but(optimizer=adam(0.3)), DEEPCRIME),
        Fault(
            "sigmoid at the end, standardized demand",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=lambda: _Forecast(last=nn.Sigmoid)),
            FORUM,
        ),
    )


class _Reader(nn.Module):
    """An embedding, a GRU, and a linear layer on its last state."""

    def __init__(self, *, read: int = -1) -> None:
        super().__init__()
        self.read = read
        self.embedding = nn.Embedding(120, 24)
        self.gru = nn.GRU(24, 24, batch_first=True)
        self.fc = nn.Linear(24, 4)

    def forward(self, words: Tensor) -> Tensor:
        states, _ = self.gru(self.embedding(words.long()))
        return self.fc(states[:, self.read])


class _Numbers(nn.Module):
    """A GRU over the numbers of words themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(1, 32, batch_first=True)
        self.fc = nn.Linear(32, 4)

    def forward(self, words: Tensor) -> Tensor:
        states, _ = self.gru(words.float()[:, :, None])
        return self.fc(states[:, -1])


def messages() -> tuple[Program, tuple[Fault, ...]]:
    """Which of four departments a message is for; a message has eight to sixteen words of 119, and 0 before them."""
    draw = np.random.default_rng(608)
    kinds = draw.choice(4, 1500, p=[0.4, 0.3, 0.2, 0.1])
    padded = np.zeros((1500, 16), int)
    for row, kind in enumerate(kinds):
        length = draw.integers(8, 17)
        words = draw.integers(1, 120, length)
        told = draw.permutation(length)[:3]
        words[told] = 1 + kind * 12 + draw.integers(12, size=3)
        padded[row, 16 - length :] = words
    numbers, answers = torch.tensor(padded), torch.tensor(kinds)
    counts = torch.bincount(answers).float()
    sound = Program(
        name="messages",
        inputs=numbers,
        targets=answers,
        model=_Reader,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(5e-3),
        score=classified,
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault(
            "the state after the first word",
            ("wiring",),
            lambda p: p.but(model=lambda: _Reader(read=0)),
            FIRST,
        ),
        Fault(
            "numbers of words without an embedding", ("architecture", "data"), lambda p: p.but(model=_Numbers), FORUM
        ),
        Fault(
            "classes weighted by their counts",
            ("loss",),
            lambda p: p.but(loss=nn.CrossEntropyLoss(weight=(counts / counts.max()) ** 3)),
            FORUM,
        ),
        Fault(
            "Adadelta at the rate of Keras",
            ("learning_rate", "optimizer"),
            lambda p: p.but(optimizer=lambda model: torch.optim.Adadelta(model.parameters(), lr=1e-3)),
            ADADELTA,
        ),
        Fault("weights of zero", ("initialization",), lambda p: p.but(model=initialized(p.model, zeros)), DEEPCRIME),
    )


def _waves(hidden: type[nn.Module] = nn.ReLU, *, last: nn.Module | None = None) -> Model:
    """Two convolutions over time."""
    return lambda: nn.Sequential(
        *(nn.Conv1d(3, 16, 5, padding=2), nn.BatchNorm1d(16), hidden(), nn.AvgPool1d(2)),
        *(nn.Conv1d(16, 24, 5, padding=2), nn.BatchNorm1d(24), hidden()),
        *(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(24, 5)),
        *([last] if last is not None else []),
    )


def gestures() -> tuple[Program, tuple[Fault, ...]]:
    """Which of five gestures a phone made, by its acceleration along three axes at 48 times."""
    draw = np.random.default_rng(609)
    kinds, times = draw.integers(5, size=1200), np.arange(48)
    speeds = np.array([[1, 2, 1], [2, 1, 1], [1, 1, 2], [2, 2, 1], [1, 2, 2]])[kinds]
    phases = draw.uniform(0, 6.3, (1200, 3, 1))
    waves = np.sin(phases + speeds[:, :, None] * times * 0.26 * draw.uniform(0.85, 1.15, (1200, 1, 1)))
    moved = floats(
        waves * draw.uniform(2, 4, (1200, 3, 1)) + draw.normal(size=(1200, 3, 48)) + np.array([[0], [0], [9.8]])
    )
    answers = torch.tensor(kinds)
    order = answers.argsort(stable=True)
    sound = Program(
        name="gestures",
        inputs=moved,
        targets=answers,
        model=_waves(),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(2e-3),
        score=classified,
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault(
            "no activation between the convolutions",
            ("hidden_activation",),
            lambda p: p.but(model=_waves(nn.Identity)),
            FORUM,
        ),
        Fault(
            "sorted by gesture, never shuffled",
            ("data",),
            lambda p: p.but(inputs=moved[order], targets=answers[order], shuffles=False),
            "github.com/keras-team/keras/issues/4784",
        ),
        Fault(
            "Adam with an epsilon of 1",
            ("optimizer", "learning_rate"),
            lambda p: p.but(optimizer=lambda model: torch.optim.Adam(model.parameters(), lr=2e-3, eps=1.0)),
            "discuss.pytorch.org, epsilon of Adam as in TensorFlow",
        ),
        Fault(
            "gradients never cleared, SGD with momentum",
            ("wiring",),
            lambda p: p.but(clears=False, optimizer=sgd(0.1, momentum=0.9)),
            ZERO_GRAD,
        ),
    )


class _Letters(nn.Module):
    """Embeddings of letters and places, masked attention, and a linear layer."""

    def __init__(self, *, dropout: float = 0.0, last: nn.Module | None = None) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(40, 32), nn.Embedding(24, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.fc, self.last = nn.Linear(32, 40), last or nn.Identity()

    def forward(self, text: Tensor) -> Tensor:
        known = self.letters(text) + self.places(torch.arange(text.shape[1]))
        mask = nn.Transformer.generate_square_subsequent_mask(text.shape[1])
        return self.last(self.fc(self.blocks(known, mask=mask))).transpose(1, 2)


def _foretold(outputs: Tensor, targets: Tensor) -> float:
    """How much of the entropy of single letters is explained."""
    if not bool(outputs.isfinite().all()):
        return 0.0
    told = nn.functional.cross_entropy(outputs, targets).item()
    often = torch.bincount(targets.flatten(), minlength=40).float()
    often = often[often > 0] / often.sum()
    return max(0.0, 1 - told / float(-(often * often.log()).sum()))


def prose() -> tuple[Program, tuple[Fault, ...]]:
    """The next letter of English text: a small transformer over the descriptions of data sets."""
    loads = (datasets.load_diabetes, datasets.load_iris, datasets.load_wine, datasets.load_breast_cancer)
    written = " ".join(" ".join(load().DESCR.lower().split()) for load in loads)
    known = sorted(set("abcdefghijklmnopqrstuvwxyz0123456789 .,"))
    numbers = torch.tensor([known.index(letter) if letter in known else len(known) for letter in written])
    starts = np.random.default_rng(610).integers(len(numbers) - 25, size=1200)
    text = torch.stack([numbers[start : start + 25] for start in starts])
    sound = Program(
        name="prose",
        inputs=text[:, :-1],
        targets=text[:, 1:],
        model=_Letters,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(6e-3),
        score=_foretold,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "targets not shifted",
            ("labels", "data"),
            lambda p: p.but(targets=p.inputs, truth=p.targets),
            "github.com/karpathy/minGPT, targets are inputs shifted by one",
        ),
        Fault("Adam with rate .5", ("learning_rate",), lambda p: p.but(optimizer=adam(0.5)), FORUM),
        Fault(
            "softmax before cross entropy",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: _Letters(last=nn.Softmax(2))),
            "github.com/bkitano/llama-from-scratch/issues/5",
        ),
        Fault("schedule stepped after each batch", ("schedule",), lambda p: p.but(decay_each_step=0.9), PER_BATCH),
    )
