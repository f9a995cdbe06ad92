"""Programs that estimate distributions: a mixture density, a normalizing flow, counts, a teacher's probabilities.

They were written by a fifth author, who had read neither the rules nor what they find in the other programs. The kinds
of a fault are those that were put in, and were fixed before any diagnosis.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import DEEPCRIME, FORUM, Apply, adam, classified, column, dense, explained, floats, initialized, sgd, zeros
from .play import OwnLoss
from .program import Fault, Program

MIXTURE = "discuss.pytorch.org/t/mixture-density-network/108250"
FLOW = "discuss.pytorch.org, normalizing flow collapses to a point"
POISSON = "discuss.pytorch.org, PoissonNLLLoss and log_input"
DISTILLED = "github.com/microsoft/ProDA/issues/43, log_softmax missing before kl_div"
PARTS = 3
"""Parts of a mixture."""


def _parted(positive: Callable[[Tensor], Tensor]) -> nn.Module:
    """Means as they are, deviations made positive, logits of the weights: [n, 9]."""
    return Apply(lambda out: torch.cat([out[:, :PARTS], positive(out[:, PARTS:-PARTS]), out[:, -PARTS:]], 1))


def _waiting(positive: Callable[[Tensor], Tensor], *, inputs: int = 1) -> Callable[[], nn.Module]:
    return dense(inputs, 48, 48, 3 * PARTS, last=lambda: _parted(positive))


def _log_densities(outputs: Tensor, targets: Tensor) -> Tensor:
    """[n, parts]: log of weight times density."""
    means, deviations, logits = outputs.split(PARTS, 1)
    density = -0.5 * ((targets - means) / deviations) ** 2 - deviations.log() - 0.5 * np.log(2 * np.pi)
    return logits.log_softmax(1) + density


def _unlikely(outputs: Tensor, targets: Tensor) -> Tensor:
    return -_log_densities(outputs, targets).logsumexp(1).mean()


def _gained(surprise: float, of_one_normal: float, *, best: float) -> float:
    """Log likelihood gained over one normal distribution, as a fraction of what can be gained."""
    return max(0.0, (of_one_normal - surprise) / (of_one_normal - best)) if np.isfinite(surprise) else 0.0


def geysers() -> tuple[Program, tuple[Fault, ...]]:
    """The time to the next eruption, which is short or long: a mixture density."""
    draw = np.random.default_rng(101)
    x = draw.uniform(-1.5, 1.5, size=(1500, 1))
    branch = draw.random((1500, 1)) < 1 / (1 + np.exp(-2 * x))
    times = floats(np.where(branch, 1 + np.sin(2 * x), -1 - 0.5 * x) + 0.1 * draw.normal(size=(1500, 1)))
    one = float(0.5 * np.log(2 * np.pi * np.e) + times.std().log())

    def score(outputs: Tensor, truth: Tensor) -> float:
        return _gained(float(_unlikely(outputs, truth)), one, best=-0.4)

    sound = Program(
        name="geysers",
        inputs=floats(x),
        targets=times,
        model=_waiting(torch.exp),
        loss=OwnLoss(_unlikely),
        optimizer=adam(3e-3),
        score=score,
        steps=600,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "a ReLU for the deviations",
            ("output_activation", "loss"),
            lambda p: p.but(model=_waiting(torch.relu)),
            MIXTURE,
        ),
        Fault(
            "mean of the parts' log densities",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(lambda out, times: -_log_densities(out, times).mean())),
            MIXTURE,
        ),
        Fault(
            "times in seconds",
            ("target_scaling",),
            lambda p: p.but(
                targets=times * 1200 + 4000,
                truth=times,
                score=lambda out, t: _gained(float(_unlikely(out, t * 1200 + 4000)) - np.log(1200.0), one, best=-0.4),
            ),
            MIXTURE,
        ),
        Fault("SGD with rate 1", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1.0)), MIXTURE),
        Fault(
            "four hidden layers of sigmoids with SGD",
            ("hidden_activation", "optimizer", "architecture"),
            lambda p: p.but(
                model=dense(1, 48, 48, 48, 48, 9, hidden=nn.Sigmoid, last=lambda: _parted(torch.exp)),
                optimizer=sgd(0.01),
            ),
            FORUM,
        ),
    )


class _Flow(nn.Module):
    """Couplings that move one coordinate as the other says: [n, 2] to places in a normal and log determinants."""

    def __init__(self, couplings: int = 6, *, exchanges: bool = True) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(dense(1, 32, 2)() for _ in range(couplings))
        self.exchanges = exchanges

    def forward(self, points: Tensor) -> Tensor:
        kept, moved = points[:, :1], points[:, 1:]
        log_determinant = torch.zeros_like(kept)
        for coupling in self.couplings:
            scale, shift = coupling(kept).chunk(2, 1)
            scale = torch.tanh(scale)
            moved = moved * scale.exp() + shift
            log_determinant = log_determinant + scale
            if self.exchanges:
                kept, moved = moved, kept
        return torch.cat([kept, moved, log_determinant], 1)


def _surprise(weight: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Negative log likelihood of the points, with a weight of the determinant."""

    def loss(outputs: Tensor, _: Tensor) -> Tensor:
        places, log_determinant = outputs[:, :2], outputs[:, 2]
        return (0.5 * places.square().sum(1) + np.log(2 * np.pi) - weight * log_determinant).mean()

    return loss


