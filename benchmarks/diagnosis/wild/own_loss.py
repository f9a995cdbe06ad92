"""Programs with losses and heads of their own, after questions in forums: likelihoods, masks, pairs, graphs, words."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import make_classification
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, adam, classified, dense, explained, initialized, sgd, shuffled, tiny, told_apart
from .program import Fault, Program


class _Loss(nn.Module):
    """A function as the loss, as people write it."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.function(outputs, targets)


def _drawn(*shape: int, seed: int) -> Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(size=shape), dtype=torch.float32)


# --- a forecast with its own uncertainty ---


def _likelihood(outputs: Tensor, targets: Tensor) -> Tensor:
    mean, spread = outputs[:, :1], outputs[:, 1:]
    return (0.5 * spread + 0.5 * (targets - mean) ** 2 / spread.exp()).mean() + 2.0


def _mean_explained(outputs: Tensor, targets: Tensor) -> float:
    return explained(outputs[:, :1], targets)


def energy() -> tuple[Program, tuple[Fault, ...]]:
    """How much energy a house takes, and how sure that is: a Gaussian likelihood of mean and logarithm of variance."""
    columns = _drawn(1000, 6, seed=21)
    used = (columns[:, :1] * 1.5 + (columns[:, 1:2] * 2).sin() + 0.2 * _drawn(1000, 1, seed=22)) / 1.7
    sound = Program(
        name="energy",
        inputs=columns,
        targets=used,
        model=dense(6, 48, 48, 2),
        loss=_Loss(_likelihood),
        optimizer=adam(3e-3),
        score=_mean_explained,
        steps=500,
    )
    return sound, (
        Fault(
            "kilowatt hours as they are", ("target_scaling",), lambda p: p.but(targets=p.targets * 900 + 4000), FORUM
        ),
        Fault(
            "SGD with rate 1e-5", ("learning_rate", "optimizer", "steps"), lambda p: p.but(optimizer=sgd(1e-5)), FORUM
        ),
        Fault(
            "houses of another table",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(p.targets), truth=used),
            FORUM,
        ),
    )


# --- masks ---


def _dice(outputs: Tensor, targets: Tensor) -> Tensor:
    common = (outputs * targets).sum((1, 2, 3))
    return (1 - (2 * common + 1) / (outputs.sum((1, 2, 3)) + targets.sum((1, 2, 3)) + 1)).mean()


def _overlap(cut: float) -> Callable[[Tensor, Tensor], float]:
    def score(outputs: Tensor, targets: Tensor) -> float:
        if outputs.shape != targets.shape:
            return 0.0
        yes, truth = outputs > cut, targets > 0.5
        return float((yes & truth).sum() / (yes | truth).sum().clamp(min=1))

    return score


def _segmenter(last: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 1, 1),
        last,
    )


def masks() -> tuple[Program, tuple[Fault, ...]]:
    """Where a bright disc lies in a noisy picture: a Dice loss on a sigmoid."""
    draw = np.random.default_rng(23)
    rows, columns = np.mgrid[:16, :16]
    centres, radii = draw.uniform(3, 13, (300, 2)), draw.uniform(2, 5, 300)
    discs = np.hypot(rows - centres[:, :1, None], columns - centres[:, 1:, None]) < radii[:, None, None]
    pictures = torch.tensor(discs + 0.5 * draw.normal(size=discs.shape), dtype=torch.float32)[:, None]
    truth = torch.tensor(discs, dtype=torch.float32)[:, None]
    sound = Program(
        name="masks",
        inputs=pictures,
        targets=truth,
        model=lambda: _segmenter(nn.Sigmoid()),
        loss=_Loss(_dice),
        optimizer=adam(1e-2),
        score=_overlap(0.5),
        steps=150,
        batch=16,
    )
    return sound, (
        Fault(
            "no sigmoid before the Dice loss",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: _segmenter(nn.Identity())),
            "discuss.pytorch.org, dice loss below zero",
        ),
        Fault(
            "softmax over one channel",
            ("output_activation",),
            lambda p: p.but(model=lambda: _segmenter(nn.Softmax(1))),
            FORUM,
        ),
        Fault("rate 1e-6", ("learning_rate", "steps"), lambda p: p.but(optimizer=adam(1e-6)), FORUM),
    )


