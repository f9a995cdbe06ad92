"""Programs over small pictures: nuclei, digits in patches, a book of codes, larger pictures from small ones.

They were written by a ninth author; see records.py.
"""

from collections.abc import Callable

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, adam, classified, explained, floats, sgd, shuffled, told_apart
from .play import OwnLoss
from .program import Fault, Model, Origin, Program

MASKS = "github.com/milesial/Pytorch-UNet/issues"
FOCAL = "github.com/Project-MONAI/MONAI/issues/2509"
VIT = "discuss.pytorch.org, vision transformer from scratch does not learn"
VQVAE = "github.com/bshall/VectorQuantizedVAE/issues/3"
SR = "discuss.pytorch.org, super-resolution network gives black or grey pictures"


def _dense_map(*, last: nn.Module | None = None) -> nn.Module:
    """A few convolutions that keep the size: [n, 1, 16, 16] to the same."""
    layers: list[nn.Module] = []
    for before, after in ((1, 12), (12, 12)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(12, 1, 3, padding=1), last or nn.Identity())


def _focal(outputs: Tensor, masks: Tensor, *, alpha: float = 0.75) -> Tensor:
    """Cross entropy that weighs what is not yet right, on logits."""
    chance = outputs.sigmoid()
    missed = torch.where(masks > 0.5, alpha * (1 - chance) ** 2, (1 - alpha) * chance**2)
    return 10 * (missed * functional.binary_cross_entropy_with_logits(outputs, masks, reduction="none")).mean()


def _focal_by_hand(outputs: Tensor, masks: Tensor) -> Tensor:
    chance = outputs.sigmoid()
    inside = 0.75 * masks * (1 - chance) ** 2 * torch.log(chance)
    outside = 0.25 * (1 - masks) * chance**2 * torch.log(1 - chance)
    return -10 * (inside + outside).mean()


def _of_decisions(outputs: Tensor, masks: Tensor) -> Tensor:
    """1 less the Dice coefficient of pixels that were decided on."""
    decided = (outputs > 0).float()
    dice = 1 - 2 * (decided * masks).sum() / (decided.sum() + masks.sum() + 1)
    return dice.requires_grad_()


def nuclei() -> tuple[Program, tuple[Fault, ...]]:
    """Where nuclei are in a picture: a focal loss on pixels, of which few are inside."""
    draw = np.random.default_rng(909)
    across, down = np.meshgrid(np.arange(16), np.arange(16))
    masks, pictures = np.zeros((400, 1, 16, 16)), 0.35 * draw.normal(size=(400, 1, 16, 16))
    for mask, picture in zip(masks, pictures, strict=True):
        for _ in range(draw.integers(0, 4)):
            x, y, size = draw.uniform(2, 14), draw.uniform(2, 14), draw.uniform(1.2, 2.4)
            mask[0] = np.maximum(mask[0], (across - x) ** 2 + (down - y) ** 2 < size**2)
        for _ in range(4):
            picture[0, :, draw.integers(16)] += 0.8
    pictures += masks
    seen, inside = floats(pictures), floats(masks)

    def score(cut: float) -> Callable[[Tensor, Tensor], float]:
        return lambda outputs, masks: told_apart(cut)(outputs.reshape(-1, 1), masks.reshape(-1, 1))

    bytes_ = (40 * seen + 128).clamp(0, 255)
    sound = Program(
        name="nuclei",
        inputs=seen,
        targets=inside,
        model=_dense_map,
        loss=OwnLoss(_focal),
        optimizer=adam(5e-3),
        score=score(0.0),
        steps=250,
        batch=20,
        held_out=True,
    )
    return sound, (
        Fault(
            "bytes as they are, under the logarithm of a sigmoid",
            ("input_scaling", "loss", "learning_rate"),
            lambda p: p.but(inputs=bytes_, loss=OwnLoss(_focal_by_hand), optimizer=adam(0.05)),
            "stackoverflow.com, focal loss gives nan",
            Origin("loss", "log"),
        ),
        Fault(
            "masks of 0 and 255",
            ("labels", "target_scaling", "data"),
            lambda p: p.but(targets=255 * inside, truth=inside, loss=nn.BCEWithLogitsLoss()),
            MASKS,
        ),
        Fault(
            "pictures flipped without their masks",
            ("labels", "data"),
            lambda p: p.but(inputs=seen.flip(3)),
            "stackoverflow.com, the same random transform of image and mask",
        ),
        Fault(
            "a softmax over one channel",
            ("output_activation",),
            lambda p: p.but(model=lambda: _dense_map(last=nn.Softmax(dim=1)), loss=nn.BCELoss(), score=score(0.5)),
            FOCAL,
        ),
        Fault(
            "the Dice loss of decisions, with requires_grad set",
            ("loss", "wiring"),
            lambda p: p.but(loss=OwnLoss(_of_decisions)),
            "stackoverflow.com, element 0 of tensors does not require grad with a Dice loss",
        ),
        Fault(
            "an alpha of 0.001 for what is inside",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(lambda outputs, masks: _focal(outputs, masks, alpha=0.001))),
            FOCAL,
        ),
        Fault(
            "a ReLU before the loss of logits",
            ("output_activation",),
            lambda p: p.but(model=lambda: _dense_map(last=nn.ReLU()), optimizer=adam(2e-2)),
            MASKS,
        ),
    )


