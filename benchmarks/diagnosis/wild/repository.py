"""Programs over pictures after issues of repositories: a picture as a network, a VAE, boxes, masks of tissue.

They were written by an eighth author, who had read neither the rules nor what they find in the other programs. The
kinds of a fault are the parts that were changed. They, and where numbers stop being finite, were fixed before any
diagnosis.
"""

from collections.abc import Callable

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, Apply, adam, classified, explained, floats, sgd
from .play import OwnLoss
from .program import Fault, Model, Origin, Program

NERF = "github.com/yenchenlin/nerf-pytorch/issues"
KL = "github.com/vanderschaarlab/synthcity/issues/331"
COLLAPSE = "github.com/AppliedDataSciencePartners/WorldModels/issues/12"
DETECTION = "github.com/sgrvinod/a-PyTorch-Tutorial-to-Object-Detection/issues/53"
BLANK = "github.com/jakeret/tf_unet/issues/234"
BACKGROUND = "github.com/WeidiXie/cell_counting_v2/issues/9"


def _octaves(places: Tensor) -> Tensor:
    """Sines and cosines of each coordinate, 1 to 16 half turns over the picture: [n, 2] to [n, 20]."""
    turns = torch.pi * places[:, :, None] * 2.0 ** torch.arange(5)
    return torch.cat([turns.sin(), turns.cos()], 2).flatten(1)


def _field(*, octaves: bool = True, last: Callable[[], nn.Module] | None = None) -> Model:
    def build() -> nn.Module:
        return nn.Sequential(
            Apply(_octaves) if octaves else nn.Identity(),
            nn.Linear(20 if octaves else 2, 64),
            nn.ReLU(),
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Linear(64, 1),
            *([last()] if last is not None else []),
        )

    return build


def stills() -> tuple[Program, tuple[Fault, ...]]:
    """The light at each place of one picture: a network of the coordinates, as in NeRF."""
    rows, columns = np.mgrid[:32, :32] / 32
    light = np.sin(19 * rows + 4 * columns) * np.cos(23 * columns) + 0.5 * np.sin(40 * (rows - columns))
    light = (light - light.min()) / (light.max() - light.min())
    places, seen = floats(np.stack([rows.ravel(), columns.ravel()], 1)), floats(light.reshape(-1, 1))
    sound = Program(
        name="stills",
        inputs=places,
        targets=seen,
        model=_field(),
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=600,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "coordinates without their sines",
            ("architecture",),
            lambda p: p.but(model=_field(octaves=False)),
            "Mildenhall et al. 2020, arXiv:2003.08934, and " + NERF,
        ),
        Fault("coordinates in pixels", ("input_scaling",), lambda p: p.but(inputs=32 * places), NERF),
        Fault(
            "light as a row, colours as a column",
            ("wiring", "loss"),
            lambda p: p.but(targets=seen[:, 0], truth=seen),
            "github.com/pytorch/pytorch/issues/16045",
        ),
        Fault(
            "light from 0 to 255 under a sigmoid",
            ("target_scaling", "output_activation"),
            lambda p: p.but(targets=255 * seen, truth=seen, model=_field(last=nn.Sigmoid)),
            NERF,
        ),
        Fault("a decay of 0.1 in Adam", ("regularization",), lambda p: p.but(optimizer=adam(5e-3, decay=0.1)), FORUM),
    )


class _Variational(nn.Module):
    """A variational autoencoder: [n, 64] to [n, 80], the logits of pixels, then mean and log variance of the code."""

    def __init__(self, *, spread: str = "half", last: type[nn.Module] = nn.Identity, cut: bool = False) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
        self.decoder = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), last())
        self.spread, self.cut = spread, cut

    def forward(self, pixels: Tensor) -> Tensor:
        mean, spread = self.encoder(pixels).chunk(2, 1)
        deviation = {
            "half": (0.5 * spread).exp,
            "whole": spread.exp,
            "root": spread.sqrt,
        }[self.spread]()
        code = mean + deviation * torch.randn_like(mean) if self.training else mean
        return torch.cat([self.decoder(code.detach() if self.cut else code), mean, spread], 1)


def _bound(outputs: Tensor, pixels: Tensor, *, weight: float = 1.0) -> Tensor:
    logits, mean, spread = outputs.split([64, 8, 8], 1)
    kept = functional.binary_cross_entropy_with_logits(logits, pixels, reduction="none").sum(1)
    return (kept + weight * 0.5 * (spread.exp() + mean**2 - 1 - spread).sum(1)).mean()


