"""Programs after forum threads and issues: images, text, time series, ratings."""

from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from .parts import adam, classified, dense, explained, initialized, large, sgd, told_apart
from .program import Fault, Program

FORUM = "discuss.pytorch.org, many times"


def _pets(*, normed: bool = True, last: nn.Module | None = None) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16) if normed else nn.Identity(), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24) if normed else nn.Identity(), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.3), nn.Linear(24 * 16, 32), nn.ReLU(), nn.Linear(32, 1)),
        *([last] if last is not None else []),
    )


def pets() -> tuple[Program, tuple[Fault, ...]]:
    """Which of two animals is in a picture: a convolutional network with one logit."""
    draw = np.random.default_rng(21)
    kinds = draw.integers(2, size=600)
    places = np.arange(16)
    waves = np.sin(draw.uniform(0, 6.3, (600, 1)) + draw.uniform(0.7, 1.5, (600, 1)) * places)
    lying, standing = (
        np.broadcast_to(waves[:, :, None], (600, 16, 16)),
        np.broadcast_to(waves[:, None, :], (600, 16, 16)),
    )
    fur = np.where(kinds[:, None, None] == 1, standing, lying)[:, None] * draw.uniform(0.3, 1, (600, 3, 1, 1))
    pixels = torch.tensor(0.5 + 0.25 * fur + 0.1 * draw.normal(size=(600, 3, 16, 16)), dtype=torch.float32).clamp(0, 1)
    answers = torch.tensor(kinds, dtype=torch.float32)[:, None]
    sound = Program(
        name="pets",
        inputs=pixels,
        targets=answers,
        model=_pets,
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(1e-3),
        score=told_apart(0.0),
        steps=250,
    )
    return sound, (
        Fault(
            "pixels of 0 to 255, no norms, SGD with rate .01",
            ("input_scaling", "normalization", "learning_rate"),
            lambda p: p.but(inputs=255 * pixels, model=lambda: _pets(normed=False), optimizer=sgd(0.01, momentum=0.9)),
            FORUM,
        ),
        Fault(
            "sigmoid before a loss of logits, SGD with rate .001",
            ("output_activation", "loss", "learning_rate"),
            lambda p: p.but(
                model=lambda: _pets(normed=False, last=nn.Sigmoid()), optimizer=sgd(1e-3), score=told_apart(0.5)
            ),
            "discuss.pytorch.org/t/58703",
        ),
        Fault(
            "every picture labelled as of the first folder",
            ("labels", "data"),
            lambda p: p.but(targets=torch.zeros_like(answers), truth=answers),
            "github.com/keras-team/keras/issues/13006",
        ),
        Fault(
            "SGD with rate 1, no norms",
            ("learning_rate",),
            lambda p: p.but(model=lambda: _pets(normed=False), optimizer=sgd(1.0, momentum=0.9)),
            "datascience.stackexchange.com/q/28481",
        ),
        Fault(
            "a layer norm over the one output",
            ("normalization", "architecture"),
            lambda p: p.but(model=lambda: _pets(last=nn.LayerNorm(1))),
            FORUM,
        ),
    )


class _Reader(nn.Module):
    """Words through an LSTM; its state after the last word, or after the padding."""

    def __init__(self, *, padded: bool = False, last: nn.Module | None = None, words: Tensor | None = None) -> None:
        super().__init__()
        self.words = nn.Embedding(300, 24, padding_idx=0) if words is None else nn.Embedding.from_pretrained(words)
        self.cell = nn.LSTM(24, 32, batch_first=True)
        self.head = nn.Linear(32, 1)
        self.padded = padded
        self.last = nn.Identity() if last is None else last

    def forward(self, rows: Tensor) -> Tensor:
        states, _ = self.cell(self.words(rows))
        ends = (rows != 0).sum(1) - 1
        found = states[:, -1] if self.padded else states[torch.arange(len(rows)), ends]
        return self.last(self.head(found))