class _Encoding(nn.Module):
    """Attention and a dense part, each with a skip and a norm before or after."""

    def __init__(self, *, after: bool = False, axis: int = 3) -> None:
        super().__init__()
        self.mixing, self.out = nn.Linear(32, 96), nn.Linear(32, 32)
        self.body = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32))
        self.first, self.second = nn.LayerNorm(32), nn.LayerNorm(32)
        self.after, self.axis = after, axis

    def attend(self, states: Tensor) -> Tensor:
        count = states.shape[1]
        query, key, value = self.mixing(states).reshape(-1, count, 3, 4, 8).permute(2, 0, 3, 1, 4)
        seen = (query @ key.transpose(2, 3) / 8**0.5).softmax(self.axis) @ value
        return self.out(seen.transpose(1, 2).reshape(-1, count, 32))

    def forward(self, states: Tensor) -> Tensor:
        if self.after:
            states = self.first(states + self.attend(states))
            return self.second(states + self.body(states))
        states = states + self.attend(self.first(states))
        return states + self.body(self.second(states))


class _Patches(nn.Module):
    """A small vision transformer: [n, 1, 8, 8] to [n, 10]."""

    def __init__(self, *, depth: int = 2, after: bool = False, places: bool = True, axis: int = 3) -> None:
        super().__init__()
        self.embed = nn.Conv2d(1, 32, 2, stride=2)
        self.token, self.places = nn.Parameter(torch.zeros(1, 1, 32)), nn.Parameter(0.5 * torch.randn(17, 32))
        self.blocks = nn.Sequential(*[_Encoding(after=after, axis=axis) for _ in range(depth)])
        self.norm, self.head, self.placed = nn.LayerNorm(32), nn.Linear(32, 10), places

    def forward(self, pictures: Tensor) -> Tensor:
        states = self.embed(pictures).flatten(2).transpose(1, 2)
        states = torch.cat([self.token.expand(len(states), 1, 32), states], 1)
        states = states + self.places if self.placed else states
        return self.head(self.norm(self.blocks(states)[:, 0]))


def _digits() -> tuple[Tensor, Tensor]:
    found = load_digits()
    return floats(found.images[:, None]) / 16, torch.tensor(found.target)