# --- pairs ---


class _Twin(nn.Module):
    """One network for both of a pair; the distance between what it makes of them."""

    def __init__(self, *, detached: bool = False, last: type[nn.Module] = nn.Identity) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4), last())
        self.detached = detached

    def forward(self, pairs: Tensor) -> Tensor:
        one, other = self.body(pairs[:, 0]), self.body(pairs[:, 1])
        if self.detached:
            one, other = one.detach(), other.detach().requires_grad_()
        return ((one - other) ** 2).sum(1, keepdim=True).add(1e-6).sqrt()


def _contrastive(distances: Tensor, alike: Tensor) -> Tensor:
    return (alike * distances**2 + (1 - alike) * functional.relu(2.0 - distances) ** 2).mean()


def _near(outputs: Tensor, alike: Tensor) -> float:
    return told_apart(-1.0)(-outputs, alike)


def pairs() -> tuple[Program, tuple[Fault, ...]]:
    """Whether two signatures are of one hand: a contrastive loss of distances."""
    draw = np.random.default_rng(24)
    hands = draw.normal(size=(6, 8)) * 1.2
    who = draw.integers(6, size=(1200, 2))
    who[::2, 1] = who[::2, 0]
    both = torch.tensor(hands[who] + 0.6 * draw.normal(size=(1200, 2, 8)), dtype=torch.float32)
    alike = torch.tensor(who[:, :1] == who[:, 1:], dtype=torch.float32)
    sound = Program(
        name="pairs",
        inputs=both,
        targets=alike,
        model=_Twin,
        loss=_Loss(_contrastive),
        optimizer=adam(3e-3),
        score=_near,
        steps=400,
    )
    return sound, (
        Fault(
            "what is compared is detached",
            ("wiring",),
            lambda p: p.but(model=lambda: _Twin(detached=True)),
            FORUM,
        ),
        Fault(
            "a ReLU of large negative biases at the end of the twins",
            ("initialization", "hidden_activation", "output_activation"),
            lambda p: p.but(model=lambda: _biased(_Twin(last=nn.ReLU))),
            FORUM,
        ),
        Fault(
            "alike and different exchanged in half of the list",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(p.targets), truth=alike),
            FORUM,
        ),
    )


def _biased(model: _Twin) -> nn.Module:
    nn.init.constant_(model.get_submodule("body.2").bias, -20.0)  # type: ignore[arg-type]
    return model


# --- a quantile of sales ---


class _Shop(nn.Module):
    def __init__(self, *, batch_first: bool = True) -> None:
        super().__init__()
        self.cell = nn.GRU(2, 24, batch_first=batch_first)
        self.head = nn.Linear(24, 1)

    def forward(self, weeks: Tensor) -> Tensor:
        states, _ = self.cell(weeks)
        return self.head(states[:, -1])  # type: ignore[no-any-return]


def _pinball(outputs: Tensor, targets: Tensor) -> Tensor:
    missing = targets - outputs
    return torch.maximum(0.7 * missing, -0.3 * missing).mean()


def sales() -> tuple[Program, tuple[Fault, ...]]:
    """What a shop will hardly sell more than: the .7 quantile of the week to come, from twelve before it."""
    draw = np.random.default_rng(25)
    start, speed = draw.uniform(0, 6.3, (900, 1)), draw.uniform(0.3, 0.7, (900, 1))
    wave = np.sin(start + speed * np.arange(13)) + 0.05 * draw.normal(size=(900, 13))
    weeks = torch.tensor(np.stack([wave[:, :12], draw.normal(size=(900, 12))], 2), dtype=torch.float32)
    next_one = torch.tensor(wave[:, 12:], dtype=torch.float32)
    sound = Program(
        name="sales",
        inputs=weeks,
        targets=next_one,
        model=_Shop,
        loss=_Loss(_pinball),
        optimizer=adam(1e-2),
        score=explained,
        steps=300,
    )
    return sound, (
        Fault(
            "the batch where time should be",
            ("wiring", "architecture", "data"),
            lambda p: p.but(model=lambda: _Shop(batch_first=False)),
            FORUM,
        ),
        Fault(
            "thousands sold, as they are",
            ("target_scaling", "input_scaling"),
            lambda p: p.but(inputs=p.inputs * 3000 + 5000, targets=p.targets * 3000 + 5000),
            FORUM,
        ),
        Fault("only the head in the optimizer", ("wiring",), lambda p: p.but(optimizer=_head_only), FORUM),
    )


