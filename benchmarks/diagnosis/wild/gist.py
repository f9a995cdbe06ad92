"""Programs after notebooks that were asked about: diffusion, triplets, a recommender, a value of actions, taxi fares.

They were written by an eighth author, who had read neither the rules nor what they find in the other programs. The
kinds of a fault are the parts that were changed. They, and where numbers stop being finite, were fixed before any
diagnosis.
"""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, adam, column, dense, explained, floats, sgd, shuffled, standard, told_apart
from .play import OwnLoss
from .program import Fault, Model, Optimizing, Origin, Program

DIFFUSION = "github.com/lucidrains/denoising-diffusion-pytorch/issues/10"
WEIGHTED = "Hang et al. 2023, arXiv:2303.09556, min-SNR weights at the first step"
TRIPLET = "github.com/omoindrot/tensorflow-triplet-loss/issues/6"
ZERO_NORM = "github.com/pytorch/pytorch/issues/2421"
VALUES = "github.com/facebookresearch/ReAgent/issues/189"
SHAPES = "github.com/pytorch/pytorch/issues/16045"
KAGGLE = "discuss.pytorch.org, RMSLE gives nan"


class _Averaged(nn.Module):
    """A network, and a slow copy of it that is used after training."""

    def __init__(self) -> None:
        super().__init__()
        self.fast = dense(3, 64, 64, 2)()
        self.slow = deepcopy(self.fast)

    def forward(self, values: Tensor) -> Tensor:
        return self.fast(values)


def noise() -> tuple[Program, tuple[Fault, ...]]:
    """The noise in a point of a spiral, at one of 100 times: a diffusion model."""
    draw = np.random.default_rng(808)
    angle = draw.uniform(1, 9, size=4000)
    points = np.stack([angle * np.cos(angle), angle * np.sin(angle)], 1) / 5
    kept = np.cumprod(1 - np.linspace(1e-3, 0.1, 100))
    time, added = draw.integers(100, size=4000), draw.normal(size=(4000, 2))
    seen = np.sqrt(kept[time, None]) * points + np.sqrt(1 - kept[time, None]) * added
    inputs, truth = floats(np.column_stack([seen, time / 50 - 1])), floats(added)
    starts = torch.tensor(np.concatenate([[1.0], kept[:-1]]), dtype=torch.float32)[torch.tensor(time)]

    def weighted(outputs: Tensor, targets: Tensor) -> Tensor:
        ratio = targets[:, 2:] / (1 - targets[:, 2:])
        return (torch.minimum(ratio, ratio.mean()) * (outputs - targets[:, :2]) ** 2).mean()

    sound = Program(
        name="noise",
        inputs=inputs,
        targets=truth,
        model=dense(3, 64, 64, 2),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=600,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "the number of the step as it is, with SGD",
            ("input_scaling",),
            lambda p: p.but(inputs=floats(np.column_stack([seen, 10 * time])), optimizer=sgd(0.01)),
            DIFFUSION,
        ),
        Fault(
            "noise drawn anew for the loss",
            ("labels", "data", "loss"),
            lambda p: p.but(targets=shuffled(truth), truth=truth),
            DIFFUSION,
        ),
        Fault(
            "an optimizer over the slow copy",
            ("wiring", "optimizer"),
            lambda p: p.but(model=_Averaged, optimizer=_over(lambda model: model.slow)),
            "github.com/lucidrains/ema-pytorch/issues",
        ),
        Fault(
            "a weight that is infinite at the first time",
            ("loss",),
            lambda p: p.but(targets=torch.cat([truth, starts[:, None]], 1), truth=truth, loss=OwnLoss(weighted)),
            WEIGHTED,
            Origin("loss", "div"),
        ),
        Fault(
            "a sum over batch and axes, at the rate of a mean",
            ("loss", "learning_rate"),
            lambda p: p.but(loss=nn.MSELoss(reduction="sum"), optimizer=sgd(0.1)),
            "github.com/Project-MONAI/GenerativeModels/issues/394",
        ),
        Fault(
            "a rate of 1e-6",
            ("learning_rate", "steps"),
            lambda p: p.but(optimizer=adam(1e-6)),
            "github.com/Project-MONAI/GenerativeModels/issues/394",
        ),
    )


def _over(part: Callable[[nn.Module], nn.Module], *, rate: float = 3e-3) -> Optimizing:
    """Adam over the parameters of one part of the model."""
    return lambda model: torch.optim.Adam(part(model).parameters(), lr=rate)


