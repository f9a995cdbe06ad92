"""Programs of people who post that their network learns nothing: sequences, text, a transformer.

They were written by somebody who had read neither the rules nor what they find in the other programs. The kinds of a
fault are those that were put in, and those whose repair alone, in plain PyTorch, brought the score back.
"""

import numpy as np
import torch
from torch import Tensor, nn

from .parts import LastStep, adam, classified, dense, explained, floats, initialized, sgd
from .program import Fault, Model, Program

ECHO = "stackoverflow.com/questions/51432661"
PLATEAU = "stackoverflow.com/questions/46224598"
CONSTANT = "github.com/keras-team/keras/issues/2711"
ONE_UNIT = "github.com/keras-team/keras/issues/4994"
EMBEDDING = "github.com/keras-team/keras-core/issues/224"
POSITIONS = "openillumi.com, transformer encoder at 25 % where an LSTM reaches 83 %"
SHAPES = "github.com/pytorch/pytorch/issues/16045"
DEEPCRIME = "Humbatova et al. 2021, DeepCrime (ISSTA)"


def _recurrent(cell: type[nn.RNNBase], width: int, *, last: Model | None = None, **options: object) -> Model:
    """A recurrent network over one column, perhaps with a module after it."""
    return lambda: nn.Sequential(LastStep(cell, 1, width, 1, **options), *([last()] if last else []))


class _FirstStep(LastStep):
    """The same, but the state after the first step is read."""

    def forward(self, values: Tensor) -> Tensor:
        states, _ = self.cell(values)
        return self.head(states[:, 0])


def stocks() -> tuple[Program, tuple[Fault, ...]]:
    """The next price of a share by the last sixteen."""
    draw = np.random.default_rng(71)
    days = np.arange(1200)
    price = 400 + 60 * np.sin(days / 9) + 40 * np.sin(days / 23 + 1) + draw.normal(0, 3, 1200)
    windows = floats(np.lib.stride_tricks.sliding_window_view(price, 17).copy())
    raw, following = windows[:, :16, None], windows[:, 16:]
    centre, spread = windows.mean(), windows.std()
    sound = Program(
        name="stocks",
        inputs=(raw - centre) / spread,
        targets=(following - centre) / spread,
        model=_recurrent(nn.LSTM, 24),
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "prices as they are",
            ("target_scaling", "input_scaling"),
            lambda p: p.but(inputs=raw, targets=following),
            PLATEAU,
        ),
        Fault(
            "ReLU at the end, standardized prices",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=_recurrent(nn.LSTM, 24, last=nn.ReLU)),
            ECHO,
        ),
        Fault(
            "the first state instead of the last",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _FirstStep(nn.LSTM, 1, 24, 1)),
            "discuss.pytorch.org, which dimension of an LSTM's output is time",
        ),
        Fault(
            "targets without the column of the outputs",
            ("loss", "wiring"),
            lambda p: p.but(targets=p.targets[:, 0], truth=p.targets),
            SHAPES,
        ),
        Fault("Adam with rate 1e-6", ("learning_rate",), lambda p: p.but(optimizer=adam(1e-6)), PLATEAU),
        Fault(
            "six steps of the whole set",
            ("steps", "batch_size"),
            lambda p: p.but(steps=6, batch=len(raw)),
            DEEPCRIME,
        ),
    )


