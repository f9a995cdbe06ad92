"""How often the rules of attention accuse a sound transformer: small ones of many kinds, at rates drawn at random.

`./run benchmark attention [--trainings 110] [--seed 0] [--json]`. A training is sound if its loss fell to half of the
loss of always predicting the average; the others are not counted. What a rule says of a sound one is counted, and apart
from that what it says did harm.
"""

import argparse
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from gradclinic_torch import Recording

RULES = ("growing_attention_logits", "collapsed_attention")
WORDS, LENGTH, BATCH = 24, 16, 16
LEARNED = 0.5
Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Kind:
    """What is drawn of one training."""

    task: str
    attention: str
    norm: str
    before: bool
    """Whether norms stand before the parts of a block, or after."""
    depth: int
    width: int
    heads: int
    optimizer: str
    rate: float
    warmup: int
    steps: int

    @classmethod
    def drawn(cls, chance: random.Random) -> "Kind":
        """One at random; the rates are those that are usual for the optimizer, a factor of 30 from least to most."""
        optimizer = chance.choice(["Adam", "AdamW", "AdamW", "SGD"])
        least = 1e-2 if optimizer == "SGD" else 3e-4
        return cls(
            task=chance.choice(sorted(TASKS)),
            attention=chance.choice(["fused", "written out", "torch"]),
            norm=chance.choice(["LayerNorm", "RMSNorm"]),
            before=chance.random() < 0.7,
            depth=chance.randint(1, 3),
            width=chance.choice([32, 48, 64]),
            heads=chance.choice([1, 2, 4, 8]),
            optimizer=optimizer,
            rate=least * 30 ** chance.random(),
            warmup=chance.choice([0, 0, 20]),
            steps=chance.choice([60, 80, 120]),
        )


def next_word(generator: torch.Generator) -> Batch:
    """Words of which nine in ten follow from the one before."""
    following = torch.randperm(WORDS, generator=torch.Generator().manual_seed(1))
    words = [torch.randint(WORDS, (BATCH,), generator=generator)]
    for _ in range(LENGTH):
        any_word = torch.randint(WORDS, (BATCH,), generator=generator)
        words.append(torch.where(torch.rand(BATCH, generator=generator) < 0.1, any_word, following[words[-1]]))
    found = torch.stack(words, dim=1)
    return found[:, :-1], found[:, 1:]


def earlier_word(generator: torch.Generator) -> Batch:
    """The target is the word before: every query has to look at one key."""
    words = torch.randint(WORDS, (BATCH, LENGTH), generator=generator)
    return words, torch.cat([words[:, :1], words[:, :-1]], dim=1)


def first_word(generator: torch.Generator) -> Batch:
    """The target is the first word, everywhere."""
    words = torch.randint(WORDS, (BATCH, LENGTH), generator=generator)
    return words, words[:, :1].expand_as(words)


def topic(generator: torch.Generator) -> Batch:
    """The target is the class that most words of a text belong to."""
    labels = torch.randint(6, (BATCH, 1), generator=generator)
    own = 4 * labels + torch.randint(4, (BATCH, LENGTH), generator=generator)
    any_word = torch.randint(WORDS, (BATCH, LENGTH), generator=generator)
    words = torch.where(torch.rand(BATCH, LENGTH, generator=generator) < 0.3, any_word, own)
    return words, labels.expand_as(words)


TASKS: dict[str, Callable[[torch.Generator], Batch]] = {
    each.__name__: each for each in (next_word, earlier_word, first_word, topic)
}


class Attention(nn.Module):
    """Causal self-attention, computed by one kernel, or product by product."""

    def __init__(self, width: int, heads: int, *, fused: bool) -> None:
        super().__init__()
        self.heads, self.fused = heads, fused
        self.together, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.together(x).chunk(3, dim=-1)
        queries, keys, values = (each.unflatten(-1, (self.heads, -1)).transpose(1, 2) for each in parts)
        if self.fused:
            found = scaled_dot_product_attention(queries, keys, values, is_causal=True)
        else:
            logits = queries @ keys.mT * queries.shape[-1] ** -0.5
            found = logits.masked_fill(_later(x), float("-inf")).softmax(dim=-1) @ values
        mixed: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return mixed