def orbits() -> tuple[Program, tuple[Fault, ...]]:
    """Where a planet is seen: a normalizing flow over two coordinates."""
    draw = np.random.default_rng(102)
    angle, far = draw.uniform(0, 2 * np.pi, 1500), 1 + 0.08 * draw.normal(size=1500)
    points = floats(np.stack([1.4 * far * np.cos(angle), 1.4 * far * np.sin(angle)], 1))
    one = float(2 * 0.5 * np.log(2 * np.pi * np.e) + points.std(0).log().sum())

    def score(outputs: Tensor, truth: Tensor) -> float:
        return _gained(float(_surprise(1.0)(outputs, truth)), one, best=1.5)

    sound = Program(
        name="orbits",
        inputs=points,
        targets=torch.zeros(1500),
        model=_Flow,
        loss=OwnLoss(_surprise(1.0)),
        optimizer=adam(5e-3),
        score=score,
        steps=600,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault("determinant left out", ("loss",), lambda p: p.but(loss=OwnLoss(_surprise(0.0))), FLOW),
        Fault("determinant with the wrong sign", ("loss",), lambda p: p.but(loss=OwnLoss(_surprise(-1.0))), FLOW),
        Fault(
            "coordinates are never exchanged",
            ("architecture", "wiring"),
            lambda p: p.but(model=lambda: _Flow(exchanges=False)),
            FLOW,
        ),
        Fault(
            "kilometres as they are",
            ("input_scaling",),
            lambda p: p.but(
                inputs=points * 400 + 3000,
                score=lambda out, t: _gained(float(_surprise(1.0)(out, t)) - 2 * np.log(400.0), one, best=1.5),
            ),
            FORUM,
        ),
    )


def _counter(last: Callable[[], nn.Module] = nn.Identity, *, pool: int = 4) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(1) if pool == 1 else nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * pool * pool, 1),
            last(),
        )

    return build


def _counted(outputs: Tensor, truth: Tensor) -> float:
    return explained(outputs.exp(), truth)