def patches() -> tuple[Program, tuple[Fault, ...]]:
    """Digits cut into 16 patches: a vision transformer."""
    pictures, digits = _digits()

    def model(**options: object) -> Model:
        return lambda: _Patches(**options)  # type: ignore[arg-type]

    sound = Program(
        name="patches",
        inputs=pictures,
        targets=digits,
        model=model(),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(3e-3),
        score=classified,
        steps=250,
        batch=48,
        held_out=True,
    )
    return sound, (
        Fault("no places", ("architecture",), lambda p: p.but(model=model(places=False)), VIT),
        Fault(
            "eight blocks with norms after the skips, at a rate of 0.01",
            ("learning_rate", "normalization", "architecture", "schedule", "steps"),
            lambda p: p.but(model=model(depth=8, after=True), optimizer=adam(1e-2), steps=120),
            "github.com/lucidrains/vit-pytorch, post-norm without warmup",
        ),
        Fault(
            "a softmax over the picture instead of the places",
            ("architecture", "wiring"),
            lambda p: p.but(model=model(axis=0)),
            "stackoverflow.com, softmax without dim in attention",
        ),
        Fault(
            "AdamW's decay of 0.1 in Adam",
            ("regularization", "optimizer"),
            lambda p: p.but(optimizer=adam(3e-3, decay=0.1)),
            VIT,
        ),
        Fault(
            "gradients cleared between the backward pass and the step",
            ("wiring",),
            lambda p: p.but(clears_late=True),
            FORUM,
        ),
        Fault("a rate of 0.3", ("learning_rate",), lambda p: p.but(optimizer=adam(0.3)), VIT),
        Fault("SGD with rate 1e-5", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-5)), VIT),
    )


class _Quantized(nn.Module):
    """Four vectors of a book of 16 for each picture: [n, 64] to [n, 64 + 2 * 16]."""

    def __init__(
        self, *, start: float = 0.3, through: bool = True, soft: float | None = None, last: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 16))
        self.decoder = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 64), last or nn.Identity())
        self.book, self.through, self.soft = nn.Parameter(start * torch.randn(16, 4)), through, soft

    def forward(self, pictures: Tensor) -> Tensor:
        found = self.encoder(pictures).reshape(-1, 4, 4)
        far = ((found[:, :, None] - self.book) ** 2).sum(3)
        chosen = self.book[far.argmin(2)]
        passed = found + (chosen - found).detach() if self.through else chosen.detach()
        parts = [self.decoder(passed.flatten(1)), found.flatten(1), chosen.flatten(1)]
        if self.soft is not None:
            parts.append((-far / self.soft).softmax(2).mean((0, 1)).expand(len(pictures), 16))
        return torch.cat(parts, 1)


def _coded(outputs: Tensor, pictures: Tensor, *, learns: bool = True, commits: float = 0.25) -> Tensor:
    """Squared errors of the picture, of the book, and of what is to be near the book."""
    found, chosen = outputs[:, 64:80], outputs[:, 80:96]
    book = functional.mse_loss(chosen if learns else chosen.detach(), found.detach())
    near = functional.mse_loss(found, chosen.detach())
    return functional.mse_loss(outputs[:, :64], pictures) + book + commits * near


def _coded_often(outputs: Tensor, pictures: Tensor) -> Tensor:
    used = outputs[0, 96:]
    return _coded(outputs, pictures) + 0.1 * (used * torch.log(used)).sum()


def _drawn(outputs: Tensor, pictures: Tensor) -> float:
    return explained(outputs[:, :64], pictures)


