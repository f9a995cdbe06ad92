"""Programs that learn vectors: of two views, of voices by angles, of words, of compounds as graphs.

They were written by a ninth author; see records.py.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, adam, classified, column, explained, floats, sgd, shuffled
from .play import OwnLoss
from .program import Fault, Optimizing, Origin, Program

SIMCLR = "github.com/google-research/simclr/issues/141"
OVERFLOW = "github.com/Lightning-Universe/lightning-bolts/issues/811"
ARCFACE = "github.com/TreB1eN/InsightFace_Pytorch/issues/93"
ARCMARGIN = "github.com/MccreeZhao/FR-Loss-on-Mnist/issues/2"
WORD2VEC = "stackoverflow.com, skip-gram with negative sampling in PyTorch does not learn"
GCN = "github.com/pyg-team/pytorch_geometric/issues/61"


def _only(*parts: str, rate: float) -> Optimizing:
    """Adam over the parameters of some parts of the model."""

    def make(model: nn.Module) -> torch.optim.Optimizer:
        held = [each for name, each in model.named_parameters() if name.split(".")[0] in parts]
        return torch.optim.Adam(held, lr=rate)

    return make


class _Projector(nn.Module):
    """Both views as vectors of length 1: [n, 2, 20] to [n, 2, 8]."""

    def __init__(self, *, axis: int | None = 2, biased: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(20, 64, bias=biased), nn.ReLU(), nn.Linear(64, 8, bias=biased))
        self.axis = axis

    def forward(self, views: Tensor) -> Tensor:
        found = self.body(views)
        return found if self.axis is None else found / found.norm(dim=self.axis, keepdim=True)


def _agreement(outputs: Tensor, *, temperature: float = 0.2, masked: bool = True) -> tuple[Tensor, Tensor]:
    """How alike all pairs of views are, and which is the partner of each: [2n, 2n] and [2n]."""
    both = torch.cat([outputs[:, 0], outputs[:, 1]])
    alike = both @ both.T / temperature
    count = len(outputs)
    if not masked:
        return alike, torch.arange(2 * count)
    return alike - 1e9 * torch.eye(2 * count), torch.arange(2 * count).roll(count)


def _contrast(outputs: Tensor, _: Tensor) -> Tensor:
    return functional.cross_entropy(*_agreement(outputs))


def _with_itself(outputs: Tensor, _: Tensor) -> Tensor:
    return functional.cross_entropy(*_agreement(outputs, masked=False))


def _by_hand(outputs: Tensor, _: Tensor) -> Tensor:
    alike, partner = _agreement(outputs, temperature=0.005)
    raised = alike.exp()
    return -(raised.gather(1, partner[:, None])[:, 0] / raised.sum(1)).log().mean()


def _matched(outputs: Tensor, _: Tensor) -> float:
    """How often the most alike of 100 second views is that of the same thing."""
    if not bool(outputs.isfinite().all()):
        return 0.0
    hits = [(a @ b.T).argmax(1) == torch.arange(len(a)) for a, b in (o.unbind(1) for o in outputs.split(100))]
    return max(0.0, (float(torch.cat(hits).float().mean()) - 0.01) / 0.99)


def augmented() -> tuple[Program, tuple[Fault, ...]]:
    """Two views of one thing under strong changes: SimCLR."""
    draw = np.random.default_rng(905)
    things = draw.normal(size=(1500, 5)) @ draw.normal(size=(5, 20))
    change = draw.normal(size=(6, 20))
    views = things[:, None] + 0.2 * draw.normal(size=(1500, 2, 20)) + 2 * draw.normal(size=(1500, 2, 6)) @ change
    seen = floats(views) / 5
    other, black = seen.clone(), seen.clone()
    other[:, 1] = shuffled(seen[:, 1])
    black[::50] = 0
    sound = Program(
        name="augmented",
        inputs=seen,
        targets=torch.zeros(1500),
        model=_Projector,
        loss=OwnLoss(_contrast),
        optimizer=adam(3e-3),
        score=_matched,
        steps=400,
        batch=100,
        held_out=True,
    )
    return sound, (
        Fault(
            "the exponential of agreement over a temperature of 0.005",
            ("loss", "precision"),
            lambda p: p.but(loss=OwnLoss(_by_hand)),
            OVERFLOW,
            Origin("loss", "exp"),
        ),
        Fault(
            "each view as its own partner",
            ("loss", "labels"),
            lambda p: p.but(loss=OwnLoss(_with_itself)),
            "github.com/HobbitLong/SupContrast/issues/106",
        ),
        Fault(
            "views from two loaders that shuffle on their own",
            ("data", "labels"),
            lambda p: p.but(inputs=other),
            SIMCLR,
        ),
        Fault(
            "lengths over the batch instead of over each vector",
            ("normalization", "wiring", "architecture"),
            lambda p: p.but(model=lambda: _Projector(axis=0)),
            "stackoverflow.com, F.normalize with dim=0",
        ),
        Fault(
            "black images divided by their length",
            ("data", "normalization", "architecture"),
            lambda p: p.but(inputs=black, model=lambda: _Projector(biased=False)),
            SIMCLR,
            Origin("forward", "div"),
        ),
        Fault("pairs in batches of 2", ("batch_size",), lambda p: p.but(batch=2), SIMCLR),
        Fault("a rate of 1e-6", ("learning_rate", "steps"), lambda p: p.but(optimizer=adam(1e-6)), SIMCLR),
    )


class _Angles(nn.Module):
    """Cosines of the angles between a voice and all speakers: [n, 24] to [n, 20]."""

    def __init__(self, *, width: int = 12, drop: float = 0.0) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Dropout(drop), nn.Linear(64, width))
        self.speakers = nn.Parameter(torch.randn(20, width))

    def forward(self, voices: Tensor) -> Tensor:
        return functional.normalize(self.body(voices)) @ functional.normalize(self.speakers).T


def _angular(outputs: Tensor, speakers: Tensor, *, margin: float = 0.3, scale: float = 16.0) -> Tensor:
    """Cross entropy after the angle to the right speaker grew by a margin."""
    sines = torch.sqrt((1 - outputs**2).clamp(min=1e-6))
    grown = outputs * np.cos(margin) - sines * np.sin(margin)
    own = functional.one_hot(speakers, 20).bool()
    return functional.cross_entropy(scale * torch.where(own, grown, outputs), speakers)


def _bare(outputs: Tensor, speakers: Tensor) -> Tensor:
    grown = outputs * np.cos(0.3) - torch.sqrt(1 - outputs**2) * np.sin(0.3)
    own = functional.one_hot(speakers, 20).bool()
    return functional.cross_entropy(16 * torch.where(own, grown, outputs), speakers)


def speakers() -> tuple[Program, tuple[Fault, ...]]:
    """Which of 20 people speaks: a margin of angles (ArcFace)."""
    draw = np.random.default_rng(906)
    who = draw.integers(20, size=1400)
    people = draw.normal(size=(20, 24))
    voices = people[who] * (1 + 0.3 * draw.normal(size=(1400, 1))) + 0.8 * draw.normal(size=(1400, 24))
    heard, named = floats(voices), torch.tensor(who)

    def angular(**options: float) -> nn.Module:
        return OwnLoss(lambda outputs, speakers: _angular(outputs, speakers, **options))

    sound = Program(
        name="speakers",
        inputs=heard,
        targets=named,
        model=_Angles,
        loss=angular(),
        optimizer=adam(3e-3),
        score=classified,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "vectors of one number, and the root of 0",
            ("loss", "architecture"),
            lambda p: p.but(model=lambda: _Angles(width=1), loss=OwnLoss(_bare)),
            "github.com/d3-ai/face-verification-demo/pull/5",
            Origin("loss_backward", "sqrt"),
        ),
        Fault("a margin in degrees", ("loss",), lambda p: p.but(loss=angular(margin=2.9 * 57.3)), ARCMARGIN),
        Fault(
            "only the speakers' vectors in the optimizer",
            ("wiring", "optimizer"),
            lambda p: p.but(optimizer=_only("speakers", rate=3e-3)),
            ARCFACE,
        ),
        Fault(
            "speakers by the order of files",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(named), truth=named),
            FORUM,
        ),
        Fault(
            "energies with an offset, with SGD",
            ("input_scaling", "optimizer"),
            lambda p: p.but(inputs=heard * 10 - 400, optimizer=sgd(0.05)),
            FORUM,
        ),
        Fault(
            "a dropout of 0.97",
            ("regularization",),
            lambda p: p.but(model=lambda: _Angles(drop=0.97)),
            FORUM,
        ),
        Fault("SGD with rate 1e-4", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-4)), ARCFACE),
    )


class _SkipGram(nn.Module):
    """How well words go with the first one: [n, 7] to [n, 6]."""

    def __init__(self, *, start: float = 0.2) -> None:
        super().__init__()
        self.words, self.contexts = nn.Embedding(80, 12), nn.Embedding(80, 12)
        nn.init.normal_(self.words.weight, std=start)
        nn.init.normal_(self.contexts.weight, std=start)

    def forward(self, ids: Tensor) -> Tensor:
        return (self.contexts(ids[:, 1:]) * self.words(ids[:, :1])).sum(2)


SIGNS = torch.tensor([1.0, -1, -1, -1, -1, -1])


def _sampled(outputs: Tensor, _: Tensor) -> Tensor:
    return -functional.logsigmoid(SIGNS * outputs).sum(1).mean()


def _log_of_sigmoid(outputs: Tensor, _: Tensor) -> Tensor:
    return -torch.log(torch.sigmoid(SIGNS * outputs)).sum(1).mean()


def _without_signs(outputs: Tensor, _: Tensor) -> Tensor:
    return -functional.logsigmoid(outputs).sum(1).mean()


def _preferred(outputs: Tensor, _: Tensor) -> float:
    """How often the word beside is preferred to one drawn, above chance."""
    if not bool(outputs.isfinite().all()):
        return 0.0
    return max(0.0, 2 * float((outputs[:, :1] > outputs[:, 1:]).float().mean()) - 1)


def neighbours() -> tuple[Program, tuple[Fault, ...]]:
    """Which words stand beside a word: skip-gram with negative samples."""
    draw = np.random.default_rng(907)
    word = draw.integers(80, size=3000)
    beside = (word // 8 * 8 + draw.integers(8, size=3000)) % 80
    drawn = draw.integers(80, size=(3000, 5))
    text = torch.tensor(np.column_stack([word, beside, drawn]))
    same = text.clone()
    same[:, 2:] = torch.tensor((word // 8 * 8)[:, None] + draw.integers(8, size=(3000, 5)))

    sound = Program(
        name="neighbours",
        inputs=text,
        targets=torch.zeros(3000),
        model=_SkipGram,
        loss=OwnLoss(_sampled),
        optimizer=adam(2e-2),
        score=_preferred,
        steps=400,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "vectors with a deviation of 6, under the logarithm of a sigmoid",
            ("initialization", "loss"),
            lambda p: p.but(model=lambda: _SkipGram(start=6.0), loss=OwnLoss(_log_of_sigmoid)),
            WORD2VEC,
            Origin("loss", "log"),
        ),
        Fault("the drawn words' sign left out", ("loss",), lambda p: p.but(loss=OwnLoss(_without_signs)), WORD2VEC),
        Fault(
            "both tables start at 0",
            ("initialization",),
            lambda p: p.but(model=lambda: _SkipGram(start=0.0)),
            WORD2VEC,
        ),
        Fault(
            "drawn words from the same sentence",
            ("data", "labels"),
            lambda p: p.but(inputs=same, truth=torch.zeros(3000)),
            WORD2VEC,
        ),
        Fault(
            "word2vec's rate of 0.025 on a mean, with SGD",
            ("learning_rate", "optimizer"),
            lambda p: p.but(optimizer=sgd(0.025)),
            WORD2VEC,
        ),
        Fault(
            "a decay of 0.3 on both tables",
            ("regularization",),
            lambda p: p.but(optimizer=adam(2e-2, decay=0.3)),
            WORD2VEC,
        ),
        Fault(
            "only the first table in the optimizer, the second at 0",
            ("wiring", "optimizer", "initialization"),
            lambda p: p.but(model=_HalfZero, optimizer=_only("words", rate=2e-2)),
            WORD2VEC,
        ),
    )


class _HalfZero(_SkipGram):
    """The same, with contexts that start at 0."""

    def __init__(self) -> None:
        super().__init__()
        nn.init.zeros_(self.contexts.weight)


Mixing = Callable[[Tensor], Tensor]


def _mean(bonds: Tensor) -> Tensor:
    return bonds / bonds.sum(2, keepdim=True).clamp(min=1)


def _symmetric(bonds: Tensor) -> Tensor:
    roots = bonds.sum(2).pow(-0.5)
    return roots[:, :, None] * bonds * roots[:, None]


class _Graph(nn.Module):
    """Layers over atoms and their neighbours, and a sum over atoms: [n, 10, 4 + 10] to [n, 1]."""

    def __init__(self, *, mix: Mixing = _mean, depth: int = 2, keeps: bool = True, pools: int = 1) -> None:
        super().__init__()
        widths = [4] + [32] * depth
        self.near = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(widths)])
        self.own = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(widths)] if keeps else [])
        self.head, self.mix, self.pools = nn.Linear(32, 1), mix, pools

    def forward(self, graphs: Tensor) -> Tensor:
        atoms, bonds = graphs[:, :, :4], self.mix(graphs[:, :, 4:])
        for place, near in enumerate(self.near):
            found = near(bonds @ atoms)
            atoms = torch.relu(found + self.own[place](atoms) if len(self.own) else found)
        return self.head(atoms.mean(1) if self.pools == 1 else atoms.mean((0, 1)).expand(len(atoms), 32))


def compounds() -> tuple[Program, tuple[Fault, ...]]:
    """A property of compounds by which atoms are bound to which: a network of graphs."""
    draw = np.random.default_rng(908)
    kinds = draw.integers(4, size=(1200, 10))
    upper = np.triu(draw.uniform(size=(1200, 10, 10)) < 0.25, 1)
    bonds = upper + upper.transpose(0, 2, 1)
    polar = ((kinds[:, :, None] == 0) & (kinds[:, None] == 1)) * bonds
    energy = polar.sum((1, 2)) - 0.7 * (kinds == 2).sum(1) + 0.1 * draw.normal(size=1200)
    graphs = floats(np.concatenate([np.eye(4)[kinds], bonds], 2))
    joined = graphs.clone()
    joined[:, :, 4:] = torch.eye(10)
    value = column((energy - energy.mean()) / energy.std())
    sound = Program(
        name="compounds",
        inputs=graphs,
        targets=value,
        model=lambda: _Graph(mix=lambda bonds: bonds / 3),
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "a power of -0.5 of atoms without bonds",
            ("data", "normalization", "architecture"),
            lambda p: p.but(model=lambda: _Graph(mix=_symmetric)),
            GCN,
            Origin("forward", "pow"),
        ),
        Fault(
            "bonds of each atom to itself alone",
            ("data", "wiring", "architecture"),
            lambda p: p.but(inputs=joined),
            "github.com/dmlc/dgl/issues/4969",
        ),
        Fault(
            "fourteen layers of means over neighbours",
            ("architecture",),
            lambda p: p.but(model=lambda: _Graph(depth=14, keeps=False)),
            "discuss.dgl.ai, deep GCN gives the same output for all nodes",
        ),
        Fault(
            "energies in electronvolts as they are",
            ("target_scaling",),
            lambda p: p.but(targets=1e4 * value - 7e4),
            FORUM,
        ),
        Fault(
            "a mean over all atoms of the batch",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Graph(mix=lambda bonds: bonds / 3, pools=0)),
            "stackoverflow.com, global_mean_pool without the batch vector",
        ),
        Fault(
            "sums over neighbours times ten, in six layers",
            ("architecture", "normalization", "initialization"),
            lambda p: p.but(model=lambda: _Graph(mix=lambda bonds: 10 * bonds, depth=6)),
            GCN,
        ),
    )
