"""Ordinary programs over the digits of scikit-learn: classes, a head on a trained body, an autoencoder, pairs.

They were written by the sixth author; see columns.py.
"""

import copy
from functools import cache
from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from .columns import KEEP
from .parts import DEEPCRIME, FORUM, adam, classified, explained, floats, initialized, large, sgd, told_apart
from .program import Fault, Model, Optimizing, Program

AUTOENCODER = "github.com/keras-team/keras/issues/3642"
ZERO_GRAD = "github.com/wenet-e2e/wekws/pull/73"
UNREGISTERED = "github.com/pytorch/pytorch/issues/715"


@cache
def _digits() -> tuple[Tensor, Tensor]:
    """Pictures of 8 by 8 from 0 to 1, and which digits they show."""
    found = load_digits()
    return floats(found.images)[:, None] / 16, torch.tensor(found.target)


def _convolutions(dropout: float = 0.0, *, last: nn.Module | None = None) -> Model:
    return lambda: nn.Sequential(
        *(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(96, 48), nn.ReLU(), nn.Dropout(dropout), nn.Linear(48, 10)),
        *([last] if last is not None else []),
    )


def glyphs() -> tuple[Program, tuple[Fault, ...]]:
    """Which digit a picture shows: two convolutions, log softmax, NLLLoss."""
    pictures, digits = _digits()
    mixed = torch.randperm(len(digits), generator=torch.Generator().manual_seed(3))
    sound = Program(
        name="glyphs",
        inputs=pictures,
        targets=digits,
        model=_convolutions(last=nn.LogSoftmax(1)),
        loss=nn.NLLLoss(),
        optimizer=sgd(0.05, momentum=0.9),
        score=classified,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "no logarithm before NLLLoss",
            ("output_activation", "loss"),
            lambda p: p.but(model=_convolutions(last=nn.Softmax(1))),
            "discuss.pytorch.org, the loss of NLLLoss is negative",
        ),
        Fault(
            "rate of 1 with momentum", ("learning_rate",), lambda p: p.but(optimizer=sgd(1.0, momentum=0.9)), DEEPCRIME
        ),
        Fault(
            "weights of deviation 1", ("initialization",), lambda p: p.but(model=initialized(p.model, large)), DEEPCRIME
        ),
        Fault(
            "dropout of .97 before the last layer",
            ("regularization",),
            lambda p: p.but(model=_convolutions(0.97, last=nn.LogSoftmax(1))),
            KEEP,
        ),
        Fault(
            "pictures shuffled without their labels",
            ("labels", "data"),
            lambda p: p.but(inputs=pictures[mixed], truth=digits[mixed]),
            FORUM,
        ),
    )


@cache
def _trained() -> nn.Module:
    """A body that tells the digits below 5 apart."""
    pictures, digits = _digits()
    pictures, digits = pictures[digits < 5], digits[digits < 5]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        )
        model = nn.Sequential(body, nn.Linear(96, 5))
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(120):
            rows = torch.randint(len(digits), (64,))
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(pictures[rows]), digits[rows]).backward()
            optimizer.step()
    return body.eval()


class _Headed(nn.Module):
    """A trained body and a new head."""

    def __init__(self, *, learns: bool = False, last: nn.Module | None = None) -> None:
        super().__init__()
        self.body = copy.deepcopy(_trained()).requires_grad_(learns)
        self.fc = nn.Linear(96, 5)
        self.last = last or nn.Identity()

    def forward(self, pictures: Tensor) -> Tensor:
        return self.last(self.fc(self.body(pictures)))


def retrained() -> tuple[Program, tuple[Fault, ...]]:
    """Which of the digits from 5 to 9: a new head on a body trained on the others."""
    pictures, digits = _digits()
    pictures, digits = pictures[digits > 4], digits[digits > 4] - 5

    def head(rate: float) -> Optimizing:
        return lambda model: torch.optim.Adam(model.get_submodule("fc").parameters(), lr=rate)

    sound = Program(
        name="retrained",
        inputs=pictures,
        targets=digits,
        model=_Headed,
        loss=nn.CrossEntropyLoss(),
        optimizer=head(5e-3),
        score=classified,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "the optimizer made before the head was replaced",
            ("wiring", "optimizer"),
            lambda p: p.but(model=lambda: _Headed(learns=True), optimizer=_of_another_head),
            "discuss.pytorch.org, the optimizer holds the parameters of the replaced layer",
        ),
        Fault(
            "the rate of fine-tuning for the new head",
            ("learning_rate",),
            lambda p: p.but(optimizer=head(1e-5)),
            FORUM,
        ),
        Fault(
            "the new head frozen with the body, but for biases",
            ("wiring",),
            lambda p: p.but(model=lambda: _biases(_Headed()), optimizer=adam(5e-3)),
            "discuss.pytorch.org, requires_grad set after the head was replaced",
        ),
        Fault(
            "softmax before cross entropy, SGD",
            ("output_activation", "loss"),
            lambda p: p.but(
                model=lambda: _Headed(last=nn.Softmax(1)),
                optimizer=lambda model: torch.optim.SGD(model.get_submodule("fc").parameters(), lr=0.02),
            ),
            "github.com/sugi-chan/custom_bert_pipeline/issues/1",
        ),
    )


