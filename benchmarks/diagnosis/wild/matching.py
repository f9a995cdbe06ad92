"""Programs that compare or choose: two views of one thing, songs that are liked, an actor with a critic, categories.

They were written by a fifth author, who had read neither the rules nor what they find in the other programs. The kinds
of a fault are those that were put in, and were fixed before any diagnosis.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import DEEPCRIME, FORUM, adam, column, dense, explained, floats, initialized, large, sgd, standard, zeros
from .play import OwnLoss
from .program import Fault, Program

CONTRASTED = "github.com/sthalles/SimCLR/issues, loss does not fall"
RANKED = "stackoverflow.com, BPR loss in PyTorch"
ADVISED = "github.com/bentrevett/pytorch-rl/issues/2, actor and critic"
ENTITIES = "discuss.pytorch.org, embeddings of categories beside numbers"


class _Views(nn.Module):
    """The same network for both views: [n, 2, 20] to directions [n, 2, 8]."""

    def __init__(self) -> None:
        super().__init__()
        self.body = dense(20, 48, 8)()

    def forward(self, views: Tensor) -> Tensor:
        return functional.normalize(self.body(views), dim=2)


def _told(directions: Tensor, _: Tensor) -> Tensor:
    likeness = directions[:, 0] @ directions[:, 1].T / 0.1
    return functional.cross_entropy(likeness, torch.arange(len(likeness)))


def _near(directions: Tensor, _: Tensor) -> Tensor:
    return (directions[:, 0] - directions[:, 1]).square().sum(1).mean()


def _unlike(directions: Tensor, _: Tensor) -> Tensor:
    likeness = -(directions[:, 0] @ directions[:, 1].T) / 0.1
    return functional.cross_entropy(likeness, torch.arange(len(likeness)))


def _recognized(directions: Tensor, _: Tensor) -> float:
    """How often the other view is the nearest of 100."""
    if not bool(directions.isfinite().all()):
        return 0.0
    first, second = directions[:100, 0], directions[:100, 1]
    return float(((first @ second.T).argmax(1) == torch.arange(100)).float().mean())


def views() -> tuple[Program, tuple[Fault, ...]]:
    """Two views of one thing are told from views of other things: a contrastive loss within the batch."""
    draw = np.random.default_rng(105)
    things, shown, disturbed = draw.normal(size=(1500, 1, 6)), draw.normal(size=(6, 20)), draw.normal(size=(5, 20))
    seen = np.tanh(things @ shown / 2) + draw.normal(size=(1500, 2, 5)) @ disturbed / 2
    pairs = floats(seen / seen.std())
    sound = Program(
        name="views",
        inputs=pairs,
        targets=torch.zeros(1500),
        model=_Views,
        loss=OwnLoss(_told),
        optimizer=adam(3e-3),
        score=_recognized,
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "second views of other things",
            ("labels", "data"),
            lambda p: p.but(
                inputs=torch.stack([pairs[:, 0], pairs[:, 1].roll(3, 0)], 1),
                score=lambda out, t: _recognized(torch.stack([out[:, 0], out[:, 1].roll(-3, 0)], 1), t),
            ),
            CONTRASTED,
        ),
        Fault("no negatives: all directions become one", ("loss",), lambda p: p.but(loss=OwnLoss(_near)), CONTRASTED),
        Fault("likeness with the wrong sign", ("loss",), lambda p: p.but(loss=OwnLoss(_unlike)), CONTRASTED),
        Fault("a batch of 2", ("batch_size",), lambda p: p.but(batch=2), CONTRASTED),
    )


class _Taste(nn.Module):
    """How much a user likes two songs: [n, 3] to [n, 2]."""

    def __init__(self, users: int, songs: int) -> None:
        super().__init__()
        self.users, self.songs = nn.Embedding(users, 12), nn.Embedding(songs, 12)
        nn.init.normal_(self.users.weight, std=0.3)
        nn.init.normal_(self.songs.weight, std=0.3)

    def forward(self, rows: Tensor) -> Tensor:
        return (self.users(rows[:, :1]) * self.songs(rows[:, 1:])).sum(2)


def _preferred(outputs: Tensor, _: Tensor) -> Tensor:
    return -functional.logsigmoid(outputs[:, 0] - outputs[:, 1]).mean()


def _despised(outputs: Tensor, _: Tensor) -> Tensor:
    return -functional.logsigmoid(outputs[:, 1] - outputs[:, 0]).mean()


def _squashed(outputs: Tensor, _: Tensor) -> Tensor:
    return -(outputs[:, 0].sigmoid() - outputs[:, 1].sigmoid()).log().mean()


def _in_order(outputs: Tensor, _: Tensor) -> float:
    """How much more often than half the liked song is first."""
    if not bool(outputs.isfinite().all()):
        return 0.0
    return max(0.0, 2 * float((outputs[:, 0] > outputs[:, 1]).float().mean()) - 1)


def songs() -> tuple[Program, tuple[Fault, ...]]:
    """Which of two songs a user likes more: embeddings with a ranking loss."""
    draw = np.random.default_rng(106)
    taste = draw.normal(size=(80, 3)) @ draw.normal(size=(3, 60))
    user, one, other = draw.integers(80, size=4000), draw.integers(60, size=4000), draw.integers(60, size=4000)
    prefers = taste[user, one] > taste[user, other]
    rows = torch.tensor(np.stack([user, np.where(prefers, one, other), np.where(prefers, other, one)], 1))
    sound = Program(
        name="songs",
        inputs=rows,
        targets=torch.zeros(4000),
        model=lambda: _Taste(80, 60),
        loss=OwnLoss(_preferred),
        optimizer=adam(1e-2),
        score=_in_order,
        steps=600,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault("songs exchanged in the loss", ("loss", "labels"), lambda p: p.but(loss=OwnLoss(_despised)), RANKED),
        Fault(
            "a difference of sigmoids under the logarithm",
            ("loss", "output_activation"),
            lambda p: p.but(loss=OwnLoss(_squashed)),
            RANKED,
        ),
        Fault(
            "embeddings of zeros",
            ("initialization",),
            lambda p: p.but(model=initialized(lambda: _Taste(80, 60), zeros)),
            RANKED,
        ),
        Fault("weight decay of 1", ("regularization",), lambda p: p.but(optimizer=adam(1e-2, decay=1.0)), RANKED),
    )


def _advised(outputs: Tensor, targets: Tensor, *, sign: float = 1.0) -> Tensor:
    logits, values = outputs[:, :-1], outputs[:, -1]
    chosen, returns = targets[:, 0].long(), targets[:, 1]
    advantage = returns - values.detach()
    log_policy = logits.log_softmax(1)[torch.arange(len(logits)), chosen]
    return -sign * (log_policy * advantage).mean() + 0.5 * (returns - values).square().mean()


def _best_chosen(outputs: Tensor, gains: Tensor) -> float:
    if not bool(outputs.isfinite().all()):
        return 0.0
    got = gains.gather(1, outputs[:, :-1].argmax(1, keepdim=True)).mean()
    return max(0.0, float((got - gains.mean()) / (gains.max(1).values.mean() - gains.mean())))


class _Advisor(nn.Module):
    """Logits of an actor and the value of a critic on one body."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
        self.actor, self.critic = nn.Linear(48, 4), nn.Linear(48, 1)

    def forward(self, seen: Tensor) -> Tensor:
        state = self.body(seen)
        return torch.cat([self.actor(state), self.critic(state)], 1)