class _Embedded(nn.Module):
    """One network for each of three: [n, 3, 16] to [n, 3, 8]."""

    def __init__(self, *, norm: bool = False, half: bool = False) -> None:
        super().__init__()
        norms = [nn.BatchNorm1d(48)] if norm else []
        self.body = nn.Sequential(nn.Linear(16, 48), *norms, nn.ReLU(), nn.Linear(48, 8))
        if half:
            self.body.half()
        self.norm, self.half_ = norm, half

    def forward(self, faces: Tensor) -> Tensor:
        if self.half_:
            faces = faces.half()
        if self.norm:
            return torch.stack([self.body(faces[:, place]) for place in range(3)], 1)
        return self.body(faces)


def _margin(outputs: Tensor, _: Tensor) -> Tensor:
    near, far = ((outputs[:, :1] - outputs[:, 1:]) ** 2).sum(2).unbind(1)
    return functional.relu(near - far + 1.0).mean()


def _rooted(outputs: Tensor, _: Tensor) -> Tensor:
    near, far = torch.sqrt(((outputs[:, :1] - outputs[:, 1:]) ** 2).sum(2)).unbind(1)
    return functional.relu(near - far + 1.0).mean()


def _apart(outputs: Tensor, _: Tensor) -> float:
    """How many triplets have the other person farther away, above chance."""
    if not bool(outputs.isfinite().all()):
        return 0.0
    near, far = ((outputs[:, :1] - outputs[:, 1:]) ** 2).sum(2).unbind(1)
    return max(0.0, 2 * float((near < far).float().mean()) - 1)


def likenesses() -> tuple[Program, tuple[Fault, ...]]:
    """Whether two pictures show one person: triplets of an anchor, the same person, and another one."""
    draw = np.random.default_rng(809)
    people = draw.normal(size=(40, 4)) @ draw.normal(size=(4, 16))
    who = draw.integers(40, size=1200)
    other = (who + draw.integers(1, 40, size=1200)) % 40
    pictures = people[np.stack([who, who, other], 1)] + 0.6 * draw.normal(size=(1200, 3, 16))
    pictures[:, :, 8:] += 4 * draw.normal(size=(1200, 3, 8))
    seen = floats(pictures)
    same = seen.clone()
    same[::40, 1] = same[::40, 0]
    third = seen.clone()
    third[:, 2] = floats(people[who] + 0.6 * draw.normal(size=(1200, 16)))
    third[:, 2, 8:] += floats(4 * draw.normal(size=(1200, 8)))

    sound = Program(
        name="likenesses",
        inputs=seen,
        targets=torch.zeros(1200),
        model=_Embedded,
        loss=OwnLoss(_margin),
        optimizer=adam(3e-3),
        score=_apart,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "some anchors are their own partners, under a root",
            ("loss", "data"),
            lambda p: p.but(inputs=same, loss=OwnLoss(_rooted)),
            ZERO_NORM,
            Origin("loss_backward", "sqrt"),
        ),
        Fault(
            "another picture of the same person as the third",
            ("data", "labels"),
            lambda p: p.but(inputs=third),
            TRIPLET,
        ),
        Fault(
            "far and near in each other's place",
            ("loss", "labels", "data"),
            lambda p: p.but(loss=OwnLoss(lambda outputs, _: _margin(outputs[:, [0, 2, 1]], _))),
            TRIPLET,
        ),
        Fault(
            "pixels of 0 to 255, in half precision",
            ("precision", "input_scaling"),
            lambda p: p.but(inputs=120 * seen, model=lambda: _Embedded(half=True)),
            "github.com/pytorch/pytorch/issues/40497",
            Origin("loss", "pow"),
        ),
        Fault(
            "batch norm over a batch of 2",
            ("batch_size", "normalization"),
            lambda p: p.but(batch=2, model=lambda: _Embedded(norm=True)),
            "github.com/charlesq34/pointnet/issues",
        ),
    )


class _Recommender(nn.Module):
    """The product of a vector for the user and one for the item."""

    def __init__(self, *, start: float = 0.3, last: type[nn.Module] = nn.Identity, single: bool = False) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(60, 8), nn.Embedding(50, 8)
        nn.init.normal_(self.users.weight, std=start)
        nn.init.normal_(self.items.weight, std=start)
        self.bias, self.last, self.single = nn.Parameter(torch.zeros(1)), last(), single

    def forward(self, pairs: Tensor) -> Tensor:
        users, items = self.users(pairs[:, 0]), self.items(pairs[:, 1])
        return self.last((users[:1] * items if self.single else users * items).sum(1) + self.bias)


