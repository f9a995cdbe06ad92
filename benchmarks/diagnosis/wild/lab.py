"""Programs over choices, graphs and more than one answer: coupons, a taxi, a bookshop, a metro, throws, a triage.

They were written by a tenth author; see survey.py.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, adam, classified, column, dense, explained, floats, sgd, shuffled, standard
from .play import OwnLoss
from .program import Fault, Model, Origin, Program

BANDIT = "discuss.pytorch.org, REINFORCE always picks one action"
OVER_BATCH = "stackoverflow.com, softmax with dim=0"
DQN = "discuss.pytorch.org, DQN: values grow without bound"
BPR = "github.com, issues on BPR in PyTorch whose loss stays at .69"
GCN = "github.com/tkipf/pygcn, issues on deeper networks"
MDN = "github.com/keras-team/keras/issues/2586"
MIXED = "github.com/tonyduan/mixture-density-network/issues/1"
TASKS = "discuss.pytorch.org, how to weigh the losses of several tasks"


def _value(outputs: Tensor, targets: Tensor) -> Tensor:
    """Minus the mean reward by inverse propensities: targets are [n, 3], the action, its reward and its chance."""
    chance = outputs.softmax(1).gather(1, targets[:, :1].long())[:, 0]
    return -(targets[:, 1] * chance / targets[:, 2]).mean()


def _logged(outputs: Tensor, targets: Tensor) -> Tensor:
    """The log of the chance times the reward, as in REINFORCE."""
    chance = outputs.log_softmax(1).gather(1, targets[:, :1].long())[:, 0]
    return -(targets[:, 1] * chance / targets[:, 2]).mean()


def coupons() -> tuple[Program, tuple[Fault, ...]]:
    """Which of five coupons to send to whom, from a log of coupons and what was bought: a contextual bandit."""
    draw = np.random.default_rng(1031)
    rows = draw.normal(size=(2400, 8))
    tastes = draw.normal(size=(8, 5))
    worth = np.tanh(rows @ tastes * 0.6) + 0.4 * np.sin(2 * rows[:, :1]) * np.arange(5) / 4
    sent = draw.integers(5, size=2400)
    bought = worth[np.arange(2400), sent] + 0.3 * draw.normal(size=2400)
    log = floats(np.stack([sent, bought, np.full(2400, 0.2)], 1))
    known = floats(worth)

    def score(outputs: Tensor, truth: Tensor) -> float:  # noqa: ARG001 (what each coupon is worth is known)
        if not bool(outputs.isfinite().all()):
            return 0.0
        got = known.gather(1, outputs.argmax(1, keepdim=True)).mean()
        usual, best = known.mean(0).max(), known.max(1).values.mean()
        return max(0.0, float((got - usual) / (best - usual)))

    never = log.clone()
    never[::60, 2] = 0
    offset = log + torch.tensor([0.0, 60.0, 0.0])
    sound = Program(
        name="coupons",
        inputs=floats(rows),
        targets=log,
        model=dense(8, 48, 5),
        loss=OwnLoss(_value),
        optimizer=adam(1e-2),
        score=score,
        steps=400,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "the reward is lowered, not raised",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(lambda outputs, targets: -_value(outputs, targets))),
            BANDIT,
        ),
        Fault(
            "rewards with a large offset and no baseline",
            ("target_scaling", "data", "loss"),
            lambda p: p.but(targets=offset, truth=log, loss=OwnLoss(_logged)),
            BANDIT,
        ),
        Fault(
            "a log of chances with some zeros",
            ("data", "loss"),
            lambda p: p.but(targets=never, truth=log),
            BANDIT,
            Origin("loss", "div"),
        ),
        Fault(
            "a softmax over the batch, then one over the actions",
            ("output_activation", "learning_rate"),
            lambda p: p.but(model=dense(8, 48, 5, last=lambda: nn.Softmax(0)), optimizer=sgd(0.1)),
            OVER_BATCH,
        ),
        Fault(
            "log of purchases joined to other customers",
            ("data", "labels"),
            lambda p: p.but(targets=shuffled(log), truth=log),
            BANDIT,
        ),
        Fault("SGD with rate 1e-4", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-4)), BANDIT),
    )


class _Q(nn.Module):
    """Values of the four moves in a state and in the next: [n, 2, 36] to [n, 2, 4]."""

    def __init__(self, *, last: type[nn.Module] = nn.Identity) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(36, 64), nn.ReLU(), nn.Linear(64, 4), last())

    def forward(self, states: Tensor) -> Tensor:
        return self.body(states)


def _bellman(outputs: Tensor, targets: Tensor, *, factor: float = 0.9, ends: bool = True, over: int = 1) -> Tensor:
    """Targets are [n, 3]: the move, its reward and whether the ride ended."""
    here = outputs[:, 0].gather(1, targets[:, :1].long())[:, 0]
    best = outputs[:, 1].detach().max(over).values
    if over == 0:
        best = best.mean()
    return functional.smooth_l1_loss(here, targets[:, 1] + factor * best * (1 - targets[:, 2] * ends))


def taxi() -> tuple[Program, tuple[Fault, ...]]:
    """Which way a taxi goes on a grid of six by six, from a log of random rides: Q-learning."""
    draw = np.random.default_rng(1032)
    moves = np.array([[0, 1], [0, -1], [1, 0], [-1, 0]])
    places = draw.integers(0, 6, (3000, 2))
    chosen = draw.integers(4, size=3000)
    following = np.clip(places + moves[chosen], 0, 5)
    ended = (following == 5).all(1)
    reward = np.where(ended, 1.0, -0.05)
    one_hot = np.eye(36)
    states = floats(np.stack([one_hot[places @ [6, 1]], one_hot[following @ [6, 1]]], 1))
    log = floats(np.stack([chosen, reward, ended], 1))
    worth = np.zeros(36)
    for _ in range(60):
        grid = np.arange(36)
        nexts = np.clip(np.stack([grid // 6, grid % 6], 1)[:, None] + moves, 0, 5)
        goal = (nexts == 5).all(2)
        each = np.where(goal, 1.0, -0.05) + 0.9 * np.where(goal, 0, worth[nexts @ [6, 1]])
        worth = each.max(1)
    known = floats(each)

    def score(outputs: Tensor, truth: Tensor) -> float:  # noqa: ARG001 (the true values are known)
        if not bool(outputs.isfinite().all()):
            return 0.0
        at = states[:, 0].argmax(1)
        said = outputs[:, 0].argmax(1, keepdim=True)
        right = known[at].gather(1, said)[:, 0] >= known[at].max(1).values - 1e-3
        usual = (known[at] >= known[at].max(1, keepdim=True).values - 1e-3).float().mean(0).max()
        return max(0.0, float((right.float().mean() - usual) / (1 - usual)))

    sound = Program(
        name="taxi",
        inputs=states,
        targets=log,
        model=_Q,
        loss=OwnLoss(_bellman),
        optimizer=adam(5e-3),
        score=score,
        steps=1200,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "no discount, and rides that never end",
            ("loss", "wiring"),
            lambda p: p.but(loss=OwnLoss(lambda o, t: _bellman(o, t, factor=1.05, ends=False))),
            DQN,
        ),
        Fault(
            "the best move over the batch, not over the moves",
            ("loss", "wiring"),
            lambda p: p.but(loss=OwnLoss(lambda o, t: _bellman(o, t, over=0))),
            DQN,
        ),
        Fault(
            "values from a softmax",
            ("output_activation",),
            lambda p: p.but(model=lambda: nn.Sequential(_Q(), nn.Softmax(2))),
            DQN,
        ),
        Fault(
            "places as two numbers up to 500 in each of 36 columns",
            ("input_scaling", "data"),
            lambda p: p.but(inputs=(states.argmax(2, keepdim=True) * 14.0).expand(-1, -1, 36).contiguous()),
            DQN,
        ),
        Fault(
            "a hundredth of the steps",
            ("steps",),
            lambda p: p.but(steps=12, optimizer=adam(1e-3)),
            DQN,
        ),
        Fault("Adam with rate 1", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0)), DQN),
    )


class _Factors(nn.Module):
    """How much more a reader likes one book than another, by the products of factors: [n, 3] to [n]."""

    def __init__(self, *, std: float = 0.1, last: type[nn.Module] = nn.Identity, frozen: bool = False) -> None:
        super().__init__()
        self.readers, self.books, self.last = nn.Embedding(80, 8), nn.Embedding(60, 8), last()
        for table in (self.readers, self.books):
            nn.init.normal_(table.weight, std=std)
        self.readers.weight.requires_grad_(not frozen)

    def forward(self, rows: Tensor) -> Tensor:
        reader, liked, other = self.readers(rows[:, 0]), self.books(rows[:, 1]), self.books(rows[:, 2])
        return self.last((reader * (liked - other)).sum(1))


def _ranked(outputs: Tensor, targets: Tensor) -> Tensor:  # noqa: ARG001 (the first book is the one that was read)
    return -functional.logsigmoid(outputs).mean()


def bookshop() -> tuple[Program, tuple[Fault, ...]]:
    """Which of two books a reader likes: factors, Bayesian personalized ranking."""
    draw = np.random.default_rng(1033)
    readers, books = draw.normal(size=(80, 4)), draw.normal(size=(60, 4))
    likes = readers @ books.T
    who, first, second = draw.integers(80, size=4000), draw.integers(60, size=4000), draw.integers(60, size=4000)
    better = likes[who, first] + 0.5 * draw.normal(size=4000) > likes[who, second]
    liked, other = np.where(better, first, second), np.where(better, second, first)
    rows = torch.tensor(np.stack([who, liked, other], 1))
    swapped = rows.clone()
    swapped[::2] = rows[::2][:, [0, 2, 1]]
    ones = torch.ones(4000)

    def score(outputs: Tensor, truth: Tensor) -> float:  # noqa: ARG001 (the first book is the one that was read)
        return max(0.0, float(2 * (outputs > 0).float().mean() - 1)) if bool(outputs.isfinite().all()) else 0.0

    def mean_of_sigmoid(outputs: Tensor, targets: Tensor) -> Tensor:  # noqa: ARG001
        return -outputs.sigmoid().log().mean()

    sound = Program(
        name="bookshop",
        inputs=rows,
        targets=ones,
        model=_Factors,
        loss=OwnLoss(_ranked),
        optimizer=adam(1e-2),
        score=score,
        steps=400,
        batch=100,
        held_out=True,
    )
    return sound, (
        Fault(
            "factors that start at .001, SGD",
            ("initialization", "optimizer", "learning_rate"),
            lambda p: p.but(model=lambda: _Factors(std=1e-3), optimizer=sgd(0.1)),
            BPR,
        ),
        Fault(
            "the logarithm of a sigmoid of large factors",
            ("loss", "initialization"),
            lambda p: p.but(model=lambda: _Factors(std=6.0), loss=OwnLoss(mean_of_sigmoid)),
            "discuss.pytorch.org, log of sigmoid is -inf",
            Origin("loss", "log"),
        ),
        Fault(
            "the sign of the ranking turned round",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(lambda outputs, targets: _ranked(-outputs, targets))),
            BPR,
        ),
        Fault(
            "a ReLU over the difference",
            ("output_activation",),
            lambda p: p.but(model=lambda: _Factors(last=nn.ReLU)),
            BPR,
        ),
        Fault("decay of .1 in Adam", ("regularization",), lambda p: p.but(optimizer=adam(1e-2, decay=0.1)), BPR),
        Fault(
            "a rate that halves every five batches",
            ("schedule", "learning_rate"),
            lambda p: p.but(decay_each_step=0.87),
            BPR,
        ),
    )


class _Network(nn.Module):
    """Graph convolutions over all stations; a batch is a list of stations: [n] to [n, 4]."""

    def __init__(
        self, stations: Tensor, links: Tensor, *, depth: int = 2, alone: bool = False, hidden: Model = nn.ReLU
    ) -> None:
        super().__init__()
        self.register_buffer("stations", stations)
        self.register_buffer("links", torch.eye(len(links)) if alone else links)
        sizes = [stations.shape[1], *[32] * (depth - 1)]
        self.layers = nn.ModuleList([nn.Linear(size, 32) for size in sizes])
        self.head, self.hidden = nn.Linear(32, 4), hidden()

    def forward(self, rows: Tensor) -> Tensor:
        found = self.get_buffer("stations")
        for layer in self.layers:
            found = self.hidden(self.get_buffer("links") @ layer(found))
        return self.head(found)[rows]


def metro() -> tuple[Program, tuple[Fault, ...]]:
    """To which of four districts a station belongs, by noisy counts at it and its neighbours: a graph network."""
    draw = np.random.default_rng(1034)
    districts = draw.integers(4, size=240)
    same = districts[:, None] == districts
    linked = np.triu(draw.uniform(size=(240, 240)) < np.where(same, 0.08, 0.006), 1)
    linked = (linked | linked.T | np.eye(240, dtype=bool)).astype(float)
    degree = linked.sum(1)
    normed = floats(linked / np.sqrt(degree[:, None] * degree))
    stations = floats(draw.normal(0, 0.9, (4, 6))[districts] + 1.2 * draw.normal(size=(240, 6)))
    answers = torch.tensor(districts)
    sound = Program(
        name="metro",
        inputs=torch.arange(240),
        targets=answers,
        model=lambda: _Network(stations, normed),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=classified,
        steps=200,
        batch=60,
        held_out=True,
    )
    return sound, (
        Fault(
            "links as they are, six layers, SGD with momentum",
            ("normalization", "architecture", "data"),
            lambda p: p.but(
                model=lambda: _Network(stations, floats(linked), depth=6), optimizer=sgd(0.05, momentum=0.9)
            ),
            GCN,
        ),
        Fault(
            "twenty layers",
            ("architecture",),
            lambda p: p.but(model=lambda: _Network(stations, normed, depth=20)),
            GCN,
        ),
        Fault(
            "links sorted, stations not",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(answers), truth=answers, optimizer=adam(3e-3)),
            GCN,
        ),
        Fault(
            "counts of passengers as they are",
            ("input_scaling", "learning_rate"),
            lambda p: p.but(model=lambda: _Network(5e4 + 8e3 * stations, normed)),
            GCN,
        ),
        Fault(
            "a hidden softmax, SGD",
            ("hidden_activation", "optimizer"),
            lambda p: p.but(
                model=lambda: _Network(stations, normed, hidden=lambda: nn.Softmax(1)), optimizer=sgd(0.05)
            ),
            GCN,
        ),
        Fault("weight decay of .3", ("regularization",), lambda p: p.but(optimizer=adam(1e-2, decay=0.3)), GCN),
    )


def _parts_of(outputs: Tensor, *, over: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Log weights, means and deviations of four parts."""
    weights, means, spreads = outputs.chunk(3, 1)
    return weights.log_softmax(over), means, spreads.clamp(-6, 6).exp()