def _biases(model: nn.Module) -> nn.Module:
    """The model, whose biases alone learn."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("bias" in name)
    return model


def _of_another_head(_: nn.Module) -> torch.optim.Optimizer:
    """Adam over the parameters of a head that the model no longer has."""
    return torch.optim.Adam(nn.Linear(96, 5).parameters(), lr=5e-3)


class _Codec(nn.Module):
    """Linear layers to a code and back."""

    def __init__(
        self,
        *sizes: int,
        hidden: type[nn.Module] = nn.ReLU,
        last: type[nn.Module] = nn.Sigmoid,
        detached: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), *self._layers(sizes, hidden))
        self.decoder = nn.Sequential(*self._layers(sizes[::-1], hidden), last(), nn.Unflatten(1, (1, 8, 8)))
        self.detached = detached

    @staticmethod
    def _layers(sizes: tuple[int, ...], hidden: type[nn.Module]) -> list[nn.Module]:
        layers = [layer for before, after in pairwise(sizes) for layer in (nn.Linear(before, after), hidden())]
        return layers[:-1]

    def forward(self, pictures: Tensor) -> Tensor:
        code = self.encoder(pictures)
        return self.decoder(code.detach() if self.detached else code)


def thumbnails() -> tuple[Program, tuple[Fault, ...]]:
    """A picture from a code of twelve numbers."""
    pictures, _ = _digits()
    sound = Program(
        name="thumbnails",
        inputs=pictures,
        targets=pictures,
        model=lambda: _Codec(64, 64, 12),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=800,
        held_out=True,
    )
    return sound, (
        Fault(
            "pixels to 255 for a sigmoid",
            ("target_scaling", "output_activation"),
            lambda p: p.but(inputs=pictures * 255, targets=pictures * 255),
            AUTOENCODER,
        ),
        Fault("a code of one number", ("architecture",), lambda p: p.but(model=lambda: _Codec(64, 64, 1)), FORUM),
        Fault(
            "sigmoid between eight layers",
            ("hidden_activation", "initialization", "architecture"),
            lambda p: p.but(model=lambda: _Codec(64, 64, 48, 32, 12, hidden=nn.Sigmoid)),
            FORUM,
        ),
        Fault(
            "the code detached",
            ("wiring",),
            lambda p: p.but(model=lambda: _Codec(64, 64, 12, detached=True)),
            "discuss.pytorch.org, detach in the wrong place",
        ),
        Fault(
            "pixels from -1 to 1 for a sigmoid",
            ("output_activation", "target_scaling"),
            lambda p: p.but(inputs=pictures * 2 - 1, targets=pictures * 2 - 1),
            "github.com/AntixK/PyTorch-VAE/issues/48",
        ),
    )


class _Twins(nn.Module):
    """One branch for both pictures; how likely they show the same digit, by the difference of their codes."""

    def __init__(self, *, signed: bool = False, held: bool = True) -> None:
        super().__init__()
        layers = [nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))]
        self.layers = nn.ModuleList(layers) if held else layers
        self.head = nn.Linear(32, 1)
        self.signed = signed

    def forward(self, pairs: Tensor) -> Tensor:
        first, second = (self.layers[0](pairs[:, side].flatten(1)) for side in range(2))
        return self.head(first - second if self.signed else (first - second).abs())


def lookalikes() -> tuple[Program, tuple[Fault, ...]]:
    """Whether two pictures show the same digit: one branch for both, the absolute difference of the codes."""
    pictures, digits = _digits()
    draw = np.random.default_rng(606)
    first = draw.integers(len(digits), size=2400)
    kin = [np.flatnonzero(digits.numpy() == digit) for digit in range(10)]
    second = np.array([draw.choice(kin[digits[k]]) for k in first])
    second[1200:] = draw.integers(len(digits), size=1200)
    same = (digits[first] == digits[second]).float()[:, None]
    anew = second[::-1].copy()
    truly = (digits[first] == digits[anew]).float()[:, None]
    sound = Program(
        name="lookalikes",
        inputs=torch.stack([pictures[first], pictures[second]], 1),
        targets=same,
        model=_Twins,
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(3e-3),
        score=told_apart(0.0),
        steps=700,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "the difference with its sign",
            ("architecture", "hidden_activation"),
            lambda p: p.but(model=lambda: _Twins(signed=True)),
            FORUM,
        ),
        Fault(
            "the branch in a plain list",
            ("wiring", "optimizer"),
            lambda p: p.but(model=lambda: _Twins(held=False)),
            UNREGISTERED,
        ),
        Fault("batches of one", ("batch_size",), lambda p: p.but(batch=1, optimizer=adam(2e-2)), FORUM),
        Fault(
            "gradients never cleared, SGD",
            ("wiring",),
            lambda p: p.but(clears=False, optimizer=sgd(0.1)),
            ZERO_GRAD,
        ),
        Fault(
            "second pictures drawn anew after the answers",
            ("labels", "data"),
            lambda p: p.but(inputs=torch.stack([pictures[first], pictures[anew]], 1), truth=truly),
            FORUM,
        ),
    )