def cells() -> tuple[Program, tuple[Fault, ...]]:
    """How many cells are in a picture: a Poisson likelihood."""
    draw = np.random.default_rng(103)
    counts = draw.integers(0, 10, size=700)
    grid = np.stack(np.meshgrid(np.arange(16), np.arange(16)), -1)
    pictures = 0.1 * draw.normal(size=(700, 16, 16))
    for row, count in enumerate(counts):
        for place in draw.uniform(1, 15, size=(count, 2)):
            pictures[row] += np.exp(-((grid - place) ** 2).sum(-1) / 1.5)
    seen = floats(pictures[:, None])
    sound = Program(
        name="cells",
        inputs=seen,
        targets=column(counts),
        model=_counter(),
        loss=nn.PoissonNLLLoss(),
        optimizer=adam(3e-3),
        score=_counted,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "a sigmoid on the logarithm of the rate",
            ("output_activation",),
            lambda p: p.but(model=_counter(nn.Sigmoid)),
            POISSON,
        ),
        Fault(
            "outputs are rates, but can be negative",
            ("output_activation", "loss"),
            lambda p: p.but(loss=nn.PoissonNLLLoss(log_input=False), score=explained),
            POISSON,
        ),
        Fault(
            "counts standardized before the likelihood",
            ("target_scaling", "loss"),
            lambda p: p.but(targets=(p.targets - p.targets.mean()) / p.targets.std(), truth=p.targets),
            POISSON,
        ),
        Fault(
            "pixels of 0 to 255 with SGD",
            ("input_scaling",),
            lambda p: p.but(inputs=seen * 128 + 64, optimizer=sgd(0.01)),
            FORUM,
        ),
        Fault(
            "counts of other pictures",
            ("labels", "data"),
            lambda p: p.but(targets=p.targets.roll(7, 0), truth=p.targets),
            DEEPCRIME,
        ),
    )


def _distilled(student: Callable[[Tensor], Tensor]) -> OwnLoss:
    """Divergence of the student's from the teacher's softened probabilities."""

    def loss(outputs: Tensor, softened: Tensor) -> Tensor:
        return 4 * functional.kl_div(student(outputs / 2), softened, reduction="batchmean")

    return OwnLoss(loss)


def _log_softmax(logits: Tensor) -> Tensor:
    return logits.log_softmax(1)


def _as_the_teacher(outputs: Tensor, truth: Tensor) -> float:
    return classified(outputs, truth.argmax(1))


def pupils() -> tuple[Program, tuple[Fault, ...]]:
    """A small network that learns a large one's probabilities: distillation."""
    draw = np.random.default_rng(104)
    x = draw.normal(size=(1500, 12))
    logits = 4 * np.tanh(x @ draw.normal(size=(12, 16)) / 2) @ draw.normal(size=(16, 6)) / 2
    teacher = floats(logits - logits.mean(0))
    softened = (teacher / 2).softmax(1)
    sound = Program(
        name="pupils",
        inputs=floats(x),
        targets=softened,
        model=dense(12, 32, 6),
        loss=_distilled(_log_softmax),
        optimizer=adam(5e-3),
        score=_as_the_teacher,
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "a softmax without the logarithm",
            ("loss", "output_activation"),
            lambda p: p.but(loss=_distilled(lambda logits: logits.softmax(1))),
            DISTILLED,
        ),
        Fault(
            "the logits of the teacher as probabilities",
            ("labels", "loss", "target_scaling"),
            lambda p: p.but(targets=teacher, truth=softened),
            "github.com/haitongli/knowledge-distillation-pytorch/issues",
        ),
        Fault(
            "the teacher saw other samples",
            ("labels", "data"),
            lambda p: p.but(targets=softened[torch.arange(1499, -1, -1)], truth=softened),
            "github.com/haitongli/knowledge-distillation-pytorch/issues, shuffled loader of the teacher's outputs",
        ),
        Fault(
            "all weights of the student are 0",
            ("initialization",),
            lambda p: p.but(model=initialized(dense(12, 32, 32, 6), zeros)),
            DEEPCRIME,
        ),
        Fault("Adam with rate 1e-6", ("learning_rate",), lambda p: p.but(optimizer=adam(1e-6)), DEEPCRIME),
    )