def _bound_of_variance(outputs: Tensor, pixels: Tensor) -> Tensor:
    logits, mean, variance = outputs.split([64, 8, 8], 1)
    kept = functional.binary_cross_entropy_with_logits(logits, pixels, reduction="none").sum(1)
    return (kept + 0.5 * (variance + mean**2 - 1 - torch.log(variance)).sum(1)).mean()


def _reconstructed(outputs: Tensor, pixels: Tensor) -> float:
    return explained(outputs[:, :64].sigmoid(), pixels)


def handwriting() -> tuple[Program, tuple[Fault, ...]]:
    """Digits from codes of eight numbers: a variational autoencoder."""
    pixels = floats(load_digits().data) / 16
    sound = Program(
        name="handwriting",
        inputs=pixels,
        targets=pixels,
        model=_Variational,
        loss=OwnLoss(_bound),
        optimizer=adam(5e-3),
        score=_reconstructed,
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "a divergence that weighs 30 times as much",
            ("loss", "regularization"),
            lambda p: p.but(loss=OwnLoss(lambda outputs, pixels: _bound(outputs, pixels, weight=30.0))),
            COLLAPSE,
        ),
        Fault(
            "pixels from 0 to 16 under the cross entropy",
            ("target_scaling", "data", "input_scaling"),
            lambda p: p.but(inputs=16 * pixels, targets=16 * pixels, truth=pixels),
            "github.com/AppliedDataSciencePartners/WorldModels/issues/9",
        ),
        Fault(
            "a variance that overflows, of pixels from 0 to 4080",
            ("input_scaling", "architecture", "data"),
            lambda p: p.but(inputs=255 * 16 * pixels, model=lambda: _Variational(spread="whole")),
            KL,
            Origin("forward", "exp", ""),
        ),
        Fault(
            "a sigmoid in the decoder and in the loss",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: _Variational(last=nn.Sigmoid)),
            FORUM,
        ),
        Fault(
            "the code detached before it is decoded",
            ("wiring",),
            lambda p: p.but(model=lambda: _Variational(cut=True)),
            FORUM,
        ),
        Fault(
            "the root of a variance that may be negative",
            ("architecture", "output_activation", "loss"),
            lambda p: p.but(model=lambda: _Variational(spread="root"), loss=OwnLoss(_bound_of_variance)),
            "github.com/LEEYOONHYUNG/BVAE-TTS/issues/8",
            Origin("forward", "sqrt", ""),
        ),
    )


def _detector(*, pooled: bool = False, last: Callable[[], nn.Module] | None = None) -> Model:
    def build() -> nn.Module:
        ends = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 4)]
        return nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1),
            nn.ReLU(),
            *(ends if pooled else [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(384, 4)]),
            *([last()] if last is not None else []),
        )

    return build


def _encoded(boxes: Tensor) -> Tensor:
    """Middle, and logarithm of the size relative to .3: [n, 4] of left, top, right, bottom to [n, 4]."""
    return torch.cat([(boxes[:, :2] + boxes[:, 2:]) / 2, torch.log((boxes[:, 2:] - boxes[:, :2]) / 0.3)], 1)


def _box_loss(outputs: Tensor, boxes: Tensor) -> Tensor:
    return functional.smooth_l1_loss(outputs, _encoded(boxes))


def _root_loss(outputs: Tensor, boxes: Tensor) -> Tensor:
    sizes = boxes[:, 2:] - boxes[:, :2]
    middles = functional.mse_loss(outputs[:, :2], (boxes[:, :2] + boxes[:, 2:]) / 2)
    return middles + ((torch.sqrt(outputs[:, 2:]) - torch.sqrt(sizes)) ** 2).mean()


def _boxed(outputs: Tensor, boxes: Tensor) -> float:
    return explained(outputs, _encoded(boxes))