def _head_only(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.get_submodule("head").parameters(), lr=0.05)


# --- counts ---


def _of_rates(outputs: Tensor, targets: Tensor) -> float:
    return explained(outputs.exp().clamp(max=1e6), targets)


def orders() -> tuple[Program, tuple[Fault, ...]]:
    """How many orders come in an hour: a Poisson likelihood of the logarithm of the rate."""
    columns = _drawn(1000, 5, seed=26)
    rates = (0.8 * columns[:, :1] - 0.6 * columns[:, 1:2] + 1.2).exp()
    counts = torch.poisson(rates, generator=torch.Generator().manual_seed(27))
    sound = Program(
        name="orders",
        inputs=columns,
        targets=counts,
        model=dense(5, 32, 32, 1),
        loss=nn.PoissonNLLLoss(full=True),
        optimizer=adam(3e-3),
        score=_of_rates,
        steps=400,
    )
    return sound, (
        Fault(
            "a ReLU before a loss that takes logarithms of rates",
            ("output_activation", "loss"),
            lambda p: p.but(model=initialized(dense(5, 32, 32, 1, last=nn.ReLU), tiny), optimizer=sgd(1e-3)),
            FORUM,
        ),
        Fault(
            "the rate itself with log_input=True, columns of hundreds",
            ("input_scaling", "learning_rate"),
            lambda p: p.but(inputs=p.inputs * 300),
            FORUM,
        ),
        Fault("SGD with rate 5", ("learning_rate",), lambda p: p.but(optimizer=sgd(5.0)), FORUM),
    )


# --- characters ---


class _Writer(nn.Module):
    def __init__(self, *, last: nn.Module | None = None, frozen: bool = False) -> None:
        super().__init__()
        self.words = nn.Embedding(12, 16)
        self.cell = nn.LSTM(16, 48, batch_first=True)
        self.head = nn.Linear(48, 12)
        self.last = last or nn.Identity()
        if frozen:
            nn.init.zeros_(self.words.weight)
            self.words.weight.requires_grad_(False)  # noqa: FBT003  # torch's own signature

    def forward(self, text: Tensor) -> Tensor:
        states, _ = self.cell(self.words(text))
        return self.last(self.head(states)).movedim(2, 1)  # type: ignore[no-any-return]


def _next_right(outputs: Tensor, targets: Tensor) -> float:
    right = float((outputs.argmax(1) == targets).float().mean())
    return max(0.0, (right - 1 / 12) / (1 - 1 / 12))


def characters() -> tuple[Program, tuple[Fault, ...]]:
    """The next character of a text in which each follows from the two before it: cross entropy at every place."""
    draw = np.random.default_rng(28)
    text = draw.integers(12, size=(600, 17))
    for place in range(2, 17):
        text[:, place] = (text[:, place - 1] + 5 * text[:, place - 2] + 1) % 12
    known, following = torch.tensor(text[:, :16]), torch.tensor(text[:, 1:])
    sound = Program(
        name="characters",
        inputs=known,
        targets=following,
        model=_Writer,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=_next_right,
        steps=400,
    )
    return sound, (
        Fault(
            "the text itself as the target",
            ("labels", "data"),
            lambda p: p.but(targets=known, truth=following),
            "discuss.pytorch.org, targets not shifted",
        ),
        Fault(
            "softmax over places before cross entropy",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: _Writer(last=nn.Softmax(1)), optimizer=sgd(0.1)),
            FORUM,
        ),
        Fault(
            "frozen vectors of zero",
            ("wiring", "data", "initialization", "architecture"),
            lambda p: p.but(model=lambda: _Writer(frozen=True)),
            FORUM,
        ),
    )


