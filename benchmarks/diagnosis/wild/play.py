"""Programs that learn to act, or to tell what another network made: a discriminator, a policy, a value, an equation.

They were written by a fourth author, who had read neither the rules nor what they find in the other programs. The kinds
of a fault are those that were put in, and were fixed before any diagnosis.
"""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, adam, column, dense, explained, floats, sgd, told_apart
from .program import Fault, Program

REINFORCE = "stackoverflow.com, policy gradient in PyTorch does not learn"
DQN = "stackoverflow.com, deep Q network does not converge in PyTorch"
PINN = "stackoverflow.com, physics informed network converges to a constant"


class OwnLoss(nn.Module):
    """A function of outputs and targets as a loss."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.function(outputs, targets)


class _Clamped(nn.Module):
    """A network whose weights are kept within a bound, as those of a Wasserstein critic are."""

    def __init__(self, body: nn.Module, bound: float) -> None:
        super().__init__()
        self.body = body
        self.bound = bound

    def forward(self, values: Tensor) -> Tensor:
        if self.training:
            with torch.no_grad():
                for weights in self.body.parameters():
                    weights.clamp_(-self.bound, self.bound)
        return self.body(values)


def forgeries() -> tuple[Program, tuple[Fault, ...]]:
    """A discriminator: which points are of eight spots on a circle, and which a generator made."""
    draw = np.random.default_rng(81)
    angles = draw.integers(8, size=700) * np.pi / 4
    real = 2 * np.stack([np.cos(angles), np.sin(angles)], 1) + 0.1 * draw.normal(size=(700, 2))
    made = 1.4 * draw.normal(size=(700, 2))
    build = dense(2, 64, 64, 1, hidden=lambda: nn.LeakyReLU(0.2))
    truth = column(np.repeat([1.0, 0.0], 700))
    sound = Program(
        name="forgeries",
        inputs=floats(np.concatenate([real, made])),
        targets=truth,
        model=build,
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(3e-3),
        score=told_apart(0.0),
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "a sigmoid before the loss of logits",
            ("output_activation", "loss"),
            lambda p: p.but(model=dense(2, 64, 64, 1, hidden=lambda: nn.LeakyReLU(0.2), last=nn.Sigmoid)),
            "discuss.pytorch.org, GAN with BCEWithLogitsLoss and a sigmoid",
        ),
        Fault(
            "weights clamped to 0.01 with the usual loss",
            ("clipping", "regularization", "initialization"),
            lambda p: p.but(model=lambda: _Clamped(build(), 0.01)),
            "discuss.pytorch.org, WGAN weight clipping left in a DCGAN",
        ),
        Fault(
            "ones as labels of both",
            ("labels", "data"),
            lambda p: p.but(targets=torch.ones_like(truth), truth=truth),
            "stackoverflow.com, GAN discriminator loss goes to zero at once",
        ),
        Fault("Adam with rate 0.5", ("learning_rate",), lambda p: p.but(optimizer=adam(0.5)), FORUM),
        Fault(
            "all real ones before all made ones",
            ("data", "batch_size"),
            lambda p: p.but(shuffles=False, batch=50, steps=504),
            "stackoverflow.com, training without shuffling sorted data",
        ),
    )


def _clicked(outputs: Tensor, targets: Tensor) -> Tensor:
    chosen = outputs.log_softmax(1).gather(1, targets[:, :1].long())
    return -(chosen * targets[:, 1:]).mean()


def _worse(outputs: Tensor, targets: Tensor) -> Tensor:
    return -_clicked(outputs, targets)


def _chosen_reward(outputs: Tensor, chances: Tensor) -> float:
    if not bool(outputs.isfinite().all()):
        return 0.0
    got = chances.gather(1, outputs.argmax(1, keepdim=True)).mean()
    return max(0.0, float((got - chances.mean()) / (chances.max(1).values.mean() - chances.mean())))


class _Rewrapped(nn.Module):
    """A network whose output is made into a new tensor."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, values: Tensor) -> Tensor:
        outputs = self.body(values)
        return torch.tensor(outputs.tolist(), requires_grad=True) if self.training else outputs


