"""Programs over images: clothes, roofs, dials, sprites, car parks, badges, and digits of a post office.

They were written by a tenth author; see survey.py.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, adam, classified, explained, floats, sgd, shuffled, told_apart
from .play import OwnLoss
from .program import Fault, Model, Origin, Program

CLOTHES = "discuss.pytorch.org, Fashion-MNIST loss stays at 2.30"
EVAL = "discuss.pytorch.org, model.eval() gives much worse results than model.train()"
BACKGROUND = "github.com/ellisdg/3DUnetCNN/issues/75"
DICE = "github.com/MIC-DKFZ/medicaldetectiontoolkit/issues/6"
ANGLE = "stackoverflow.com, network that predicts an angle"
COLLAPSE = "github.com/AppliedDataSciencePartners/WorldModels/issues/12"
KL = "github.com/zdebruine/MMVAE/pull/19"
YOLO = "github.com, issues on YOLO in PyTorch whose loss is nan"
ARCFACE = "github.com/deepinsight/insightface/issues/2144"
COSFACE = "github.com/layumi/Person_reID_baseline_pytorch/issues/304"
TRANSFER = "discuss.pytorch.org/t/best-practice-for-freezing-layers/58156"


class _Clothes(nn.Module):
    """Two blocks of convolution, norm, ReLU and pooling, then linear layers."""

    def __init__(
        self, *, momentum: float = 0.1, normed: bool = True, dropped: float = 0.0, mixes: bool = False, outputs: int = 4
    ) -> None:
        super().__init__()

        def block(before: int, after: int) -> nn.Sequential:
            norm = nn.BatchNorm2d(after, momentum=momentum) if normed else nn.Identity()
            return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), norm, nn.ReLU(), nn.MaxPool2d(2))

        self.body = nn.Sequential(block(1, 8), block(8, 16))
        self.head = nn.Sequential(nn.Linear(144, 32), nn.ReLU(), nn.Linear(32, outputs), nn.Dropout(dropped))
        self.mixes = mixes

    def forward(self, images: Tensor) -> Tensor:
        found = self.body(images)
        return self.head(found.transpose(0, 1).reshape(-1, 144) if self.mixes else found.flatten(1))


def garments() -> tuple[Program, tuple[Fault, ...]]:
    """Shirt, dress, trousers or bag, as a picture of twelve by twelve: convolutions with batch normalization."""
    draw = np.random.default_rng(1011)
    kinds = draw.integers(4, size=1000)
    pictures = draw.uniform(0, 0.35, (1000, 12, 12))
    for picture, kind in zip(pictures, kinds, strict=True):
        top, left = draw.integers(0, 3), draw.integers(0, 3)
        shape = np.zeros((10, 10))
        if kind == 0:
            shape[1:4, 0:10], shape[1:9, 3:7] = 1, 1
        elif kind == 1:
            for row in range(9):
                shape[row, 4 - row // 3 : 6 + row // 3] = 1
        elif kind == 2:
            shape[0:2, 2:8], shape[2:9, 2:4], shape[2:9, 6:8] = 1, 1, 1
        else:
            shape[4:9, 1:9], shape[1:4, 3], shape[1:4, 6], shape[1, 3:7] = 1, 1, 1, 1
        picture[top : top + 10, left : left + 10] += shape * draw.uniform(0.2, 0.6)
    inputs, answers = floats(pictures)[:, None], torch.tensor(kinds)
    sound = Program(
        name="garments",
        inputs=inputs,
        targets=answers,
        model=_Clothes,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(2e-3),
        score=classified,
        steps=200,
        held_out=True,
    )
    return sound, (
        Fault(
            "pixels from 0 to 1 scaled as if they were bytes, no norms, SGD",
            ("input_scaling",),
            lambda p: p.but(
                inputs=(inputs - 127.5) / 127.5, model=lambda: _Clothes(normed=False), optimizer=sgd(0.02, momentum=0.9)
            ),
            CLOTHES,
        ),
        Fault(
            "batch norms that never update their statistics",
            ("normalization",),
            lambda p: p.but(model=lambda: _Clothes(momentum=0.0), inputs=inputs * 5 + 10),
            EVAL,
        ),
        Fault(
            "pictures of a batch mixed by a reshape",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Clothes(mixes=True)),
            "discuss.pytorch.org, view instead of permute",
        ),
        Fault(
            "shirts are the class to ignore",
            ("loss",),
            lambda p: p.but(loss=nn.CrossEntropyLoss(ignore_index=0)),
            "discuss.pytorch.org, ignore_index=0 where 0 is a class",
        ),
        Fault(
            "one-hot rows read along the wrong axis",
            ("labels", "data"),
            lambda p: p.but(targets=functional.one_hot(answers, 4).reshape(4, -1).T.argmax(1), truth=answers),
            CLOTHES,
        ),
        Fault("Adam with rate 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), CLOTHES),
    )


class _Roofs(nn.Module):
    """A small U-Net: down twice, up twice, with or without the skip."""

    def __init__(self, *, skips: bool = True, last: type[nn.Module] = nn.Identity, bias: float = 0.0) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU())
        self.second = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU())
        self.up = nn.Sequential(nn.ConvTranspose2d(16, 8, 2, stride=2), nn.ReLU())
        self.head, self.last, self.skips = nn.Conv2d(16, 1, 3, padding=1), last(), skips
        nn.init.constant_(self.head.bias, bias)

    def forward(self, images: Tensor) -> Tensor:
        fine = self.first(images)
        coarse = self.up(self.second(fine))
        return self.last(self.head(torch.cat([fine if self.skips else torch.zeros_like(fine), coarse], 1)))


def _dice(outputs: Tensor, masks: Tensor) -> Tensor:
    shown = outputs.sigmoid()
    return 1 - (2 * (shown * masks).sum() + 1) / (shown.sum() + masks.sum() + 1)


def _dice_rounded(outputs: Tensor, masks: Tensor) -> Tensor:
    shown = outputs.sigmoid().round()
    return 1 - (2 * (shown * masks).sum() + 1) / (shown.sum() + masks.sum() + 1)


def _dice_of_logits(outputs: Tensor, masks: Tensor) -> Tensor:
    return 1 - (2 * (outputs * masks).sum() + 1) / (outputs.sum() + masks.sum() + 1)


def _dice_reversed(outputs: Tensor, masks: Tensor) -> Tensor:
    return 1 - _dice(outputs, masks)


def rooftops() -> tuple[Program, tuple[Fault, ...]]:
    """Which pixels of an image from the air are roofs: Dice and binary cross entropy."""
    draw = np.random.default_rng(1012)
    masks = np.zeros((500, 16, 16))
    for mask in masks:
        for _ in range(draw.integers(1, 3)):
            row, at, height, width = (
                draw.integers(0, 11),
                draw.integers(0, 11),
                draw.integers(3, 6),
                draw.integers(3, 6),
            )
            mask[row : row + height, at : at + width] = 1
    ground = draw.normal(0, 1, (500, 16, 16))
    ground = (ground + np.roll(ground, 1, 1) + np.roll(ground, 1, 2)) / 1.7
    inputs, targets = floats(0.6 * ground + 1.6 * masks)[:, None], floats(masks)[:, None]

    def both(outputs: Tensor, truth: Tensor) -> Tensor:
        return _dice(outputs, truth) + functional.binary_cross_entropy_with_logits(outputs, truth)

    sound = Program(
        name="rooftops",
        inputs=inputs,
        targets=targets,
        model=_Roofs,
        loss=OwnLoss(both),
        optimizer=adam(4e-3),
        score=lambda outputs, truth: told_apart(0.0)(outputs.reshape(-1, 1), truth.reshape(-1, 1)),
        steps=150,
        batch=25,
        held_out=True,
    )
    return sound, (
        Fault("Dice of rounded masks", ("loss",), lambda p: p.but(loss=OwnLoss(_dice_rounded)), DICE),
        Fault(
            "Dice of raw logits", ("loss", "output_activation"), lambda p: p.but(loss=OwnLoss(_dice_of_logits)), DICE
        ),
        Fault(
            "the coefficient as the loss, not one minus it",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(_dice_reversed)),
            "github.com/akirasosa/mobile-semantic-segmentation/issues/24",
        ),
        Fault(
            "masks of 0 and 255",
            ("labels", "target_scaling", "data"),
            lambda p: p.but(targets=targets * 255, truth=targets, loss=nn.BCEWithLogitsLoss()),
            BACKGROUND,
        ),
        Fault(
            "a softmax over the one channel",
            ("output_activation",),
            lambda p: p.but(
                model=lambda: nn.Sequential(_Roofs(), nn.Softmax(1)),
                loss=nn.BCELoss(),
                score=lambda outputs, truth: told_apart(0.5)(outputs.reshape(-1, 1), truth.reshape(-1, 1)),
            ),
            BACKGROUND,
        ),
        Fault(
            "masks of other images",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(targets), truth=targets),
            DICE,
        ),
        Fault("SGD with rate 1e-4", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-4)), BACKGROUND),
    )


def _hand(*, pooled: bool = False, outputs: int = 2, hidden: Model = nn.ReLU) -> nn.Module:
    """Convolutions over the dial, then linear layers."""
    body = [nn.Conv2d(1, 12, 3, stride=2, padding=1), hidden(), nn.Conv2d(12, 24, 3, stride=2, padding=1), hidden()]
    if pooled:
        return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, outputs))
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(24 * 16, 48), hidden(), nn.Linear(48, outputs))


def dials() -> tuple[Program, tuple[Fault, ...]]:
    """Where the hand of a gauge points, in a picture of sixteen by sixteen: sine and cosine."""
    draw = np.random.default_rng(1013)
    angles = draw.uniform(-np.pi, np.pi, 900)
    places = np.arange(16) - 7.5
    down, right = np.meshgrid(places, places, indexing="ij")
    along = np.cos(angles)[:, None, None] * right + np.sin(angles)[:, None, None] * down
    across = np.cos(angles)[:, None, None] * down - np.sin(angles)[:, None, None] * right
    pictures = np.exp(-((across / 0.9) ** 2)) * (along > 0) * (along < 7) + 0.15 * draw.normal(size=(900, 16, 16))
    inputs = floats(pictures)[:, None]
    turned = floats(np.stack([np.sin(angles), np.cos(angles)], 1))
    degrees = floats(np.degrees(angles) + 180)[:, None]

    def of_degrees(outputs: Tensor, truth: Tensor) -> float:
        radians = torch.deg2rad(outputs - 180)
        return explained(torch.cat([radians.sin(), radians.cos()], 1), truth)

    def opposite(outputs: Tensor, truth: Tensor) -> Tensor:
        return (1 + functional.cosine_similarity(outputs, truth)).mean()

    sound = Program(
        name="dials",
        inputs=inputs,
        targets=turned,
        model=_hand,
        loss=nn.MSELoss(),
        optimizer=adam(2e-3),
        score=explained,
        steps=250,
        held_out=True,
    )
    return sound, (
        Fault(
            "degrees as one number",
            ("target_scaling", "labels", "data"),
            lambda p: p.but(
                targets=degrees,
                truth=turned,
                model=lambda: _hand(outputs=1),
                optimizer=adam(1e-4),
                score=of_degrees,
            ),
            ANGLE,
        ),
        Fault(
            "a mean over the whole picture",
            ("architecture",),
            lambda p: p.but(model=lambda: _hand(pooled=True)),
            ANGLE,
        ),
        Fault(
            "one plus the cosine as the loss",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(opposite)),
            "stackoverflow.com, cosine similarity as a loss has the wrong sign",
        ),
        Fault(
            "sigmoid at the end",
            ("output_activation",),
            lambda p: p.but(model=lambda: nn.Sequential(_hand(), nn.Sigmoid())),
            ANGLE,
        ),
        Fault(
            "sigmoids between all layers, SGD at .01",
            ("hidden_activation", "optimizer"),
            lambda p: p.but(model=lambda: _hand(hidden=nn.Sigmoid), optimizer=sgd(0.01)),
            ANGLE,
        ),
        Fault(
            "the zero_grad() between backward and step",
            ("wiring",),
            lambda p: p.but(clears_late=True),
            FORUM,
        ),
    )


class _Sprites(nn.Module):
    """A variational autoencoder: logits of 64 pixels, then the means and log variances: [n, 64 + 2 + 2] and more."""

    def __init__(self, *, width: int = 6, last: nn.Module | None = None, noise: float = 1.0) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2 * width))
        self.decode = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 64), last or nn.Identity())
        self.width, self.noise = width, noise

    def forward(self, pictures: Tensor) -> Tensor:
        mean, spread = self.encode(pictures).split(self.width, 1)
        drawn = mean
        if self.training:
            drawn = mean + self.noise * (spread / 2).exp() * torch.randn_like(mean)
        return torch.cat([self.decode(drawn), mean, spread], 1)


def _elbo(weight: float, *, mean: bool = False, plain: bool = False) -> nn.Module:
    """The bound for one picture; with `mean`, the pixels are averaged and the rest is not."""

    def loss(outputs: Tensor, pictures: Tensor) -> Tensor:
        shown, (means, spreads) = outputs[:, :64], outputs[:, 64:].chunk(2, 1)
        if plain:
            pixels = functional.binary_cross_entropy(shown.clamp(0, 1), pictures, reduction="sum")
        else:
            pixels = functional.binary_cross_entropy_with_logits(shown, pictures, reduction="sum")
        divergence = -0.5 * (1 + spreads - means.square() - spreads.exp()).sum()
        return (pixels / (64 * len(pictures)) if mean else pixels / len(pictures)) + weight * divergence / len(pictures)

    return OwnLoss(loss)


def sprites() -> tuple[Program, tuple[Fault, ...]]:
    """Pictures of eight by eight with a block of any place and size, from six numbers: a variational autoencoder."""
    draw = np.random.default_rng(1014)
    pictures = np.zeros((1500, 8, 8))
    for picture in pictures:
        row, at = draw.integers(0, 5, 2)
        picture[row : row + draw.integers(2, 5), at : at + draw.integers(2, 5)] = 1
    flat = floats(pictures).flatten(1)
    centred = (flat - flat.mean()) / flat.std()

    def score(outputs: Tensor, truth: Tensor) -> float:
        return explained(outputs[:, :64].sigmoid(), truth)

    sound = Program(
        name="sprites",
        inputs=flat,
        targets=flat,
        model=_Sprites,
        loss=_elbo(0.5),
        optimizer=adam(5e-3),
        score=score,
        steps=600,
        batch=50,
        held_out=True,
    )
    return sound, (
        Fault(
            "pixels averaged, the divergence summed",
            ("loss", "regularization"),
            lambda p: p.but(loss=_elbo(1.0, mean=True)),
            KL,
        ),
        Fault(
            "the divergence with a minus",
            ("loss",),
            lambda p: p.but(loss=_elbo(-0.05)),
            COLLAPSE,
        ),
        Fault(
            "a ReLU at the end, clamped for the loss",
            ("output_activation", "loss"),
            lambda p: p.but(
                model=lambda: _Sprites(last=nn.ReLU()),
                loss=_elbo(0.5, plain=True),
                score=lambda outputs, truth: explained(outputs[:, :64].clamp(0, 1), truth),
            ),
            COLLAPSE,
        ),
        Fault(
            "standardized pixels under binary cross entropy",
            ("target_scaling", "loss", "data"),
            lambda p: p.but(inputs=centred, targets=centred, truth=flat),
            COLLAPSE,
        ),
        Fault(
            "noise of fifty times its deviation",
            ("architecture", "regularization", "wiring"),
            lambda p: p.but(model=lambda: _Sprites(noise=50.0)),
            COLLAPSE,
        ),
        Fault("Adam with rate 1e-5", ("learning_rate",), lambda p: p.but(optimizer=adam(1e-5)), KL),
    )


def _yolo(
    outputs: Tensor, targets: Tensor, *, rooted: bool = False, everywhere: bool = False, empty: float = 0.5
) -> Tensor:
    """Both are [n, 4, 16]: whether a car is in each of 16 cells, where in it, and how long it is."""
    car = targets[:, 0]
    present = functional.binary_cross_entropy_with_logits(outputs[:, 0], car, reduction="none")
    seen = (present * (car + empty * (1 - car))).mean()
    length, long = outputs[:, 3], targets[:, 3]
    if rooted:
        length, long = length.sqrt(), long.sqrt()
    where = (outputs[:, 1:3] - targets[:, 1:3]).square().sum(1) + (length - long).square()
    weight = torch.ones_like(car) if everywhere else car
    return seen + (where * weight).sum() / weight.sum().clamp(min=1)


def _cells(*, channels: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 4, 3, padding=1),
        nn.Flatten(2),
    )


def parking() -> tuple[Program, tuple[Fault, ...]]:
    """Cars in a picture of a car park: in which of 16 cells, where in the cell and how long; a head as in YOLO."""
    draw = np.random.default_rng(1015)
    pictures, targets = 0.2 * draw.normal(size=(900, 16, 16)), np.zeros((900, 4, 4, 4))
    for picture, target in zip(pictures, targets, strict=True):
        for _ in range(draw.integers(1, 4)):
            row, at, long = draw.integers(0, 16), draw.integers(0, 16), draw.integers(1, 4)
            if target[0, row // 4, at // 4]:
                continue
            picture[row, max(0, at - long) : at + long + 1] += 1.0
            picture[row, at] += 1.5
            target[:, row // 4, at // 4] = 1, (row % 4) / 4, (at % 4) / 4, long / 3
    inputs, answers = floats(pictures)[:, None], floats(targets).flatten(2)
    pixels = answers.clone()
    pixels[:, 1:3] *= 160
    pixels[:, 3] *= 120

    def score(outputs: Tensor, truth: Tensor) -> float:
        car = truth[:, 0] > 0.5
        found = told_apart(0.0)(outputs[:, 0].reshape(-1, 1), truth[:, 0].reshape(-1, 1))
        placed = explained(outputs.transpose(1, 2)[car][:, 1:], truth.transpose(1, 2)[car][:, 1:])
        return (found + placed) / 2

    def in_pixels(outputs: Tensor, truth: Tensor) -> float:
        scale = torch.tensor([1.0, 160.0, 160.0, 120.0])[:, None]
        return score(outputs / scale, truth / scale)

    sound = Program(
        name="parking",
        inputs=inputs,
        targets=answers,
        model=_cells,
        loss=OwnLoss(_yolo),
        optimizer=adam(5e-3),
        score=score,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "roots of raw lengths",
            ("loss", "output_activation"),
            lambda p: p.but(loss=OwnLoss(lambda o, t: _yolo(o, t, rooted=True))),
            YOLO,
            Origin("loss", "sqrt"),
        ),
        Fault(
            "places and lengths in pixels, beside a probability",
            ("target_scaling", "loss", "learning_rate"),
            lambda p: p.but(targets=pixels, score=in_pixels, optimizer=adam(1e-3)),
            YOLO,
        ),
        Fault(
            "cells without a car count for nothing",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(lambda o, t: _yolo(o, t, empty=0.0))),
            YOLO,
        ),
        Fault(
            "a ReLU after the last convolution",
            ("output_activation",),
            lambda p: p.but(model=lambda: nn.Sequential(_cells(), nn.ReLU())),
            YOLO,
        ),
        Fault(
            "cells of the targets in another order than those of the outputs",
            ("labels", "data", "wiring"),
            lambda p: p.but(targets=shuffled(answers.transpose(0, 2)).transpose(0, 2), truth=answers),
            YOLO,
        ),
        Fault(
            "a rate that falls to nothing in a hundred batches",
            ("schedule", "learning_rate"),
            lambda p: p.but(decay_each_step=0.93, optimizer=adam(1e-3)),
            YOLO,
        ),
        Fault("gradients kept from step to step", ("wiring",), lambda p: p.but(clears=False), FORUM),
    )


class _Badges(nn.Module):
    """Cosines between an embedding and a direction for each of eight persons, times a scale."""

    def __init__(self, *, scale: float = 16.0, over: int = 1, embed: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.embed = embed()
        self.persons = nn.Parameter(torch.randn(8, 16) * 0.3)
        self.scale, self.over = scale, over

    def forward(self, rows: Tensor) -> Tensor:
        found = self.embed(rows)
        found = found / found.norm(dim=self.over, keepdim=True)
        return self.scale * found @ functional.normalize(self.persons).T


def _badge(*, bias: bool = True, last: type[nn.Module] = nn.Identity) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(100, 64, bias=bias), nn.ReLU(), nn.Linear(64, 16, bias=bias), last()
    )


def _margin(by: float, scale: float) -> nn.Module:
    """Cross entropy where the cosine of the true person is lowered by a margin."""
    return OwnLoss(
        lambda cosines, persons: functional.cross_entropy(
            cosines - scale * by * functional.one_hot(persons, 8), persons
        )
    )


def badges() -> tuple[Program, tuple[Fault, ...]]:
    """Whose badge is in a picture of ten by ten: cosines with a margin."""
    draw = np.random.default_rng(1016)
    persons = draw.integers(8, size=1200)
    faces = draw.normal(size=(8, 10, 10))
    lights = draw.uniform(0.5, 1.5, (1200, 1, 1))
    pictures = floats(lights * faces[persons] + 2.2 * draw.normal(size=(1200, 10, 10)))
    answers = torch.tensor(persons)
    black = pictures.clone()
    black[::50] = 0
    sound = Program(
        name="badges",
        inputs=pictures,
        targets=answers,
        model=lambda: _Badges(embed=_badge()),
        loss=_margin(0.2, 16),
        optimizer=adam(1e-3),
        score=classified,
        steps=200,
        held_out=True,
    )
    return sound, (
        Fault(
            "cosines times a temperature of .05, not divided by it, SGD",
            ("loss", "output_activation", "learning_rate", "optimizer"),
            lambda p: p.but(
                model=lambda: _Badges(scale=0.05, embed=_badge()), loss=_margin(0.2, 0.05), optimizer=sgd(0.02)
            ),
            COSFACE,
        ),
        Fault(
            "black pictures through layers without a bias",
            ("data", "architecture"),
            lambda p: p.but(inputs=black, model=lambda: _Badges(embed=_badge(bias=False))),
            "github.com/pytorch/pytorch, gradient of norm at zero is nan",
            Origin("forward", "div"),
        ),
        Fault(
            "a ReLU after the embedding that starts below zero",
            ("output_activation", "architecture", "initialization"),
            lambda p: p.but(model=lambda: _Badges(embed=_below)),
            ARCFACE,
        ),
        Fault(
            "a scale of 64 and SGD of rate 1",
            ("learning_rate", "loss"),
            lambda p: p.but(
                model=lambda: _Badges(scale=64.0, embed=_badge()),
                loss=_margin(0.5, 64),
                optimizer=sgd(1.0, momentum=0.9),
            ),
            ARCFACE,
        ),
        Fault(
            "persons of two lists joined in another order",
            ("labels", "data"),
            lambda p: p.but(targets=torch.cat([answers[:200], shuffled(answers[200:])]), truth=answers),
            ARCFACE,
        ),
    )


def _below() -> nn.Module:
    layers = _badge(last=nn.ReLU)()
    nn.init.constant_(layers.get_submodule("3").bias, -1.0)
    return nn.Sequential(layers, _Plus())


class _Plus(nn.Module):
    """A small number added, against division by zero."""

    def forward(self, values: Tensor) -> Tensor:
        return values + 1e-6


@cache
def _post_office() -> tuple[Tensor, Tensor]:
    found = load_digits()
    return floats(found.images / 16)[:, None], torch.tensor(found.target)


def _digit_body() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten()
    )


@cache
def _earlier() -> dict[str, Tensor]:
    """Weights of a body that has learned the digits from 0 to 4."""
    pictures, digits = _post_office()
    few = digits < 5
    pictures, digits = pictures[few], digits[few]
    with torch.random.fork_rng():
        torch.manual_seed(5)
        body, head = _digit_body(), nn.Linear(384, 5)
        optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=2e-3)
        for _ in range(200):
            rows = torch.randint(len(pictures), (64,))
            optimizer.zero_grad()
            functional.cross_entropy(head(body(pictures[rows])), digits[rows]).backward()
            optimizer.step()
    return body.state_dict()


def _transferred(*, trains: str = "head", head: Callable[[], nn.Module] = lambda: nn.Linear(384, 5)) -> nn.Module:
    """The body of another task, with a new head; `trains` is "head", "all" or "body"."""
    body, last = _digit_body(), head()
    body.load_state_dict(_earlier())
    body.requires_grad_(trains in {"all", "body"})
    last.requires_grad_(trains in {"all", "head"})
    return nn.Sequential(body, last)


def _trainable(
    make: Callable[..., torch.optim.Optimizer], **options: float
) -> Callable[[nn.Module], torch.optim.Optimizer]:
    return lambda model: make([weight for weight in model.parameters() if weight.requires_grad], **options)


def postcodes() -> tuple[Program, tuple[Fault, ...]]:
    """The digits from 5 to 9 by a network that has learned those from 0 to 4: only the head is trained."""
    pictures, digits = _post_office()
    inputs, answers = pictures[digits >= 5], digits[digits >= 5] - 5
    sound = Program(
        name="postcodes",
        inputs=inputs,
        targets=answers,
        model=_transferred,
        loss=nn.CrossEntropyLoss(),
        optimizer=_trainable(torch.optim.Adam, lr=3e-3),
        score=classified,
        steps=250,
        held_out=True,
    )
    return sound, (
        Fault(
            "the new head frozen, the old body trained by SGD",
            ("wiring", "learning_rate"),
            lambda p: p.but(model=lambda: _transferred(trains="body"), optimizer=_trainable(torch.optim.SGD, lr=1e-3)),
            TRANSFER,
        ),
        Fault(
            "the whole network at Adam's .5",
            ("learning_rate",),
            lambda p: p.but(model=lambda: _transferred(trains="all"), optimizer=adam(0.5)),
            TRANSFER,
        ),
        Fault(
            "a head of zeros with two layers",
            ("initialization",),
            lambda p: p.but(model=lambda: _transferred(head=_zero_head)),
            TRANSFER,
        ),
        Fault(
            "a head of ten, labels as before, sigmoid before cross entropy, SGD",
            ("output_activation", "loss", "learning_rate", "optimizer"),
            lambda p: p.but(
                model=lambda: _transferred(head=lambda: nn.Sequential(nn.Linear(384, 10), nn.Sigmoid())),
                optimizer=_trainable(torch.optim.SGD, lr=3e-3),
            ),
            TRANSFER,
        ),
        Fault(
            "six steps and no more",
            ("steps", "learning_rate"),
            lambda p: p.but(steps=6, optimizer=_trainable(torch.optim.Adam, lr=5e-4)),
            TRANSFER,
        ),
    )


def _zero_head() -> nn.Module:
    head = nn.Sequential(nn.Linear(384, 32), nn.ReLU(), nn.Linear(32, 5))
    with torch.no_grad():
        for weight in head.parameters():
            weight.zero_()
    return head