class OfTorch(nn.Module):
    """Torch's own attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.inner(x, x, x, attn_mask=_later(x), need_weights=False)[0]
        return found


def _later(x: Tensor) -> Tensor:
    return torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)


class Block(nn.Module):
    """Attention and two layers, each added to its input."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        width, norm = kind.width, getattr(nn, kind.norm)
        own = OfTorch(width, kind.heads) if kind.attention == "torch" else None
        self.attention = own or Attention(width, kind.heads, fused=kind.attention == "fused")
        self.hidden = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.first, self.second, self.before = norm(width), norm(width), kind.before

    def forward(self, x: Tensor) -> Tensor:
        if self.before:
            x = x + self.attention(self.first(x))
            return x + self.hidden(self.second(x))
        x = self.first(x + self.attention(x))
        found: Tensor = self.second(x + self.hidden(x))
        return found


class Transformer(nn.Module):
    """Learned positions, blocks, a norm where none ends them, and a readout for every position."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, kind.width), nn.Embedding(LENGTH, kind.width)
        self.blocks = nn.Sequential(*(Block(kind) for _ in range(kind.depth)))
        self.norm = getattr(nn, kind.norm)(kind.width) if kind.before else nn.Identity()
        self.readout = nn.Linear(kind.width, WORDS)

    def forward(self, words: Tensor) -> Tensor:
        x = 0.5 * (self.words(words) + self.places(torch.arange(words.shape[1])))
        found: Tensor = self.readout(self.norm(self.blocks(x)))
        return found


@dataclass(frozen=True)
class Seen:
    """What was found of one training."""

    kind: Kind
    relative_loss: float
    primary: str
    alarms: tuple[str, ...]
    harmful: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether the network learned."""
        return self.relative_loss <= LEARNED


def trained(kind: Kind, *, seed: int) -> Seen:
    """Train a network of this kind, and diagnose it."""
    torch.manual_seed(seed)
    model, criterion, generator = Transformer(kind), nn.CrossEntropyLoss(), torch.Generator().manual_seed(seed)
    momentum = {"momentum": 0.9} if kind.optimizer == "SGD" else {}
    optimizer = getattr(torch.optim, kind.optimizer)(model.parameters(), lr=kind.rate, **momentum)
    rises = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / (kind.warmup + 1)))
    with Recording(model, optimizer, criterion, steps=kind.steps) as recording:
        for _ in range(kind.steps):
            words, targets = TASKS[kind.task](generator)
            optimizer.zero_grad()
            loss = criterion(model(words).flatten(0, 1), targets.flatten())
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
            rises.step()
    outcome, diagnosis = recording.record.outcome, recording.diagnosis()
    relative = outcome.relative_train_loss if outcome is not None else None
    found = [each for each in diagnosis.findings if each.condition in RULES]
    return Seen(
        kind,
        float("inf") if relative is None else relative,
        diagnosis.primary,
        tuple(each.condition for each in found),
        tuple(each.condition for each in found if each.harm),
    )


def trainings(sound: int, *, seed: int) -> Iterator[Seen]:
    """Of kinds drawn at random, until so many of them learned."""
    chance, found = random.Random(seed), 0
    for number in count():
        if found >= sound:
            return
        seen = trained(Kind.drawn(chance), seed=number)
        found += seen.sound
        yield seen


def rows_of(seen: Sequence[Seen]) -> list[dict[str, object]]:
    """The fraction of the sound trainings in which each rule says something, and in which it says that it did harm."""
    sound = [each for each in seen if each.sound]
    return [
        {
            "benchmark": "attention",
            "subject": rule,
            "configuration": f"{said}, in {len(sound)} sound ones of {len(seen)} trainings",
            "value": sum(rule in getattr(each, among) for each in sound) / len(sound),
            "unit": "fraction",
            "noise": None,
        }
        for rule in RULES
        for said, among in (("named", "alarms"), ("named as harm", "harmful"))
    ]


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(prog="./run benchmark attention", description=__doc__)
    parser.add_argument("--trainings", type=int, default=110, help="sound ones; 110 by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = rows_of(list(trainings(given.trainings, seed=given.seed)))
    if given.json:
        print(json.dumps(rows))
    for row in () if given.json else rows:
        print(f"{row['subject']} {row['configuration']}: {row['value']:.1%}")