def banners() -> tuple[Program, tuple[Fault, ...]]:
    """A policy gradient: which of four banners is clicked by whom, from banners shown at random."""
    draw = np.random.default_rng(82)
    who = draw.normal(size=(2400, 6))
    taste = np.tanh(who @ draw.normal(size=(6, 8))) @ draw.normal(size=(8, 4))
    chances = 1 / (1 + np.exp(-1.5 * taste))
    shown = draw.integers(4, size=2400)
    clicks = (draw.random(2400) < chances[np.arange(2400), shown]).astype(float)
    logged = floats(np.stack([shown, clicks], 1))
    sound = Program(
        name="banners",
        inputs=floats(who),
        targets=logged,
        model=dense(6, 48, 4),
        loss=OwnLoss(_clicked),
        optimizer=adam(3e-3),
        score=_chosen_reward,
        truth=floats(chances),
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault("descent on the reward", ("loss",), lambda p: p.but(loss=OwnLoss(_worse)), REINFORCE),
        Fault(
            "a reward of 200 for every banner on top",
            ("target_scaling", "loss"),
            lambda p: p.but(targets=logged + torch.tensor([0.0, 200.0])),
            REINFORCE,
        ),
        Fault(
            "outputs wrapped in a new tensor",
            ("wiring",),
            lambda p: p.but(model=lambda: _Rewrapped(dense(6, 48, 4)())),
            REINFORCE,
        ),
        Fault(
            "clicks stored one row late",
            ("labels", "data"),
            lambda p: p.but(targets=torch.stack([logged[:, 0], logged[:, 1].roll(1)], 1)),
            REINFORCE,
        ),
        Fault("SGD with rate 1e-5", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-5)), FORUM),
    )


class _Values(nn.Module):
    """Values of both moves, and the best value of the next cell by a copy that follows now and then.

    In training it returns the value of the move taken and the discounted best next value; else the values of all moves.
    """

    def __init__(self, *, last: type[nn.Module] = nn.Identity, every: int = 25) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2), last())
        self.copy = deepcopy(self.net).requires_grad_(requires_grad=False)
        self.every, self.calls = every, 0

    def forward(self, moves: Tensor) -> Tensor:
        values = self.net(moves[:, :8])
        if not self.training:
            return values
        if self.calls % self.every == 0:
            self.copy.load_state_dict(self.net.state_dict())
        self.calls += 1
        after = 0.9 * self.copy(moves[:, 10:18]).max(1).values * (1 - moves[:, 18])
        return torch.stack([values.gather(1, moves[:, 8:9].long())[:, 0], after], 1)


def _temporal_difference(outputs: Tensor, rewards: Tensor) -> Tensor:
    return functional.mse_loss(outputs[:, 0], rewards + outputs[:, 1].detach())


def corridor() -> tuple[Program, tuple[Fault, ...]]:
    """Q learning from a buffer: a corridor of eight cells with a prize at its end, and a small one at its start."""
    draw = np.random.default_rng(83)
    cells, moves = draw.integers(8, size=2000), draw.integers(2, size=2000)
    following = cells + 2 * moves - 1
    rewards = np.where(following == 8, 2.0, np.where(following == -1, 0.4, -0.05))
    done = (following == 8) | (following == -1)
    best = np.zeros((10, 2))
    for _ in range(200):
        ahead = best.max(1)
        best[1:9, 0] = np.where(np.arange(8) == 0, 0.4, -0.05 + 0.9 * ahead[0:8])
        best[1:9, 1] = np.where(np.arange(8) == 7, 2.0, -0.05 + 0.9 * ahead[2:10])
    one = np.eye(8)
    buffer = np.column_stack([one[cells], moves, rewards, one[following.clip(0, 7)], done])
    sound = Program(
        name="corridor",
        inputs=floats(buffer),
        targets=floats(rewards),
        model=_Values,
        loss=OwnLoss(_temporal_difference),
        optimizer=adam(3e-3),
        score=explained,
        truth=floats(best[1:9][cells]),
        steps=800,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "tanh at the end and prizes of 10",
            ("output_activation", "target_scaling"),
            lambda p: p.but(
                model=lambda: _Values(last=nn.Tanh), targets=5 * p.targets, truth=5 * floats(best[1:9][cells])
            ),
            DQN,
        ),
        Fault(
            "rewards in thousands",
            ("target_scaling",),
            lambda p: p.but(targets=1000 * p.targets, truth=1000 * floats(best[1:9][cells])),
            DQN,
        ),
        Fault("RMSprop with rate 1e-6", ("learning_rate",), lambda p: p.but(optimizer=_rmsprop(1e-6)), DQN),
        Fault(
            "ReLU after the values, prizes and costs",
            ("output_activation",),
            lambda p: p.but(model=lambda: _Values(last=nn.ReLU), targets=-p.targets, truth=floats(_costs(cells))),
            DQN,
        ),
        Fault("Adam with rate 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), DQN),
    )