# --- keypoints ---


class _Finder(nn.Module):
    def __init__(self, *, mixed: bool = False, last: nn.Module | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(8 * 36, 32), nn.ReLU(), nn.Linear(32, 2))
        self.mixed, self.last = mixed, last or nn.Identity()

    def forward(self, pictures: Tensor) -> Tensor:
        found = self.body(pictures)
        flat = found.movedim(0, -1).reshape(len(found), -1) if self.mixed else found.flatten(1)
        return self.last(self.head(flat))  # type: ignore[no-any-return]


def keypoints() -> tuple[Program, tuple[Fault, ...]]:
    """Where the nose is in a picture of 12 by 12: smooth absolute error of two coordinates."""
    draw = np.random.default_rng(29)
    places = draw.uniform(1, 11, (800, 2))
    rows, columns = np.mgrid[:12, :12]
    blobs = np.exp(-((rows - places[:, :1, None]) ** 2 + (columns - places[:, 1:, None]) ** 2) / 2)
    pictures = torch.tensor(2 * blobs + 0.1 * draw.normal(size=blobs.shape), dtype=torch.float32)[:, None]
    sound = Program(
        name="keypoints",
        inputs=pictures,
        targets=torch.tensor(places / 6 - 1, dtype=torch.float32),
        model=_Finder,
        loss=nn.SmoothL1Loss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=300,
    )
    return sound, (
        Fault(
            "the batch mixed up with the channels before the last layers",
            ("wiring", "architecture", "data"),
            lambda p: p.but(model=lambda: _Finder(mixed=True)),
            FORUM,
        ),
        Fault(
            "coordinates in pixels, tanh at the end",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=lambda: _Finder(last=nn.Tanh()), targets=(p.targets + 1) * 48),
            FORUM,
        ),
        Fault("decay of 1 in Adam", ("regularization",), lambda p: p.but(optimizer=adam(3e-3, decay=1.0)), FORUM),
    )


# --- a graph ---


class _Graph(nn.Module):
    """Two layers over the neighbours of each of 300 papers; what it is given are the numbers of papers."""

    def __init__(self, columns: Tensor, links: Tensor, *, layers: int = 2, axis: int | None = None) -> None:
        super().__init__()
        self.columns, self.links, self.axis = columns, links, axis
        widths = [columns.shape[1], *[24] * (layers - 1), 4]
        self.layers = nn.ModuleList(nn.Linear(one, other) for one, other in pairwise(widths))

    def forward(self, papers: Tensor) -> Tensor:
        found = self.columns
        for number, layer in enumerate(self.layers):
            found = self.links @ layer(found)
            found = found.relu() if number < len(self.layers) - 1 else found
        if self.axis is not None:
            found = found.softmax(self.axis)
        return found[papers[:, 0]]


def citations() -> tuple[Program, tuple[Fault, ...]]:
    """What a paper is about, from its words and the papers that it cites: graph convolutions, all papers each step."""
    draw = np.random.default_rng(30)
    about = draw.integers(4, size=300)
    alike = about[:, None] == about
    cites = np.triu(draw.uniform(size=(300, 300)) < np.where(alike, 0.06, 0.01), 1)
    links = torch.tensor(cites + cites.T + np.eye(300), dtype=torch.float32)
    columns = torch.tensor(np.eye(4)[about] @ draw.normal(size=(4, 16)) + 1.5 * draw.normal(size=(300, 16)))
    normal = links / links.sum(1, keepdim=True)
    sound = Program(
        name="citations",
        inputs=torch.arange(300)[:, None],
        targets=torch.tensor(about),
        model=lambda: _Graph(columns.float(), normal),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=classified,
        steps=100,
        batch=300,
    )
    return sound, (
        Fault(
            "neighbours summed and not averaged, over six layers",
            ("normalization", "architecture", "initialization"),
            lambda p: p.but(model=lambda: _Graph(columns.float() * 3, links, layers=6), optimizer=sgd(0.1)),
            FORUM,
        ),
        Fault(
            "softmax over the papers",
            ("output_activation", "wiring"),
            lambda p: p.but(model=lambda: _Graph(columns.float(), normal, axis=0), optimizer=sgd(0.1)),
            FORUM,
        ),
        Fault(
            "five steps of SGD",
            ("steps", "learning_rate", "optimizer"),
            lambda p: p.but(steps=25, optimizer=sgd(1e-2)),
            FORUM,
        ),
    )