def boxes() -> tuple[Program, tuple[Fault, ...]]:
    """Where the bright thing in a picture is, and how large."""
    draw = np.random.default_rng(806)
    corners, sizes = draw.uniform(0.05, 0.45, size=(800, 2)), draw.uniform(0.15, 0.5, size=(800, 2))
    truth = np.concatenate([corners, corners + sizes], 1)
    down, across = (np.mgrid[:16, :16] + 0.5) / 16
    inside = (across > truth[:, 0, None, None]) & (across < truth[:, 2, None, None])
    inside &= (down > truth[:, 1, None, None]) & (down < truth[:, 3, None, None])
    pictures = floats(inside + 0.3 * draw.normal(size=inside.shape))[:, None]
    true = floats(truth)
    crossed = true.clone()
    crossed[::60] = true[::60][:, [2, 1, 0, 3]]
    sound = Program(
        name="boxes",
        inputs=pictures,
        targets=true,
        model=_detector(),
        loss=OwnLoss(_box_loss),
        optimizer=adam(3e-3),
        score=_boxed,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "corners in another order",
            ("labels", "data"),
            lambda p: p.but(targets=crossed, truth=true),
            DETECTION,
            Origin("loss", "log"),
        ),
        Fault(
            "the root of predicted sizes",
            ("loss", "output_activation"),
            lambda p: p.but(loss=OwnLoss(_root_loss)),
            "github.com/pjreddie/darknet/issues, the root in the loss of YOLO",
            Origin("loss", "sqrt"),
        ),
        Fault(
            "a mean over the picture before the boxes",
            ("architecture",),
            lambda p: p.but(model=_detector(pooled=True)),
            FORUM,
        ),
        Fault(
            "boxes in pixels of a large picture, with SGD",
            ("target_scaling", "loss"),
            lambda p: p.but(
                loss=OwnLoss(lambda outputs, boxes: functional.mse_loss(outputs, 1000 * _encoded(boxes))),
                optimizer=sgd(0.01),
                truth=true,
            ),
            DETECTION,
        ),
        Fault(
            "an eps of 10 in Adam",
            ("optimizer", "learning_rate"),
            lambda p: p.but(optimizer=lambda model: torch.optim.Adam(model.parameters(), lr=3e-3, eps=10.0)),
            "github.com/pytorch/pytorch/issues/8860, an eps that is too large",
        ),
        Fault("a ReLU after the boxes", ("output_activation",), lambda p: p.but(model=_detector(last=nn.ReLU)), FORUM),
    )


class _Tissue(nn.Module):
    """A U-Net of one level: [n, 1, 16, 16] to [n, 3, 16, 16]."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU())
        self.low = nn.Sequential(
            nn.MaxPool2d(2), nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2)
        )
        self.ends = nn.Sequential(nn.Conv2d(28, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 3, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        high = self.down(pictures)
        return self.ends(torch.cat([high, self.low(high)], 1))


def _flattened_wrongly(outputs: Tensor, masks: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.reshape(-1, 3), masks.reshape(-1))


def tissue() -> tuple[Program, tuple[Fault, ...]]:
    """Which pixels of a slide are cells of two kinds; most are neither."""
    draw = np.random.default_rng(807)
    masks = np.zeros((300, 16, 16), dtype=np.int64)
    for mask in masks:
        for kind in (1, 2):
            top, left = draw.integers(0, 13, size=2)
            mask[top : top + 3, left : left + 3] = kind
    light = np.array([0.0, 1.2, -1.2])[masks] + 0.4 * draw.normal(size=masks.shape)
    pictures, kinds = floats(light[:, None]), torch.tensor(masks)
    sound = Program(
        name="tissue",
        inputs=pictures,
        targets=kinds,
        model=_Tissue,
        loss=nn.CrossEntropyLoss(weight=torch.tensor([0.1, 1.0, 1.0])),
        optimizer=adam(5e-3),
        score=lambda outputs, masks: classified(outputs.permute(0, 2, 3, 1).reshape(-1, 3), masks.reshape(-1)),
        steps=150,
        batch=16,
        held_out=True,
    )
    return sound, (
        Fault(
            "cells as the class to ignore",
            ("loss", "labels"),
            lambda p: p.but(loss=nn.CrossEntropyLoss(weight=torch.tensor([0.1, 1.0, 1.0]), ignore_index=1)),
            BLANK,
        ),
        Fault(
            "pictures of 16 bits as they are, with SGD",
            ("input_scaling",),
            lambda p: p.but(inputs=8000 * pictures + 32000, optimizer=sgd(0.05)),
            BLANK,
        ),
        Fault(
            "reshaped without moving the classes to the end",
            ("wiring", "loss"),
            lambda p: p.but(loss=OwnLoss(_flattened_wrongly)),
            "discuss.pytorch.org, view or permute before the cross entropy of a segmentation",
        ),
        Fault(
            "weights that favour the background",
            ("loss",),
            lambda p: p.but(loss=nn.CrossEntropyLoss(weight=torch.tensor([1.0, 0.01, 0.01]))),
            BACKGROUND,
        ),
        Fault(
            "gradients cleared between the backward pass and the step",
            ("wiring",),
            lambda p: p.but(clears_late=True),
            "discuss.pytorch.org, zero_grad after backward",
        ),
    )