def _mixture(outputs: Tensor, targets: Tensor, *, over: int = 1) -> Tensor:
    weights, means, spreads = _parts_of(outputs, over=over)
    return -torch.logsumexp(weights + torch.distributions.Normal(means, spreads).log_prob(targets), 1).mean()


def _mixture_of_logs(outputs: Tensor, targets: Tensor) -> Tensor:
    weights, means, spreads = _parts_of(outputs)
    return -(weights + torch.distributions.Normal(means, spreads).log_prob(targets)).sum(1).mean()


def _mixture_by_hand(outputs: Tensor, targets: Tensor) -> Tensor:
    weights, means, spreads = outputs.chunk(3, 1)
    spreads = spreads.exp() * 0.02
    densities = (-((targets - means) ** 2) / (2 * spreads**2)).exp() / (spreads * (2 * torch.pi) ** 0.5)
    return -(weights.softmax(1) * densities).sum(1).log().mean()


def throws() -> tuple[Program, tuple[Fault, ...]]:
    """At which angles a ball was thrown that landed there, of two that fit: a mixture of four normal distributions."""
    draw = np.random.default_rng(1035)
    angles = draw.uniform(0.15, 1.42, 1800)
    landed = np.sin(2 * angles) + 0.02 * draw.normal(size=1800)
    rows, answers = standard(column(landed)), standard(column(angles))
    degrees = column(np.degrees(angles))

    def score(outputs: Tensor, truth: Tensor) -> float:
        if not bool(outputs.isfinite().all()):
            return 0.0
        return max(0.0, min(1.0, float((1.4 - _mixture(outputs, truth)) / 1.6)))

    sound = Program(
        name="throws",
        inputs=rows,
        targets=answers,
        model=dense(1, 32, 32, 12, hidden=nn.Tanh),
        loss=OwnLoss(_mixture),
        optimizer=adam(5e-3),
        score=score,
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "densities added up without logarithms",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(_mixture_by_hand)),
            MDN,
            Origin("loss", "log"),
        ),
        Fault("logarithms added up", ("loss",), lambda p: p.but(loss=OwnLoss(_mixture_of_logs)), MIXED),
        Fault(
            "one mean squared error for two answers",
            ("loss",),
            lambda p: p.but(
                model=dense(1, 32, 32, 1, hidden=nn.Tanh),
                loss=nn.MSELoss(),
                score=explained,
            ),
            MIXED,
        ),
        Fault(
            "degrees, and means that start near zero",
            ("target_scaling",),
            lambda p: p.but(
                targets=degrees,
                truth=answers,
                optimizer=adam(1e-3),
                score=lambda o, t: score(
                    torch.cat(
                        [o[:, :4], (o[:, 4:8] - degrees.mean()) / degrees.std(), o[:, 8:] - degrees.std().log()], 1
                    ),
                    t,
                ),
            ),
            MDN,
        ),
        Fault(
            "a ReLU after the last layer",
            ("output_activation",),
            lambda p: p.but(model=dense(1, 32, 32, 12, hidden=nn.Tanh, last=nn.ReLU)),
            MDN,
        ),
        Fault("Adam with rate .3", ("learning_rate",), lambda p: p.but(optimizer=adam(0.3)), MDN),
        Fault(
            "clipped to .0001 under SGD",
            ("clipping", "optimizer"),
            lambda p: p.but(clip=1e-4, optimizer=sgd(0.1)),
            MDN,
        ),
    )