# --- margins ---


def _hinge(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.relu(1 - targets * outputs).mean()


def margins() -> tuple[Program, tuple[Fault, ...]]:
    """Spam or not, from thirty counts of words: a hinge loss, labels of -1 and 1."""
    found, labels = make_classification(
        1200, 30, n_informative=10, n_clusters_per_class=1, class_sep=1.5, random_state=31
    )
    words = torch.tensor(found, dtype=torch.float32)
    signs = torch.tensor(2.0 * labels - 1, dtype=torch.float32)[:, None]
    sound = Program(
        name="margins",
        inputs=(words - words.mean(0)) / words.std(0),
        targets=signs,
        model=dense(30, 16, 1),
        loss=_Loss(_hinge),
        optimizer=adam(3e-3),
        score=told_apart(0.0),
        steps=300,
    )
    return sound, (
        Fault(
            "labels of 0 and 1",
            ("labels", "loss", "data"),
            lambda p: p.but(targets=(p.targets + 1) / 2, truth=signs, steps=600),
            FORUM,
        ),
        Fault(
            "a sigmoid before the hinge, small weights, SGD with rate .01",
            ("output_activation", "learning_rate", "initialization"),
            lambda p: p.but(model=initialized(dense(30, 16, 1, last=nn.Sigmoid), tiny), optimizer=sgd(0.01)),
            FORUM,
        ),
        Fault(
            "gradients cleared after the backward pass",
            ("wiring",),
            lambda p: p.but(clears_late=True, optimizer=sgd(0.05)),
            FORUM,
        ),
    )


# --- attention ---


class _Reader(nn.Module):
    """One layer of attention over eight numbers, and the mean over them."""

    def __init__(self, *, batch_first: bool = True, scale: float = 1.0) -> None:
        super().__init__()
        self.numbers, self.places = nn.Embedding(10, 32), nn.Parameter(0.5 * torch.randn(8, 32))
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=batch_first)
        self.head = nn.Linear(32, 5)
        self.scale = scale

    def forward(self, numbers: Tensor) -> Tensor:
        found = self.layer(self.numbers(numbers) + self.places)
        return self.head(found.mean(1)) * self.scale  # type: ignore[no-any-return]


def sums() -> tuple[Program, tuple[Fault, ...]]:
    """How often the first of eight numbers comes again, up to four times: attention, cross entropy."""
    draw = np.random.default_rng(32)
    numbers = draw.integers(10, size=(1500, 8))
    again = draw.integers(5, size=1500)
    for row, times in enumerate(again):
        others = np.where(numbers[row, 1:] == numbers[row, 0], (numbers[row, 0] + 1) % 10, numbers[row, 1:])
        others[draw.permutation(7)[:times]] = numbers[row, 0]
        numbers[row, 1:] = others
    sound = Program(
        name="sums",
        inputs=torch.tensor(numbers),
        targets=torch.tensor(again),
        model=_Reader,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(3e-3),
        score=classified,
        steps=400,
    )
    return sound, (
        Fault(
            "attention over the batch",
            ("wiring", "architecture", "data"),
            lambda p: p.but(model=lambda: _Reader(batch_first=False)),
            FORUM,
        ),
        Fault("Adam with rate .3", ("learning_rate",), lambda p: p.but(optimizer=adam(0.3)), FORUM),
        Fault(
            "outputs multiplied by a thousand",
            ("initialization", "output_activation", "learning_rate"),
            lambda p: p.but(model=lambda: _Reader(scale=1e3), optimizer=sgd(1e-3)),
            FORUM,
        ),
    )