def films() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a review of a film is kind: an LSTM over words, padded with zeros to one length."""
    draw = torch.Generator().manual_seed(22)
    rows = torch.randint(1, 300, (1200, 40), generator=draw)
    lengths = torch.randint(4, 12, (1200, 1), generator=draw)
    rows = rows.masked_fill(torch.arange(40) >= lengths, 0)
    weights = torch.cat([torch.zeros(1), torch.randn(299, generator=draw)])
    answers = (weights[rows].sum(1, keepdim=True) > 0).float()
    sound = Program(
        name="films",
        inputs=rows,
        targets=answers,
        model=_Reader,
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(1e-2),
        score=told_apart(0.0),
        steps=300,
    )
    return sound, (
        Fault(
            "the state after the padding",
            ("architecture", "data", "wiring"),
            lambda p: p.but(model=lambda: _Reader(padded=True), optimizer=adam(1e-3)),
            "seungminnam.github.io, 5_LSTM_Sentiment",
        ),
        Fault(
            "softmax over the batch",
            ("output_activation",),
            lambda p: p.but(
                model=lambda: _Reader(last=nn.Softmax(0)), loss=nn.BCELoss(), score=told_apart(0.5), steps=150
            ),
            FORUM,
        ),
        Fault(
            "frozen word vectors of zero, as no word was found in the file",
            ("wiring", "data", "initialization"),
            lambda p: p.but(model=lambda: _Reader(words=torch.zeros(300, 24))),
            FORUM,
        ),
        Fault("Adam with rate 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), FORUM),
    )


class _Months(nn.Module):
    """An LSTM over months; perhaps its axes are exchanged by a view."""

    def __init__(self, width: int = 32, *, viewed: bool = False) -> None:
        super().__init__()
        self.cell = nn.LSTM(1, width)
        self.head = nn.Linear(width, 1)
        self.viewed = viewed

    def forward(self, values: Tensor) -> Tensor:
        samples, months, _ = values.shape
        turned = values.reshape(months, samples, 1) if self.viewed else values.transpose(0, 1)
        return self.head(self.cell(turned)[0][-1])


def passengers() -> tuple[Program, tuple[Fault, ...]]:
    """Next month's passengers of many lines from a year of months: an LSTM, mean squared error."""
    draw = np.random.default_rng(23)
    months = np.arange(13)
    level, growth = draw.uniform(250, 450, (900, 1)), draw.uniform(-2, 6, (900, 1))
    season = draw.uniform(20, 90, (900, 1)) * np.sin(0.5236 * months + draw.uniform(0, 6.3, (900, 1)))
    counts = torch.tensor(level + growth * months + season + 3 * draw.normal(size=(900, 13)), dtype=torch.float32)
    scaled = (counts - 350) / 80
    sound = Program(
        name="passengers",
        inputs=scaled[:, :12, None],
        targets=scaled[:, 12:],
        model=_Months,
        loss=nn.MSELoss(),
        optimizer=adam(1e-2),
        score=explained,
        steps=500,
    )
    return sound, (
        Fault(
            "counts of hundreds as they are",
            ("target_scaling", "input_scaling"),
            lambda p: p.but(inputs=counts[:, :12, None], targets=counts[:, 12:]),
            "github.com/krishnaik06/Time-Series-Forecasting/issues/2",
        ),
        Fault(
            "three units, rate 3e-4, ten epochs",
            ("learning_rate", "steps", "architecture"),
            lambda p: p.but(model=lambda: _Months(3), optimizer=adam(3e-4), steps=280),
            "discuss.pytorch.org/t/98896",
        ),
        Fault(
            "axes exchanged by a view",
            ("wiring", "data"),
            lambda p: p.but(model=lambda: _Months(viewed=True)),
            "medium.com, 'The dangers of reshaping'",
        ),
        Fault(
            "SGD with rate .001",
            ("learning_rate", "optimizer"),
            lambda p: p.but(optimizer=sgd(1e-3)),
            "discuss.pytorch.org/t/159152",
        ),
    )


