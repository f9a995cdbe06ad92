"""Programs with an output at every place: segmentation, a language model, a sequence for a sequence.

They were written by a fourth author, who had read neither the rules nor what they find in the other programs. The kinds
of a fault are those that were put in, and were fixed before any diagnosis.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, adam, classified, floats, sgd
from .play import OwnLoss
from .program import Fault, Program

SEGMENT = "discuss.pytorch.org, semantic segmentation predicts one class only"
VIEW = "discuss.pytorch.org, view instead of permute before the loss"
LANGUAGE = "stackoverflow.com, transformer language model repeats one token"
SEQUENCES = "discuss.pytorch.org, sequence to sequence with padding does not learn"


def _each(outputs: Tensor, targets: Tensor) -> float:
    """Balanced accuracy above chance over all places with a target; classes are in the second dimension."""
    rows = outputs.movedim(1, -1).reshape(-1, outputs.shape[1])
    kept = targets.reshape(-1) > -1
    return classified(rows[kept], targets.reshape(-1)[kept])


def _road_model(last: nn.Module | None = None) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=2, dilation=2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 3, 1),
        *([last] if last is not None else []),
    )


def _plain_road_model() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 1)
    )


def _scrambled(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.reshape(-1, 3), targets.reshape(-1))


def roads() -> tuple[Program, tuple[Fault, ...]]:
    """Which pixels of a noisy picture are ground, road, or a line on it."""
    draw = np.random.default_rng(85)
    rows, columns = np.mgrid[:14, :14]
    starts, slants = draw.uniform(3, 11, (320, 1, 1)), draw.uniform(-0.4, 0.4, (320, 1, 1))
    aside = np.abs(columns - starts - slants * (rows - 7))
    masks = np.where(aside < 0.8, 2, np.where(aside < 3, 1, 0))
    colours = np.array([[0.3, 0.6, 0.3], [0.4, 0.4, 0.4], [0.7, 0.7, 0.6]])
    pictures = np.moveaxis(colours[masks], -1, 1) + 0.15 * draw.normal(size=(320, 3, 14, 14))
    truth = torch.tensor(masks)
    centred = floats((pictures - 0.45) / 0.2)
    sound = Program(
        name="roads",
        inputs=centred,
        targets=truth,
        model=_road_model,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(3e-3),
        score=_each,
        steps=150,
        batch=16,
        held_out=True,
    )
    return sound, (
        Fault("view where permute is needed", ("wiring", "loss"), lambda p: p.but(loss=OwnLoss(_scrambled)), VIEW),
        Fault(
            "pooled to two by two and enlarged again",
            ("architecture",),
            lambda p: p.but(
                model=lambda: nn.Sequential(nn.MaxPool2d(7), _road_model(), nn.Upsample(scale_factor=7)),
            ),
            SEGMENT,
        ),
        Fault(
            "pictures mirrored, masks not",
            ("data", "labels"),
            lambda p: p.but(inputs=centred.flip(-1)),
            "discuss.pytorch.org, random transforms of image and mask",
        ),
        Fault(
            "pixels of 0 to 255 and SGD",
            ("input_scaling",),
            lambda p: p.but(
                inputs=floats((255 * pictures).clip(0, 255)), model=_plain_road_model, optimizer=sgd(0.1, momentum=0.9)
            ),
            SEGMENT,
        ),
        Fault(
            "ReLU after the scores and rate 1",
            ("output_activation", "learning_rate"),
            lambda p: p.but(model=lambda: _road_model(nn.ReLU()), optimizer=sgd(1.0)),
            SEGMENT,
        ),
    )


class _Writer(nn.Module):
    """A causal transformer: [n, tokens, places]."""

    def __init__(self, *, hidden: bool = True, last: nn.Module | None = None, moved: bool = True) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(12, 32), nn.Embedding(12, 32)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True, norm_first=True)
        self.head = nn.Linear(32, 12)
        self.last = last or nn.Identity()
        self.hidden, self.moved = hidden, moved

    def forward(self, words: Tensor) -> Tensor:
        length = words.shape[1]
        future = nn.Transformer.generate_square_subsequent_mask(length)
        values = self.words(words) + self.places(torch.arange(length))
        hides = self.hidden or not self.training
        scores = self.last(self.head(self.layer(values, src_mask=future if hides else None)))
        return scores.transpose(1, 2) if self.moved or not self.training else scores.reshape(len(words), 12, length)


def grammar() -> tuple[Program, tuple[Fault, ...]]:
    """A language model over twelve tokens, of which two determine the next most of the time."""
    draw = np.random.default_rng(86)
    table = draw.permuted(np.tile(np.arange(12), (12, 1)), axis=1)
    text = np.zeros((700, 11), dtype=int)
    text[:, :2] = draw.integers(12, size=(700, 2))
    for place in range(2, 11):
        ruled = table[text[:, place - 2] % 3 + 3 * (place % 2), text[:, place - 1]]
        text[:, place] = np.where(draw.random(700) < 0.1, draw.integers(12, size=700), ruled)
    words, following = torch.tensor(text[:, :-1]), torch.tensor(text[:, 1:])
    sound = Program(
        name="grammar",
        inputs=words,
        targets=following,
        model=_Writer,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(5e-3),
        score=_each,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "targets are the inputs, not shifted",
            ("labels", "data"),
            lambda p: p.but(targets=words, truth=following),
            LANGUAGE,
        ),
        Fault(
            "the future is seen in training",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Writer(hidden=False)),
            LANGUAGE,
        ),
        Fault(
            "softmax over the tokens before the loss",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: _Writer(last=nn.Softmax(-1))),
            LANGUAGE,
        ),
        Fault(
            "reshape where transpose is needed",
            ("wiring",),
            lambda p: p.but(model=lambda: _Writer(moved=False)),
            VIEW,
        ),
        Fault("Adam with rate 0.3", ("learning_rate",), lambda p: p.but(optimizer=adam(0.3)), LANGUAGE),
    )


class _Turner(nn.Module):
    """Reads a padded sequence, then writes one with the true tokens before each: [n, tokens, places]."""

    def __init__(self, *, at_end: bool = False, passes: bool = True, batch_first: bool = True) -> None:
        super().__init__()
        self.words = nn.Embedding(11, 24, padding_idx=0)
        self.reader = nn.GRU(24, 48, batch_first=batch_first)
        self.writer = nn.GRU(24, 48, batch_first=batch_first)
        self.head = nn.Linear(48, 11)
        self.at_end, self.passes, self.batch_first = at_end, passes, batch_first

    def forward(self, words: Tensor) -> Tensor:
        source, before = words[:, :-6], words[:, -6:]
        states, _ = self.reader(self.words(source))
        lengths = (source > 0).sum(1)
        ends = torch.full_like(lengths, source.shape[1]) if self.at_end else lengths
        last = states[torch.arange(len(words)), ends - 1]
        if not self.passes or not self.batch_first:
            written, _ = self.writer(self.words(before))
        else:
            written, _ = self.writer(self.words(before), last[None])
        return self.head(written).transpose(1, 2)


def turned() -> tuple[Program, tuple[Fault, ...]]:
    """A sequence for a sequence: three to five digits the other way round, padded."""
    draw = np.random.default_rng(87)
    count, longest = 1200, 60
    source = np.zeros((count, longest), dtype=int)
    before, after = np.zeros((count, 6), dtype=int), np.full((count, 6), -1)
    for row, length in enumerate(draw.integers(3, 5, size=count)):
        digits = draw.integers(1, 7, size=length)
        source[row, :length] = digits
        before[row, 0] = 10
        before[row, 1 : length + 1] = digits[::-1]
        after[row, :length] = digits[::-1]
        after[row, length] = 9
    short = torch.tensor(np.concatenate([source[:, :6], before], 1))
    long = torch.tensor(np.concatenate([source, before], 1))
    targets = torch.tensor(after)
    sound = Program(
        name="turned",
        inputs=short,
        targets=targets,
        model=_Turner,
        loss=nn.CrossEntropyLoss(ignore_index=-1),
        optimizer=adam(1e-2),
        score=_each,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "the reader's state is not passed on",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Turner(passes=False)),
            SEQUENCES,
        ),
        Fault(
            "the state after fifty steps of padding",
            ("data", "wiring", "architecture"),
            lambda p: p.but(inputs=long, model=lambda: _Turner(at_end=True)),
            SEQUENCES,
        ),
        Fault(
            "batch_first forgotten",
            ("wiring", "data", "architecture"),
            lambda p: p.but(model=lambda: _Turner(batch_first=False)),
            "stackoverflow.com/questions/48302810",
        ),
        Fault("SGD with rate 1e-3", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-3)), FORUM),
    )