class _Bag(nn.Module):
    """The mean of the words' embeddings, and dense layers."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.words = nn.Embedding(60, 16)
        self.dense = dense(16, 32, outputs)()

    def forward(self, words: Tensor) -> Tensor:
        return self.dense(self.words(words).mean(1))


class _Padded(nn.Module):
    """A recurrent network that reads the state after all the padding."""

    def __init__(self, padding: int) -> None:
        super().__init__()
        self.padding = padding
        self.words = nn.Embedding(60, 16)
        self.read = LastStep(nn.RNN, 16, 32, 3)

    def forward(self, words: Tensor) -> Tensor:
        return self.read(self.words(nn.functional.pad(words, (0, self.padding))))


def phrases() -> tuple[Program, tuple[Fault, ...]]:
    """What a phrase of ten words is about, of three matters: each word tells a little."""
    draw = np.random.default_rng(72)
    matter = draw.integers(3, size=1500)
    likely = draw.dirichlet(np.full(59, 0.4), 3)
    words = np.stack([draw.choice(59, 10, p=likely[kind]) + 1 for kind in matter])
    tokens, answers = torch.tensor(words), torch.tensor(matter)
    sound = Program(
        name="phrases",
        inputs=tokens,
        targets=answers,
        model=_Bag,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(5e-3),
        score=classified,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "numbers of words into a dense layer",
            ("architecture", "data"),
            lambda p: p.but(inputs=tokens.float(), model=dense(10, 32, 3), optimizer=sgd(0.01)),
            EMBEDDING,
        ),
        Fault("SGD with rate 1e-3", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-3)), CONSTANT),
        Fault(
            "a matrix of zeros as pretrained embeddings, frozen",
            ("initialization", "wiring"),
            lambda p: p.but(model=_unfilled),
            EMBEDDING,
        ),
        Fault(
            "one output and binary cross entropy for three matters",
            ("loss", "architecture", "labels"),
            lambda p: p.but(
                model=lambda: _Bag(1), loss=nn.BCEWithLogitsLoss(), targets=answers[:, None].float(), truth=answers
            ),
            ONE_UNIT,
        ),
        Fault(
            "forty steps of padding after the words",
            ("data", "architecture"),
            lambda p: p.but(model=lambda: _Padded(40)),
            "discuss.pytorch.org, the last state of padded sequences",
        ),
    )


def _unfilled() -> nn.Module:
    model = _Bag()
    model.words = nn.Embedding.from_pretrained(torch.zeros(60, 16))
    return model


class _Encoder(nn.Module):
    """A transformer over eight tokens; the state at the first is read."""

    def __init__(
        self, *, layers: int = 2, positions: bool = True, norm_first: bool = True, alone: bool = False
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(8, 32)
        self.places = nn.Parameter(torch.randn(8, 32) * (0.5 if positions else 0.0), requires_grad=positions)
        self.layers = nn.ModuleList(
            [nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True, norm_first=norm_first) for _ in range(layers)]
        )
        self.head = nn.Linear(32, 8)
        self.mask = ~torch.eye(8, dtype=torch.bool) if alone else None

    def forward(self, words: Tensor) -> Tensor:
        values = self.words(words) + self.places
        for layer in self.layers:
            values = layer(values, src_mask=self.mask)
        return self.head(values[:, 0])


def recall() -> tuple[Program, tuple[Fault, ...]]:
    """Which of eight tokens stands fourth."""
    tokens = torch.randint(8, (2000, 8), generator=torch.Generator().manual_seed(73))
    sound = Program(
        name="recall",
        inputs=tokens,
        targets=tokens[:, 3],
        model=_Encoder,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(2e-3),
        score=classified,
        steps=200,
        held_out=True,
    )
    return sound, (
        Fault(
            "no positions",
            ("architecture", "data"),
            lambda p: p.but(model=lambda: _Encoder(positions=False)),
            POSITIONS,
        ),
        Fault(
            "eight layers with the norm after them, rate .01",
            ("learning_rate", "normalization", "architecture"),
            lambda p: p.but(model=lambda: _Encoder(layers=8, norm_first=False), optimizer=adam(0.01)),
            "Xiong et al. 2020, layer normalization in the transformer",
        ),
        Fault(
            "a mask that lets each token see itself only",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Encoder(alone=True)),
            POSITIONS,
        ),
        Fault("SGD with rate 1e-3", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-3)), POSITIONS),
    )


class _Cut(nn.Module):
    """A recurrent network by hand, whose state is cut from the graph before the last steps."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(1, 32)
        self.head = nn.Linear(32, 1)

    def forward(self, values: Tensor) -> Tensor:
        state = values.new_zeros(len(values), 32)
        for step in values.unbind(1):
            state = self.cell(step, state.detach())
        return self.head(state)


def delay() -> tuple[Program, tuple[Fault, ...]]:
    """The value that was shown first, twenty steps ago."""
    draw = np.random.default_rng(74)
    shown = draw.normal(size=(1200, 20, 1))
    shown[:, 1:] *= 0.1
    inputs = floats(shown)
    sound = Program(
        name="delay",
        inputs=inputs,
        targets=inputs[:, 0],
        model=_recurrent(nn.GRU, 32),
        loss=nn.MSELoss(),
        optimizer=adam(1e-2),
        score=explained,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault("the state cut from the graph at every step", ("wiring",), lambda p: p.but(model=_Cut), CONSTANT),
        Fault(
            "ReLU in the recurrence, weights with a deviation of .5",
            ("initialization", "hidden_activation"),
            lambda p: p.but(
                model=initialized(_recurrent(nn.RNN, 32, nonlinearity="relu"), lambda w: nn.init.normal_(w, std=0.5))
            ),
            "Le et al. 2015, recurrent networks of rectified linear units",
        ),
        Fault("Adam with rate 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), PLATEAU),
        Fault(
            "dropout of .95 before the output",
            ("regularization",),
            lambda p: p.but(model=_recurrent(nn.GRU, 32, last=lambda: nn.Dropout(0.95))),
            DEEPCRIME,
        ),
    )