class _Variational(nn.Module):
    """Pictures back, beside the means and log variances of their codes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
        self.decoder = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.Sigmoid())

    def forward(self, pixels: Tensor) -> Tensor:
        means, logs = self.encoder(pixels).chunk(2, 1)
        noise = torch.randn_like(means) if self.training else torch.zeros_like(means)
        return torch.cat([self.decoder(means + noise * (logs / 2).exp()), means, logs], 1)


class _Evidence(nn.Module):
    """What a variational autoencoder minimizes: the error of its pictures, and the divergence of its codes."""

    def __init__(self, *, mean: bool = False) -> None:
        super().__init__()
        self.mean = mean

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        pictures, means, logs = outputs.split([64, 8, 8], 1)
        divergence = -0.5 * (1 + logs - means**2 - logs.exp()).sum()
        if self.mean:
            return nn.functional.mse_loss(pictures, targets) + divergence
        return (60 * nn.functional.mse_loss(pictures, targets, reduction="sum") + divergence) / len(targets)


def _pictures_explained(outputs: Tensor, targets: Tensor) -> float:
    return explained(outputs[:, :64], targets)


def variational() -> tuple[Program, tuple[Fault, ...]]:
    """Digits through a variational autoencoder."""
    pixels = torch.tensor(load_digits().data, dtype=torch.float32) / 16
    sound = Program(
        name="variational",
        inputs=pixels,
        targets=pixels,
        model=_Variational,
        loss=_Evidence(),
        optimizer=adam(3e-3),
        score=_pictures_explained,
        steps=900,
        batch=64,
    )
    return sound, (
        Fault(
            "the mean of squared errors beside a summed divergence",
            ("loss",),
            lambda p: p.but(loss=_Evidence(mean=True)),
            "blog.shlomidom.com, 'Fixing VAE model reconstructions'",
        ),
        Fault(
            "pixels of -1 to 1 out of a sigmoid",
            ("output_activation", "target_scaling"),
            lambda p: p.but(inputs=2 * pixels - 1, targets=2 * pixels - 1),
            "stackoverflow.com, 'What could cause a VAE to output random noise'",
        ),
        Fault("Adam with rate .3", ("learning_rate",), lambda p: p.but(optimizer=adam(0.3)), FORUM),
    )


def denoise() -> tuple[Program, tuple[Fault, ...]]:
    """A cyclic signal without its noise: an autoencoder of linear layers, tanh at its end."""
    draw = np.random.default_rng(24)
    angles = draw.uniform(0, 6.3, (1500, 1)) + draw.uniform(0.15, 0.5, (1500, 1)) * np.arange(40)
    clean = torch.tensor(0.8 * np.cos(angles), dtype=torch.float32)
    noisy = clean + torch.tensor(0.3 * draw.normal(size=(1500, 40)), dtype=torch.float32)
    sound = Program(
        name="denoise",
        inputs=noisy,
        targets=clean,
        model=dense(40, 64, 12, 64, 40, last=nn.Tanh),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=800,
        batch=50,
    )
    return sound, (
        Fault(
            "the clean signal starts at a place of its own",
            ("labels", "data"),
            lambda p: p.but(targets=clean.roll(11, 0), truth=clean),
            "stackoverflow.com/q/63500337",
        ),
        Fault(
            "SGD with rate .01",
            ("learning_rate", "optimizer", "steps"),
            lambda p: p.but(optimizer=sgd(0.01)),
            FORUM,
        ),
        Fault(
            "a code of one unit after ReLU",
            ("architecture",),
            lambda p: p.but(model=dense(40, 64, 1, 64, 40, last=nn.Tanh)),
            FORUM,
        ),
        Fault(
            "sigmoid at the end",
            ("output_activation",),
            lambda p: p.but(model=dense(40, 64, 12, 64, 40, last=nn.Sigmoid)),
            FORUM,
        ),
    )


class _Factors(nn.Module):
    """The product of a user's factors and a film's, beside what both get on average."""

    def __init__(self, *, width: int = 6, deviation: float = 0.1, squashed: bool = False) -> None:
        super().__init__()
        self.users, self.films = nn.Embedding(80, width), nn.Embedding(60, width)
        self.mean = nn.Parameter(torch.zeros(1))
        self.squashed = squashed
        for factors in (self.users, self.films):
            nn.init.normal_(factors.weight, std=deviation)

    def forward(self, pairs: Tensor) -> Tensor:
        stars = (self.users(pairs[:, 0]) * self.films(pairs[:, 1])).sum(1) + self.mean
        return stars.sigmoid() if self.squashed else stars


def ratings() -> tuple[Program, tuple[Fault, ...]]:
    """How many stars a user gives a film: a factorized matrix, mean squared error."""
    draw = torch.Generator().manual_seed(25)
    pairs = torch.stack([torch.randint(80, (4000,), generator=draw), torch.randint(60, (4000,), generator=draw)], 1)
    tastes, styles = torch.randn(80, 3, generator=draw), torch.randn(60, 3, generator=draw)
    stars = 3 + 0.6 * (tastes[pairs[:, 0]] * styles[pairs[:, 1]]).sum(1) + 0.2 * torch.randn(4000, generator=draw)
    sound = Program(
        name="ratings",
        inputs=pairs,
        targets=stars.clamp(1, 5),
        model=_Factors,
        loss=nn.MSELoss(),
        optimizer=adam(2e-2),
        score=explained,
        steps=600,
        batch=128,
    )
    return sound, (
        Fault(
            "SGD with rate .01",
            ("learning_rate", "optimizer"),
            lambda p: p.but(optimizer=sgd(0.01)),
            "ethanrosenthal.com, 2017",
        ),
        Fault(
            "sigmoid before stars of 1 to 5",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=lambda: _Factors(squashed=True)),
            FORUM,
        ),
        Fault(
            "sixty factors of three deviations, Adam with rate .001",
            ("initialization", "learning_rate"),
            lambda p: p.but(model=lambda: _Factors(width=60, deviation=3.0), optimizer=adam(1e-3)),
            "d2l.ai, recommender systems",
        ),
        Fault(
            "summed error, SGD with rate .1",
            ("loss", "learning_rate"),
            lambda p: p.but(loss=nn.MSELoss(reduction="sum"), optimizer=sgd(0.1)),
            FORUM,
        ),
    )


def _deep(*, normed: bool = True, hidden: type[nn.Module] = nn.ReLU) -> nn.Module:
    sizes = [64, *[32] * 14]
    blocks = [
        (nn.Linear(before, after), nn.BatchNorm1d(after) if normed else nn.Identity(), hidden())
        for before, after in pairwise(sizes)
    ]
    return nn.Sequential(*(layer for block in blocks for layer in block), nn.Linear(32, 10))


def deep() -> tuple[Program, tuple[Fault, ...]]:
    """Handwritten digits through fourteen narrow layers with batch norms: cross entropy."""
    found = load_digits()
    sound = Program(
        name="deep",
        inputs=torch.tensor(found.data, dtype=torch.float32) / 16,
        targets=torch.tensor(found.target),
        model=_deep,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(3e-3),
        score=classified,
        steps=300,
        batch=64,
    )
    return sound, (
        Fault(
            "no norms",
            ("normalization", "initialization", "architecture"),
            lambda p: p.but(model=lambda: _deep(normed=False), optimizer=sgd(0.05, momentum=0.9)),
            FORUM,
        ),
        Fault(
            "sigmoids, no norms",
            ("hidden_activation", "normalization", "architecture"),
            lambda p: p.but(model=lambda: _deep(normed=False, hidden=nn.Sigmoid)),
            FORUM,
        ),
        Fault(
            "weights of one deviation, no norms",
            ("initialization", "normalization"),
            lambda p: p.but(model=initialized(lambda: _deep(normed=False), large), optimizer=sgd(0.01)),
            FORUM,
        ),
        Fault("batches of two", ("batch_size", "normalization"), lambda p: p.but(batch=2), FORUM),
        Fault("Adam with rate 1e-5", ("learning_rate",), lambda p: p.but(optimizer=adam(1e-5)), FORUM),
    )


class _Tokens(nn.Module):
    """A transformer whose last token has to find what the first one was."""

    def __init__(self, *, layers: int = 2, batch_first: bool = True, placed: bool = True) -> None:
        super().__init__()
        self.tokens = nn.Embedding(12, 32)
        self.places = nn.Parameter(torch.randn(10, 32) if placed else torch.zeros(10, 32), requires_grad=placed)
        block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=batch_first)
        self.blocks = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.head = nn.Linear(32, 12)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.blocks(self.tokens(rows) + self.places)[:, -1])


def tokens() -> tuple[Program, tuple[Fault, ...]]:
    """Which token came first, told at the last: a small transformer, cross entropy."""
    rows = torch.randint(12, (2000, 10), generator=torch.Generator().manual_seed(26))
    sound = Program(
        name="tokens",
        inputs=rows,
        targets=rows[:, 0],
        model=_Tokens,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(2e-3),
        score=classified,
        steps=300,
    )
    return sound, (
        Fault(
            "the batch read as time",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Tokens(batch_first=False)),
            "runebook.dev, TransformerEncoderLayer.forward",
        ),
        Fault(
            "no places added",
            ("architecture", "data"),
            lambda p: p.but(model=lambda: _Tokens(placed=False)),
            FORUM,
        ),
        Fault(
            "six layers with rate .02, no warmup",
            ("learning_rate", "schedule"),
            lambda p: p.but(model=lambda: _Tokens(layers=6), optimizer=adam(0.02), steps=250),
            FORUM,
        ),
        Fault("SGD with rate .01", ("optimizer", "learning_rate"), lambda p: p.but(optimizer=sgd(0.01)), FORUM),
    )


class _Letters(nn.Module):
    """An LSTM that says each next letter; cross entropy wants letters on the second axis."""

    def __init__(self, *, viewed: bool = False, last: nn.Module | None = None) -> None:
        super().__init__()
        self.letters = nn.Embedding(15, 16)
        self.cell = nn.LSTM(16, 48, batch_first=True)
        self.head = nn.Linear(48, 15)
        self.last = nn.Identity() if last is None else last
        self.viewed = viewed

    def forward(self, rows: Tensor) -> Tensor:
        found = self.head(self.cell(self.letters(rows))[0])
        samples, places, letters = found.shape
        turned = found.reshape(samples, letters, places) if self.viewed else found.transpose(1, 2)
        return self.last(turned)


def _each_classified(outputs: Tensor, targets: Tensor) -> float:
    return classified(outputs.transpose(1, 2).reshape(-1, outputs.shape[1]), targets.reshape(-1))


def letters() -> tuple[Program, tuple[Fault, ...]]:
    """Each next letter of a text that repeats its words: an LSTM, cross entropy at all places."""
    draw = np.random.default_rng(27)
    words = [draw.integers(15, size=size) for size in (3, 4, 5, 6, 7)]
    text = np.concatenate([words[draw.integers(5)] for _ in range(3000)])
    windows = torch.tensor(np.lib.stride_tricks.sliding_window_view(text, 21)[::11].copy())
    sound = Program(
        name="letters",
        inputs=windows[:, :20],
        targets=windows[:, 1:],
        model=_Letters,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=_each_classified,
        steps=300,
    )
    return sound, (
        Fault(
            "axes exchanged by a view",
            ("wiring", "data", "loss"),
            lambda p: p.but(model=lambda: _Letters(viewed=True)),
            "medium.com, 'The dangers of reshaping'",
        ),
        Fault(
            "softmax over places before cross entropy, SGD with rate .1",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: _Letters(last=nn.Softmax(2)), optimizer=sgd(0.1)),
            FORUM,
        ),
        Fault(
            "clipped to .001 under SGD with rate .1",
            ("clipping", "learning_rate"),
            lambda p: p.but(optimizer=sgd(0.1), clip=1e-3),
            FORUM,
        ),
        Fault(
            "labels of the letter after a wrong one",
            ("labels", "data"),
            lambda p: p.but(targets=windows[:, 1:].roll(17, 0), truth=windows[:, 1:]),
            FORUM,
        ),
    )
