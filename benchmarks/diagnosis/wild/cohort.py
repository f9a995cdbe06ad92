"""Programs with losses of one's own over tables: ordered grades, times to an event, quantiles, triplets.

They were written by a fourth author, who had read neither the rules nor what they find in the other programs. The kinds
of a fault are those that were put in, and were fixed before any diagnosis.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, Apply, adam, column, dense, floats, initialized, large, sgd, standard, zeros
from .play import OwnLoss
from .program import Fault, Program

ORDINAL = "discuss.pytorch.org, ordinal regression with cumulative targets"
SURVIVAL = "github.com/havakv/pycox/issues, loss does not fall"
QUANTILE = "stackoverflow.com, quantile loss in PyTorch"
TRIPLET = "discuss.pytorch.org, triplet loss stuck at the margin"


def _grade(outputs: Tensor, truth: Tensor) -> float:
    """How much smaller the error of the grade is than that of the median grade."""
    if not bool(outputs.isfinite().all()):
        return 0.0
    error = ((outputs > 0).sum(1) - truth).abs().float().mean()
    return max(0.0, 1 - float(error / (truth - truth.median()).abs().float().mean()))


def stages() -> tuple[Program, tuple[Fault, ...]]:
    """The stage of an illness, 0 to 4, by which of four thresholds are passed."""
    draw = np.random.default_rng(88)
    raw = draw.normal(size=(1200, 8)) * np.array([15, 4000, 0.2, 30, 1, 250, 9, 0.01])
    raw += np.array([60, 9000, 1, 120, 0, 700, 30, 0.02])
    scaled = (raw - raw.mean(0)) / raw.std(0)
    severity = scaled[:, 0] + np.tanh(scaled[:, 1] * scaled[:, 2]) + 0.8 * scaled[:, 3] + 0.2 * draw.normal(size=1200)
    stage = np.digitize(severity, np.quantile(severity, [0.2, 0.4, 0.6, 0.8]))
    passed = floats(stage[:, None] > np.arange(4))
    truth = torch.tensor(stage)
    sound = Program(
        name="stages",
        inputs=floats(scaled),
        targets=passed,
        model=dense(8, 48, 4),
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(5e-3),
        score=_grade,
        truth=truth,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "softmax over the thresholds",
            ("output_activation", "loss"),
            lambda p: p.but(model=dense(8, 48, 4, last=lambda: nn.Softmax(1))),
            ORDINAL,
        ),
        Fault(
            "one-hot stages instead of thresholds",
            ("labels", "loss"),
            lambda p: p.but(targets=functional.one_hot(truth, 5)[:, 1:].float()),
            ORDINAL,
        ),
        Fault(
            "columns as they are", ("input_scaling",), lambda p: p.but(inputs=floats(raw), optimizer=sgd(0.05)), FORUM
        ),
        Fault(
            "large weights before tanh",
            ("initialization",),
            lambda p: p.but(
                model=initialized(dense(8, 48, 48, 48, 4, hidden=nn.Tanh), lambda w: large(w, std=3.0)),
                optimizer=adam(1e-3),
            ),
            FORUM,
        ),
        Fault(
            "gradients not cleared", ("wiring",), lambda p: p.but(clears=False, optimizer=sgd(0.1, momentum=0.9)), FORUM
        ),
    )


def _survival(outputs: Tensor, targets: Tensor) -> Tensor:
    """Negative log likelihood of a constant hazard exp(output), with censoring."""
    times, happened = targets[:, :1], targets[:, 1:]
    return (outputs.exp() * times - happened * outputs).mean()


def _likely(outputs: Tensor, targets: Tensor) -> Tensor:
    return -_survival(outputs, targets)


def _follows(outputs: Tensor, truth: Tensor) -> float:
    """Correlation with the true log hazard; not below 0."""
    if not bool(outputs.isfinite().all()) or float(outputs.std()) < 1e-6:
        return 0.0
    return max(0.0, float(torch.corrcoef(torch.stack([outputs[:, 0], truth[:, 0]]))[0, 1]))


def relapses() -> tuple[Program, tuple[Fault, ...]]:
    """The time to a relapse, with patients who left before."""
    draw = np.random.default_rng(89)
    raw = np.column_stack([draw.normal(62, 11, 1200), draw.lognormal(6, 0.8, 1200), draw.normal(size=(1200, 4))])
    scaled = standard(floats(np.column_stack([raw[:, 0], np.log(raw[:, 1]), raw[:, 2:]])))
    x = scaled.numpy()
    log_hazard = 0.8 * x[:, 0] + 0.9 * np.abs(x[:, 1]) - 0.7 * x[:, 2] * (x[:, 3] > 0) - 0.5
    times, left = draw.exponential(np.exp(-log_hazard)), draw.exponential(2.0, 1200)
    seen = floats(np.column_stack([np.minimum(times, left), times < left]))
    years = torch.tensor([365.0, 1.0])
    sound = Program(
        name="relapses",
        inputs=scaled,
        targets=seen,
        model=dense(6, 32, 1),
        loss=OwnLoss(_survival),
        optimizer=adam(5e-3),
        score=_follows,
        truth=column(log_hazard),
        steps=400,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "1 means censored",
            ("labels",),
            lambda p: p.but(targets=torch.stack([seen[:, 0], 1 - seen[:, 1]], 1)),
            SURVIVAL,
        ),
        Fault(
            "ReLU on the log hazard, times in days",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=dense(6, 32, 1, last=nn.ReLU), targets=seen * years),
            SURVIVAL,
        ),
        Fault(
            "columns as they are",
            ("input_scaling",),
            lambda p: p.but(inputs=floats(raw)),
            SURVIVAL,
        ),
        Fault("the likelihood is minimized", ("loss",), lambda p: p.but(loss=OwnLoss(_likely)), SURVIVAL),
        Fault(
            "times in days and SGD",
            ("target_scaling", "learning_rate"),
            lambda p: p.but(targets=seen * years, optimizer=sgd(0.05)),
            SURVIVAL,
        ),
    )


def _pinball(outputs: Tensor, targets: Tensor) -> Tensor:
    above = targets - outputs
    return torch.maximum(0.9 * above, -0.1 * above).mean()


def _below(outputs: Tensor, targets: Tensor) -> float:
    """How much smaller the quantile loss is than that of the constant quantile."""
    if not bool(outputs.isfinite().all()):
        return 0.0
    constant = targets.quantile(0.9).expand_as(targets)
    shaped = outputs.reshape(targets.shape)
    return max(0.0, 1 - float(_pinball(shaped, targets) / _pinball(constant, targets)))


def waits() -> tuple[Program, tuple[Fault, ...]]:
    """The wait that nine of ten stay below."""
    draw = np.random.default_rng(90)
    x = draw.normal(size=(1500, 5))
    wait = np.sin(2 * x[:, 0]) + x[:, 1] + 0.5 * draw.normal(size=1500) * np.exp(0.6 * x[:, 2])
    sound = Program(
        name="waits",
        inputs=floats(x),
        targets=column(wait / wait.std()),
        model=dense(5, 64, 64, 1),
        loss=OwnLoss(_pinball),
        optimizer=adam(3e-3),
        score=_below,
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "waits without a column, outputs with one",
            ("loss", "wiring"),
            lambda p: p.but(targets=p.targets[:, 0], truth=p.targets),
            "discuss.pytorch.org, target size that is different to the input size",
        ),
        Fault(
            "waits in seconds",
            ("target_scaling",),
            lambda p: p.but(targets=p.targets * 4000 + 9000),
            QUANTILE,
        ),
        Fault(
            "dropout of 0.9 after each layer",
            ("regularization",),
            lambda p: p.but(
                model=lambda: nn.Sequential(
                    nn.Linear(5, 64),
                    nn.ReLU(),
                    nn.Dropout(0.9),
                    nn.Linear(64, 64),
                    nn.ReLU(),
                    nn.Dropout(0.9),
                    nn.Linear(64, 1),
                )
            ),
            FORUM,
        ),
        Fault(
            "six layers of sigmoids and SGD",
            ("hidden_activation", "architecture", "optimizer"),
            lambda p: p.but(model=dense(5, *[32] * 6, 1, hidden=nn.Sigmoid), optimizer=sgd(0.05)),
            FORUM,
        ),
        Fault(
            "waits of other people",
            ("labels", "data"),
            lambda p: p.but(targets=p.targets.roll(1, 0), truth=p.targets),
            FORUM,
        ),
    )


class _Three(nn.Module):
    """The same network for an anchor, a like one and an unlike one: [n, 3, 4]."""

    def __init__(self, last: Callable[[Tensor], Tensor], *, detaches: bool = False) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 4), Apply(last))
        self.detaches = detaches

    def forward(self, triplets: Tensor) -> Tensor:
        vectors = self.body(triplets.reshape(-1, 12)).reshape(-1, 3, 4)
        return vectors.detach().requires_grad_() if self.detaches else vectors


def _triplet(margin: float) -> OwnLoss:
    def loss(vectors: Tensor, _: Tensor) -> Tensor:
        like = (vectors[:, 0] - vectors[:, 1]).norm(dim=1)
        unlike = (vectors[:, 0] - vectors[:, 2]).norm(dim=1)
        return torch.relu(like - unlike + margin).mean()

    return OwnLoss(loss)


def _nearer(vectors: Tensor, _: Tensor) -> float:
    """How much more often than half the like one is nearer."""
    if not bool(vectors.isfinite().all()):
        return 0.0
    like = (vectors[:, 0] - vectors[:, 1]).norm(dim=1)
    unlike = (vectors[:, 0] - vectors[:, 2]).norm(dim=1)
    return max(0.0, 2 * float((like < unlike).float().mean()) - 1)


def _itself(vectors: Tensor) -> Tensor:
    return vectors


def faces() -> tuple[Program, tuple[Fault, ...]]:
    """Pictures of one person near each other: a triplet loss."""
    draw = np.random.default_rng(91)
    people, nuisance = draw.normal(size=(9, 4)), draw.normal(size=(4, 12))
    mixed = draw.normal(size=(4, 12))

    def pictures(who: np.ndarray) -> np.ndarray:
        noise = 1.2 * draw.normal(size=(len(who), 4)) @ nuisance
        return np.asarray(people[who] @ mixed + noise)

    who = draw.integers(9, size=1200)
    other = (who + draw.integers(1, 9, size=1200)) % 9
    triplets = floats(np.stack([pictures(who), pictures(who), pictures(other)], 1))
    triplets = triplets / triplets.std()
    sound = Program(
        name="faces",
        inputs=triplets,
        targets=torch.zeros(1200),
        model=lambda: _Three(_itself),
        loss=_triplet(1.0),
        optimizer=adam(3e-3),
        score=_nearer,
        steps=400,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "like and unlike ones exchanged",
            ("labels", "data", "loss"),
            lambda p: p.but(inputs=triplets[:, [0, 2, 1]], truth=p.targets, score=_swapped),
            TRIPLET,
        ),
        Fault(
            "weights of zeros",
            ("initialization",),
            lambda p: p.but(model=initialized(lambda: _Three(_itself), zeros)),
            TRIPLET,
        ),
        Fault("SGD with rate 1e-5", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-5)), TRIPLET),
        Fault(
            "vectors detached before the loss",
            ("wiring",),
            lambda p: p.but(model=lambda: _Three(_itself, detaches=True)),
            TRIPLET,
        ),
        Fault("weight decay of 5", ("regularization",), lambda p: p.but(optimizer=adam(3e-3, decay=5.0)), FORUM),
    )


def _swapped(vectors: Tensor, truth: Tensor) -> float:
    return _nearer(vectors[:, [0, 2, 1]], truth)