def _costs(cells: np.ndarray) -> np.ndarray:
    """The values of both moves where prizes are costs."""
    best = np.zeros((10, 2))
    for _ in range(200):
        ahead = best.max(1)
        best[1:9, 0] = np.where(np.arange(8) == 0, -0.4, 0.05 + 0.9 * ahead[0:8])
        best[1:9, 1] = np.where(np.arange(8) == 7, -2.0, 0.05 + 0.9 * ahead[2:10])
    return best[1:9][cells]


def _rmsprop(rate: float) -> Callable[[nn.Module], torch.optim.Optimizer]:
    return lambda model: torch.optim.RMSprop(model.parameters(), lr=rate)


class _Curve(nn.Module):
    """In training, a curve, its second derivative, and its start: [n, 3]; else the curve alone."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, times: Tensor) -> Tensor:
        if not self.training:
            return self.body(times)
        times = times.clone().requires_grad_()
        curve = self.body(times)
        slope = torch.autograd.grad(curve.sum(), times, create_graph=True)[0]
        bend = torch.autograd.grad(slope.sum(), times, create_graph=True, allow_unused=True)[0]
        if bend is None:
            bend = torch.zeros_like(curve)
        start = torch.zeros_like(times[:1]).requires_grad_()
        here = self.body(start)
        rise = torch.autograd.grad(here.sum(), start, create_graph=True)[0]
        off = (here**2 + (rise - 1) ** 2).expand_as(curve)
        return torch.cat([curve, bend, off], 1)


def _spring(outputs: Tensor, forces: Tensor) -> Tensor:
    return ((outputs[:, 0] + outputs[:, 1] - forces[:, 0]) ** 2).mean() + outputs[:, 2].mean()


def _loose(outputs: Tensor, forces: Tensor) -> Tensor:
    return ((outputs[:, 0] + outputs[:, 1] - forces[:, 0]) ** 2).mean()


def spring() -> tuple[Program, tuple[Fault, ...]]:
    """A network informed by physics: u + u'' = 0 from u = 0 and u' = 1."""
    times = np.sort(np.random.default_rng(84).uniform(0, 4, 400))
    build = dense(1, 24, 24, 1, hidden=nn.Tanh)
    sound = Program(
        name="spring",
        inputs=column(times),
        targets=torch.zeros(400, 1),
        model=lambda: _Curve(build()),
        loss=OwnLoss(_spring),
        optimizer=adam(1e-2),
        score=explained,
        truth=column(np.sin(times)),
        steps=700,
        batch=100,
        held_out=True,
    )
    return sound, (
        Fault(
            "ReLU, which has no second derivative",
            ("hidden_activation",),
            lambda p: p.but(model=lambda: _Curve(dense(1, 24, 24, 1)())),
            PINN,
        ),
        Fault("no condition at the start", ("loss",), lambda p: p.but(loss=OwnLoss(_loose)), PINN),
        Fault(
            "a time span of 400",
            ("input_scaling", "data"),
            lambda p: p.but(inputs=column(100 * times), truth=column(np.sin(100 * times))),
            PINN,
        ),
        Fault("SGD with rate 1e-6", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-6)), PINN),
    )