def carts() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a user buys an item: matrix factorization of what was bought."""
    draw = np.random.default_rng(810)
    likes = draw.normal(size=(60, 3)) @ draw.normal(size=(3, 50)) > 0.5
    pairs = np.stack(np.divmod(draw.permutation(3000), 50), 1)
    bought = floats(likes[pairs[:, 0], pairs[:, 1]])
    sound = Program(
        name="carts",
        inputs=torch.tensor(pairs),
        targets=bought,
        model=_Recommender,
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(2e-2),
        score=told_apart(0.0),
        steps=600,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "a decay of 0.03 on every vector",
            ("regularization",),
            lambda p: p.but(optimizer=adam(2e-2, decay=0.03)),
            "discuss.pytorch.org, weight decay on embeddings",
        ),
        Fault(
            "vectors that start at 0",
            ("initialization",),
            lambda p: p.but(model=lambda: _Recommender(start=0.0)),
            FORUM,
        ),
        Fault(
            "vectors that start with a deviation of 20",
            ("initialization",),
            lambda p: p.but(model=lambda: _Recommender(start=20.0)),
            FORUM,
        ),
        Fault(
            "a sigmoid before BCEWithLogitsLoss",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: _Recommender(last=nn.Sigmoid)),
            FORUM,
        ),
        Fault(
            "the first user of the batch for all",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Recommender(single=True)),
            SHAPES,
        ),
        Fault(
            "purchases that weigh a hundredth",
            ("loss",),
            lambda p: p.but(loss=nn.BCEWithLogitsLoss(pos_weight=torch.tensor(0.01))),
            "github.com/open-mmlab/mmpretrain/issues/434",
        ),
    )


class _Agent(nn.Module):
    """Values of two actions here, and by a slow copy those of the next place: [n, 16] to [n, 4]."""

    def __init__(self) -> None:
        super().__init__()
        self.values = dense(8, 32, 2)()
        self.slow = deepcopy(self.values).requires_grad_(requires_grad=False)

    def forward(self, places: Tensor) -> Tensor:
        if self.training:
            with torch.no_grad():
                for slow, fast in zip(self.slow.parameters(), self.values.parameters(), strict=True):
                    slow.lerp_(fast, 0.05)
        return torch.cat([self.values(places[:, :8]), self.slow(places[:, 8:])], 1)


def _bellman(
    outputs: Tensor, seen: Tensor, *, discount: float = 0.9, ends: bool = True, square: bool = False
) -> Tensor:
    """Squared error of the values; `seen` holds action, reward and whether it was the end."""
    action, reward, end = seen.unbind(1)
    said = outputs[:, :2].gather(1, action.long()[:, None])
    best = reward + discount * outputs[:, 2:].amax(1) * (1 - end if ends else 1)
    return functional.mse_loss(said, best if square else best[:, None])


def landings() -> tuple[Program, tuple[Fault, ...]]:
    """The value of going left or right on a line of eight places, with a prize at one end: Q learning."""
    draw = np.random.default_rng(811)
    place, action = draw.integers(8, size=1500), draw.integers(2, size=1500)
    after = np.clip(place + 2 * action - 1, 0, 7)
    end = after == 7
    eye = np.eye(8)
    inputs = floats(np.concatenate([eye[place], eye[after]], 1))
    seen = floats(np.stack([action, end, end], 1))
    best = 0.9 ** (6 - np.arange(8))
    true = np.stack([0.9 * best[np.clip(np.arange(8) - 1, 0, 7)], np.minimum(best, 1.0)], 1)
    truth = floats(true[place])
    thousands = seen * torch.tensor([1.0, 5000.0, 1.0])

    def score(outputs: Tensor, values: Tensor) -> float:
        learned = place < 7
        return explained(outputs[learned, :2], values[learned])

    def bellman(**options: object) -> nn.Module:
        return OwnLoss(lambda outputs, seen: _bellman(outputs, seen, **options))  # type: ignore[arg-type]

    sound = Program(
        name="landings",
        inputs=inputs,
        targets=seen,
        model=_Agent,
        loss=bellman(),
        optimizer=adam(5e-3),
        score=score,
        truth=truth,
        steps=800,
        held_out=True,
    )
    return sound, (
        Fault(
            "a column of values less a row of targets",
            ("wiring", "loss"),
            lambda p: p.but(loss=bellman(square=True)),
            SHAPES,
        ),
        Fault(
            "no end, and a discount above 1",
            ("loss",),
            lambda p: p.but(loss=bellman(ends=False, discount=1.05)),
            VALUES,
        ),
        Fault(
            "prizes of 5000",
            ("target_scaling",),
            lambda p: p.but(targets=thousands, truth=5000 * truth),
            VALUES,
        ),
        Fault(
            "an optimizer over the slow copy",
            ("wiring", "optimizer"),
            lambda p: p.but(optimizer=_over(lambda model: model.slow)),
            "stackoverflow.com, optimizer of the target network",
        ),
        Fault("a rate of 3", ("learning_rate",), lambda p: p.but(optimizer=adam(3.0)), VALUES),
    )


def _rmsle(outputs: Tensor, fares: Tensor) -> Tensor:
    return torch.sqrt(((torch.log1p(outputs) - torch.log1p(fares)) ** 2).mean())


def _logs(outputs: Tensor, fares: Tensor) -> Tensor:
    return torch.sqrt(((torch.log(outputs) - torch.log(fares)) ** 2).mean())


def _fare(outputs: Tensor, fares: Tensor) -> float:
    return explained(outputs.clamp(min=0).log1p(), fares.log1p())


def _warming(rate: float, over: int) -> Optimizing:
    """SGD with a rate that grows to `rate` within `over` steps."""

    def make(model: nn.Module) -> torch.optim.Optimizer:
        optimizer = torch.optim.SGD(model.parameters(), lr=rate / over, momentum=0.9)

        def warm(*_: object) -> None:
            for group in optimizer.param_groups:
                group["lr"] = min(rate, group["lr"] + rate / over)

        optimizer.register_step_post_hook(warm)
        return optimizer

    return make


def fares() -> tuple[Program, tuple[Fault, ...]]:
    """Fares of taxis, by the error of their logarithms."""
    draw = np.random.default_rng(812)
    kilometres, hour = draw.lognormal(1.2, 0.7, 1200), draw.integers(24, size=1200)
    riders, night = draw.integers(1, 5, size=1200), np.cos(2 * np.pi * hour / 24)
    when = 1.4e9 + 1e8 * draw.uniform(size=1200)
    airport, toll = draw.uniform(size=1200) < 0.15, np.full(1200, 2.0)
    fare = (2.5 + 1.6 * kilometres) * (1 + 0.5 * (night > 0.3)) + 20 * airport + draw.normal(0, 0.3, 1200) ** 2
    table = floats(np.stack([kilometres, night, riders, airport], 1))
    scaled, paid = standard(table), column(fare)
    network: Model = dense(4, 48, 48, 1, last=nn.Softplus)
    dated = torch.cat([scaled, column(when)], 1)
    sound = Program(
        name="fares",
        inputs=scaled,
        targets=paid,
        model=network,
        loss=OwnLoss(_rmsle),
        optimizer=adam(5e-3),
        score=_fare,
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault(
            "the logarithm of fares below 0",
            ("loss", "output_activation"),
            lambda p: p.but(model=dense(4, 48, 48, 1), loss=OwnLoss(_logs)),
            KAGGLE,
            Origin("loss", "log"),
        ),
        Fault(
            "a toll that is always the same, standardized",
            ("data", "input_scaling"),
            lambda p: p.but(
                inputs=standard(torch.cat([table, column(toll)], 1)), model=dense(5, 48, 48, 1, last=nn.Softplus)
            ),
            "github.com/Nixtla/neuralforecast/issues/186",
            Origin("inputs"),
        ),
        Fault(
            "fares as a row, outputs as a column",
            ("wiring", "loss"),
            lambda p: p.but(targets=paid[:, 0], truth=paid),
            SHAPES,
        ),
        Fault(
            "seconds since 1970 as one of the columns",
            ("input_scaling", "data"),
            lambda p: p.but(inputs=dated, model=dense(5, 48, 48, 1, last=nn.Softplus)),
            FORUM,
        ),
        Fault(
            "twelve layers of sigmoids",
            ("hidden_activation", "architecture", "initialization"),
            lambda p: p.but(model=dense(4, *[24] * 12, 1, hidden=nn.Sigmoid, last=nn.Softplus)),
            FORUM,
        ),
        Fault(
            "a momentum of 0.999",
            ("optimizer",),
            lambda p: p.but(optimizer=sgd(0.05, momentum=0.999)),
            FORUM,
        ),
        Fault(
            "a warmup over 200000 steps",
            ("schedule", "learning_rate"),
            lambda p: p.but(optimizer=_warming(0.05, 200_000)),
            "github.com/huggingface/transformers/issues/3456",
        ),
        Fault(
            "a sigmoid after the fares",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=dense(4, 48, 48, 1, last=nn.Sigmoid)),
            KAGGLE,
        ),
    )