def rovers() -> tuple[Program, tuple[Fault, ...]]:
    """Where a rover turns: an actor with a critic, over logged turns that were random."""
    draw = np.random.default_rng(107)
    seen = draw.normal(size=(2400, 6))
    gains = np.tanh(seen @ draw.normal(size=(6, 8))) @ draw.normal(size=(8, 4)) + 2 * seen[:, :1]
    turned = draw.integers(4, size=2400)
    logged = floats(np.stack([turned, gains[np.arange(2400), turned] + 0.3 * draw.normal(size=2400)], 1))
    sound = Program(
        name="rovers",
        inputs=floats(seen),
        targets=logged,
        model=_Advisor,
        loss=OwnLoss(_advised),
        optimizer=adam(3e-3),
        score=_best_chosen,
        truth=floats(gains),
        steps=600,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "the policy's loss with the wrong sign",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(lambda out, t: _advised(out, t, sign=-1.0))),
            ADVISED,
        ),
        Fault(
            "columns in their own units, with tanh",
            ("input_scaling",),
            lambda p: p.but(inputs=p.inputs * torch.tensor([900.0, 40.0, 5.0, 300.0, 1.0, 70.0]) + 500),
            FORUM,
        ),
        Fault(
            "large weights before tanh",
            ("initialization",),
            lambda p: p.but(model=initialized(_Advisor, lambda w: large(w, std=4.0)), optimizer=adam(3e-4)),
            FORUM,
        ),
        Fault(
            "turns of other moments",
            ("labels", "data"),
            lambda p: p.but(targets=torch.stack([logged[:, 0].roll(1, 0), logged[:, 1]], 1)),
            ADVISED,
        ),
        Fault(
            "SGD with rate 30",
            ("learning_rate",),
            lambda p: p.but(optimizer=sgd(30.0)),
            FORUM,
        ),
    )