class _Triage(nn.Module):
    """Urgency in three classes and hours in a ward, from a common body: [n, 3 + 1]."""

    def __init__(self, *, cut: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(9, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, 32)
        )
        self.urgency, self.hours = nn.Linear(32, 3), nn.Linear(32, 1)
        self.cut = cut

    def forward(self, rows: Tensor) -> Tensor:
        found = self.body(rows).relu()
        return torch.cat([self.urgency(found.detach() if self.cut else found), self.hours(found)], 1)


def _two(outputs: Tensor, targets: Tensor, *, first: float = 1.0, second: float = 1.0) -> Tensor:
    """Targets are [n, 2]: a class, and a number."""
    urgency = functional.cross_entropy(outputs[:, :3], targets[:, 0].long())
    return first * urgency + second * functional.mse_loss(outputs[:, 3], targets[:, 1])


def _two_broadcast(outputs: Tensor, targets: Tensor) -> Tensor:
    urgency = functional.cross_entropy(outputs[:, :3], targets[:, 0].long())
    return urgency + functional.mse_loss(outputs[:, 3:], targets[:, 1])


def triage() -> tuple[Program, tuple[Fault, ...]]:
    """How urgent a patient is, and how many hours they stay: one network, two losses."""
    draw = np.random.default_rng(1036)
    rows = draw.normal(size=(1600, 9))
    first, second = rows[:, 0] * rows[:, 1] + rows[:, 2], np.sin(2 * rows[:, 3]) + rows[:, 4] * (rows[:, 0] > 0)
    urgency = np.digitize(first, [-0.6, 0.6])
    hours = standard(column(second + 0.2 * draw.normal(size=1600)))
    targets = torch.cat([column(urgency), hours], 1)
    minutes = torch.cat([column(urgency), 3000 + 1500 * hours], 1)

    def score(outputs: Tensor, truth: Tensor) -> float:
        return (classified(outputs[:, :3], truth[:, 0]) + explained(outputs[:, 3], truth[:, 1])) / 2

    sound = Program(
        name="triage",
        inputs=floats(rows),
        targets=targets,
        model=_Triage,
        loss=OwnLoss(_two),
        optimizer=adam(4e-3),
        score=score,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "minutes beside a cross entropy",
            ("target_scaling", "loss"),
            lambda p: p.but(targets=minutes, optimizer=adam(1e-3)),
            TASKS,
        ),
        Fault(
            "the number against a row of numbers",
            ("loss", "wiring"),
            lambda p: p.but(loss=OwnLoss(_two_broadcast)),
            "discuss.pytorch.org/t/output-of-the-model-depends-on-the-shape-of-the-weights-tensor/148155",
        ),
        Fault(
            "weights of the two losses of .00001, SGD",
            ("loss", "learning_rate", "optimizer"),
            lambda p: p.but(loss=OwnLoss(lambda o, t: _two(o, t, first=1e-5, second=1e-5)), optimizer=sgd(0.05)),
            TASKS,
        ),
        Fault(
            "dropout of .95 in the common body",
            ("regularization",),
            lambda p: p.but(model=lambda: _Triage(dropout=0.95)),
            TASKS,
        ),
        Fault(
            "evaluation mode with columns in their own units",
            ("wiring", "input_scaling"),
            lambda p: p.but(evaluates=True, inputs=p.inputs * torch.logspace(-1, 4, 9) + 500, optimizer=adam(1e-3)),
            FORUM,
        ),
        Fault(
            "two patients a batch at rate .1",
            ("batch_size", "learning_rate"),
            lambda p: p.but(batch=2, optimizer=adam(0.1)),
            TASKS,
        ),
    )