def codebook() -> tuple[Program, tuple[Fault, ...]]:
    """Digits through four of 16 learned vectors: a VQ-VAE."""
    pictures, _ = _digits()
    flat = pictures.flatten(1)
    coded: Callable[..., nn.Module] = lambda **options: OwnLoss(lambda o, p: _coded(o, p, **options))  # noqa: E731
    sound = Program(
        name="codebook",
        inputs=flat,
        targets=flat,
        model=_Quantized,
        loss=coded(),
        optimizer=adam(3e-3),
        score=_drawn,
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "pictures drawn from the book's vectors, which pass no gradient on",
            ("wiring",),
            lambda p: p.but(model=lambda: _Quantized(through=False), loss=coded(learns=False, commits=0.0)),
            VQVAE,
        ),
        Fault(
            "a book that starts with a deviation of 30",
            ("initialization",),
            lambda p: p.but(model=lambda: _Quantized(start=30.0)),
            VQVAE,
        ),
        Fault(
            "a commitment that weighs 1000",
            ("loss",),
            lambda p: p.but(loss=coded(commits=1000.0)),
            "github.com/evonneng/learning2listen/issues/1",
        ),
        Fault(
            "the use of codes in a logarithm without eps",
            ("loss",),
            lambda p: p.but(model=lambda: _Quantized(soft=1e-3), loss=OwnLoss(_coded_often)),
            "github.com/lucidrains/vector-quantize-pytorch/issues/63",
            Origin("loss", "log"),
        ),
        Fault(
            "a tanh at the end, for pixels of 0 to 255",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=lambda: _Quantized(last=nn.Tanh()), targets=255 * flat),
            VQVAE,
        ),
        Fault("SGD with rate 0.001", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-3)), VQVAE),
        Fault(
            "gradients of all steps added up",
            ("wiring",),
            lambda p: p.but(clears=False),
            FORUM,
        ),
    )


class _Larger(nn.Module):
    """What is to be added to an enlarged picture: [n, 1, 4, 4] to [n, 1, 8, 8]."""

    def __init__(self, *, zero: bool = False, last: nn.Module | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU())
        self.grow, self.last = nn.Conv2d(32, 4, 3, padding=1), last or nn.Identity()
        if zero:
            nn.init.zeros_(self.grow.weight)
            self.grow.register_parameter("bias", None)

    def forward(self, small: Tensor) -> Tensor:
        added = self.last(functional.pixel_shuffle(self.grow(self.body(small)), 2))
        return _enlarged(small) + added


def _enlarged(small: Tensor) -> Tensor:
    return functional.interpolate(small, scale_factor=2, mode="nearest")


def _rooted(outputs: Tensor, pictures: Tensor) -> Tensor:
    return torch.sqrt((outputs - pictures) ** 2).mean()


def upscale() -> tuple[Program, tuple[Fault, ...]]:
    """Digits of 4 by 4 pixels made 8 by 8: what simple enlarging leaves to be added."""
    large, _ = _digits()
    small = functional.avg_pool2d(large, 2)
    plain = float(functional.mse_loss(_enlarged(small), large))

    def score(outputs: Tensor, pictures: Tensor) -> float:
        off = float(functional.mse_loss(outputs, pictures))
        return max(0.0, 1 - off / plain) if np.isfinite(off) else 0.0

    sound = Program(
        name="upscale",
        inputs=small,
        targets=large,
        model=_Larger,
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=score,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "a root without eps where nothing is to be added",
            ("loss",),
            lambda p: p.but(model=lambda: _Larger(zero=True), loss=OwnLoss(_rooted)),
            "github.com/pytorch/pytorch/issues/2421",
            Origin("loss_backward", "sqrt"),
        ),
        Fault(
            "large pictures of 0 to 255, small ones of 0 to 1",
            ("target_scaling", "data"),
            lambda p: p.but(targets=255 * large, truth=large, optimizer=adam(1e-3)),
            SR,
        ),
        Fault(
            "a sigmoid on what is added",
            ("output_activation",),
            lambda p: p.but(model=lambda: _Larger(last=nn.Sigmoid())),
            SR,
        ),
        Fault(
            "large pictures in another order than small ones",
            ("data", "labels"),
            lambda p: p.but(targets=shuffled(large), truth=large),
            "stackoverflow.com, os.listdir gives pairs in arbitrary order",
        ),
        Fault(
            "a sum over pixels and batch, with SGD at the rate of a mean",
            ("loss", "learning_rate"),
            lambda p: p.but(loss=nn.MSELoss(reduction="sum"), optimizer=sgd(0.1)),
            SR,
        ),
        Fault(
            "Adam with rate 1e-6",
            ("learning_rate", "steps"),
            lambda p: p.but(optimizer=adam(1e-6)),
            SR,
        ),
    )