class _Flat(nn.Module):
    """Embeddings of two categories beside four numbers: [n, 6] to [n, 1]."""

    def __init__(self, last: Callable[[Tensor], Tensor] | None = None, *, frozen: bool = False) -> None:
        super().__init__()
        self.district, self.kind = nn.Embedding(30, 6), nn.Embedding(8, 3)
        self.body = dense(13, 48, 1)()
        self.last = last
        if frozen:
            nn.init.zeros_(self.district.weight).requires_grad_(False)  # noqa: FBT003  (torch's own parameter)
            nn.init.zeros_(self.kind.weight).requires_grad_(False)  # noqa: FBT003

    def forward(self, rows: Tensor) -> Tensor:
        district, kind = self.district(rows[:, 0].long()), self.kind(rows[:, 1].long())
        rents = self.body(torch.cat([district, kind, rows[:, 2:]], 1))
        return rents if self.last is None else self.last(rents)


def flats() -> tuple[Program, tuple[Fault, ...]]:
    """The rent of a flat from its district, its kind, and four numbers."""
    draw = np.random.default_rng(108)
    district, kind = draw.integers(30, size=1600), draw.integers(8, size=1600)
    raw = np.column_stack(
        [
            draw.lognormal(4.2, 0.4, 1600),
            draw.integers(1900, 2020, 1600),
            draw.integers(1, 6, 1600),
            draw.normal(size=1600),
        ]
    )
    scaled = standard(floats(raw))
    x = scaled.numpy()
    rent = (
        1.2 * draw.normal(size=30)[district] + draw.normal(size=8)[kind] * x[:, 0] + x[:, 1] * x[:, 2] + 0.5 * x[:, 0]
    )
    rent = column((rent - rent.mean()) / rent.std() + 0.1 * draw.normal(size=1600))
    ids = floats(np.stack([district, kind], 1))
    sound = Program(
        name="flats",
        inputs=torch.cat([ids, scaled], 1),
        targets=rent,
        model=_Flat,
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=700,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "numbers as they are, with SGD",
            ("input_scaling",),
            lambda p: p.but(inputs=torch.cat([ids, floats(raw)], 1), optimizer=sgd(0.05)),
            ENTITIES,
        ),
        Fault(
            "categories as numbers in a linear layer",
            ("data", "architecture", "input_scaling"),
            lambda p: p.but(model=dense(6, 48, 1)),
            ENTITIES,
        ),
        Fault(
            "rents with an offset, and Adam",
            ("target_scaling",),
            lambda p: p.but(targets=rent * 40000 + 90000, optimizer=adam(5e-3)),
            ENTITIES,
        ),
        Fault(
            "a ReLU on standardized rents",
            ("output_activation",),
            lambda p: p.but(model=lambda: _Flat(torch.relu)),
            FORUM,
        ),
        Fault(
            "embeddings of zeros that are frozen",
            ("wiring", "initialization"),
            lambda p: p.but(model=lambda: _Flat(frozen=True)),
            ENTITIES,
        ),
        Fault("gradients clipped to a norm of 1e-3, with SGD", ("clipping",), _clipped, DEEPCRIME),
    )


def _clipped(program: Program) -> Program:
    return program.but(clip=1e-3, optimizer=sgd(0.05, momentum=0.9))
