"""Programs over words, sounds, pictures and points: packed sequences, CTC, a U-Net with a Dice loss, sets of points.

They were written by a fifth author, who had read neither the rules nor what they find in the other programs. The kinds
of a fault are those that were put in, and were fixed before any diagnosis.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import DEEPCRIME, FORUM, adam, classified, floats, sgd, told_apart
from .play import OwnLoss
from .program import Fault, Program

PACKED = "discuss.pytorch.org/t/bi-lstm-acc-doesnt-improve-over-65/145062"
BLANK = "github.com/SeanNaren/warp-ctc/issues/63, predictions are all blanks"
DICE = "github.com/Project-MONAI/MONAI/issues/807, and discuss.pytorch.org on Dice losses"
POINTS = "github.com/fxia22/pointnet.pytorch/issues"


class _Words(nn.Module):
    """A recurrent network in both directions over words; the states at the ends go through a linear layer."""

    def __init__(self, *, reads: str = "ends", last: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.words = nn.Embedding(60, 12, padding_idx=0)
        self.cell = nn.LSTM(12, 24, batch_first=True, bidirectional=reads != "padding")
        self.head = nn.Linear(24 if reads == "padding" else 48, 3)
        self.reads, self.last = reads, last

    def forward(self, ids: Tensor) -> Tensor:
        words = self.words(ids)
        if self.reads == "padding":
            logits = self.head(self.cell(words)[0][:, -1])
        else:
            packed = nn.utils.rnn.pack_padded_sequence(words, (ids > 0).sum(1), batch_first=True, enforce_sorted=False)
            ends = self.cell(packed)[1][0]
            logits = self.head(ends.view(len(ids), -1) if self.reads == "view" else torch.cat([*ends], 1))
        return logits if self.last is None else self.last(logits)


def complaints() -> tuple[Program, tuple[Fault, ...]]:
    """What a complaint is about, from words of which only a few matter: a packed LSTM."""
    draw = np.random.default_rng(109)
    lengths, topic = draw.integers(4, 13, size=900), draw.integers(3, size=900)
    ids = np.zeros((900, 40), dtype=np.int64)
    for row, length, what in zip(ids, lengths, topic, strict=True):
        row[:length] = draw.integers(20, 60, size=length)
        row[draw.choice(length, 2, replace=False)] = 1 + what * 6 + draw.integers(6, size=2)
    sound = Program(
        name="complaints",
        inputs=torch.tensor(ids),
        targets=torch.tensor(topic),
        model=_Words,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(5e-3),
        score=classified,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "the state after the padding",
            ("architecture", "wiring"),
            lambda p: p.but(model=lambda: _Words(reads="padding")),
            PACKED,
        ),
        Fault(
            "states of both directions reshaped, not joined",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Words(reads="view")),
            PACKED,
        ),
        Fault(
            "a new vocabulary for every text",
            ("data", "labels"),
            lambda p: p.but(inputs=_renumbered(p.inputs)),
            "stackoverflow.com, tokenizer fitted again for each text",
        ),
        Fault(
            "log_softmax of a softmax, with SGD",
            ("output_activation", "loss", "optimizer"),
            lambda p: p.but(model=lambda: _Words(last=lambda logits: logits.softmax(1)), optimizer=sgd(0.05)),
            FORUM,
        ),
    )


def _renumbered(ids: Tensor) -> Tensor:
    """Each text's words numbered in the order in which they come."""
    rows = []
    for row in ids.tolist():
        known: dict[int, int] = {0: 0}
        rows.append([known.setdefault(word, len(known)) for word in row])
    return torch.tensor(rows)


class _Listener(nn.Module):
    """A recurrent network that says a symbol, or nothing, of every frame: [n, frames, 8] to [n, frames, 6]."""

    def __init__(self, last: Callable[[Tensor], Tensor], *, stride: int = 1) -> None:
        super().__init__()
        self.cell = nn.GRU(8, 24, batch_first=True, bidirectional=True)
        self.head = nn.Linear(48, 6)
        self.last, self.stride = last, stride

    def forward(self, frames: Tensor) -> Tensor:
        states, _ = self.cell(frames[:, :: self.stride])
        return self.last(self.head(states))


def _in_any_time(outputs: Tensor, symbols: Tensor) -> Tensor:
    frames = torch.full((len(outputs),), outputs.shape[1])
    return functional.ctc_loss(outputs.transpose(0, 1), symbols, frames, torch.full((len(outputs),), 4))


def _in_any_order(outputs: Tensor, symbols: Tensor) -> Tensor:
    frames = torch.full((len(outputs),), outputs.shape[1])
    mixed = outputs.reshape(outputs.shape[1], len(outputs), -1)
    return functional.ctc_loss(mixed, symbols, frames, torch.full((len(outputs),), 4))


def _transcribed(outputs: Tensor, symbols: Tensor) -> float:
    """How many sequences are transcribed without a mistake."""
    if not bool(outputs.isfinite().all()):
        return 0.0
    right = 0
    for said, truth in zip(outputs.argmax(2).tolist(), symbols.tolist(), strict=True):
        merged = [now for before, now in zip([0, *said], said, strict=False) if now != before and now]
        right += merged == truth
    return right / len(symbols)


def syllables() -> tuple[Program, tuple[Fault, ...]]:
    """Four syllables in a sound, each of unknown length: CTC."""
    draw = np.random.default_rng(110)
    sounds = 1.5 * draw.normal(size=(6, 8))
    symbols = draw.integers(1, 6, size=(800, 4))
    frames = 0.5 * draw.normal(size=(800, 20, 8))
    for row, said in zip(frames, symbols, strict=True):
        start = int(draw.integers(0, 2))
        for symbol in said:
            length = int(draw.integers(2, 4))
            row[start : start + length] += sounds[symbol]
            start += length + int(draw.integers(1, 3))
    said = torch.tensor(symbols)

    def model(last: Callable[[Tensor], Tensor], stride: int = 1) -> Callable[[], nn.Module]:
        return lambda: _Listener(last, stride=stride)

    sound = Program(
        name="syllables",
        inputs=floats(frames),
        targets=said,
        model=model(lambda logits: logits.log_softmax(2)),
        loss=OwnLoss(_in_any_time),
        optimizer=adam(1e-2),
        score=_transcribed,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "a softmax without the logarithm",
            ("output_activation", "loss"),
            lambda p: p.but(model=model(lambda logits: logits.softmax(2))),
            BLANK,
        ),
        Fault(
            "the blank is one of the syllables",
            ("labels", "loss"),
            lambda p: p.but(targets=said - 1, score=lambda out, t: _transcribed(out, t - 1), truth=said),
            BLANK,
        ),
        Fault(
            "frames reshaped, not transposed",
            ("wiring", "loss"),
            lambda p: p.but(loss=OwnLoss(_in_any_order)),
            "discuss.pytorch.org, CTC loss with batch first outputs",
        ),
        Fault(
            "fewer frames than syllables",
            ("architecture", "wiring", "loss"),
            lambda p: p.but(model=model(lambda logits: logits.log_softmax(2), 7)),
            "github.com/SeanNaren/warp-ctc/issues/59, as many features as labels are needed",
        ),
        Fault("SGD with rate 1e-4", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-4)), BLANK),
    )


class _UNet(nn.Module):
    """A network that looks at a picture in two sizes, with a connection past the small one."""

    def __init__(self, last: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU())
        self.middle = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.end = nn.Sequential(nn.Conv2d(16, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
        self.last = last

    def forward(self, pictures: Tensor) -> Tensor:
        large = self.down(pictures)
        logits = self.end(torch.cat([large, self.up(self.middle(large))], 1))
        return logits if self.last is None else self.last(logits)


def _dice(chances: Tensor, masks: Tensor) -> Tensor:
    both = (chances * masks).sum((1, 2, 3))
    return ((2 * both + 1) / (chances.sum((1, 2, 3)) + masks.sum((1, 2, 3)) + 1)).mean()


def lesions() -> tuple[Program, tuple[Fault, ...]]:
    """Where the lesion is in a picture: a U-Net with a Dice loss."""
    draw = np.random.default_rng(111)
    grid = np.stack(np.meshgrid(np.arange(16), np.arange(16)), -1)
    places, sizes = draw.uniform(4, 12, size=(400, 1, 1, 2)), draw.uniform(2, 4, size=(400, 1, 1))
    inside = np.sqrt(((grid - places) ** 2).sum(-1)) < sizes
    light = 0.5 * draw.normal(size=(400, 16, 16)) + np.where(inside, 1.5, 0) + 0.3 * draw.normal(size=(400, 1, 1))
    pictures, masks = floats(light[:, None]), floats(inside[:, None])
    sound = Program(
        name="lesions",
        inputs=pictures,
        targets=masks,
        model=_UNet,
        loss=OwnLoss(lambda logits, masks: 1 - _dice(logits.sigmoid(), masks)),
        optimizer=adam(1e-2),
        score=told_apart(0.0),
        steps=300,
        batch=16,
        held_out=True,
    )
    return sound, (
        Fault(
            "no sigmoid before the Dice loss",
            ("loss", "output_activation"),
            lambda p: p.but(loss=OwnLoss(lambda logits, masks: 1 - _dice(logits, masks))),
            DICE,
        ),
        Fault(
            "the coefficient itself as the loss",
            ("loss",),
            lambda p: p.but(loss=OwnLoss(lambda logits, masks: _dice(logits.sigmoid(), masks))),
            DICE,
        ),
        Fault(
            "masks of 0 and 255",
            ("target_scaling", "labels"),
            lambda p: p.but(targets=255 * masks, truth=masks),
            "github.com/milesial/Pytorch-UNet/issues, masks that are not 0 and 1",
        ),
        Fault(
            "a softmax over the one channel",
            ("output_activation",),
            lambda p: p.but(model=lambda: _UNet(lambda logits: logits.softmax(1))),
            "discuss.pytorch.org, softmax over one channel of a segmentation",
        ),
        Fault(
            "pictures are mirrored, masks are not",
            ("data", "labels"),
            lambda p: p.but(inputs=pictures.flip(3)),
            "discuss.pytorch.org, the same random transform for a picture and its mask",
        ),
    )


class _Set(nn.Module):
    """A network for each point, the largest value over the points, and a second network: [n, 24, 3] to [n, 4]."""

    def __init__(self, *, pools: int = 1, reshapes: bool = False) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Conv1d(3, 32, 1), nn.ReLU(), nn.Conv1d(32, 48, 1), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 4))
        self.pools, self.reshapes = pools, reshapes

    def forward(self, points: Tensor) -> Tensor:
        columns = points.reshape(len(points), 3, -1) if self.reshapes else points.transpose(1, 2)
        features = self.each(columns)
        if self.pools == 0:
            return self.head(features.amax(0).T.amax(0).expand(len(points), -1))
        return self.head(features.amax(2))


def clouds() -> tuple[Program, tuple[Fault, ...]]:
    """Which body a cloud of points was taken from: a network over sets."""
    draw = np.random.default_rng(112)
    body = draw.integers(4, size=900)
    points = draw.normal(size=(900, 24, 3))
    points /= np.linalg.norm(points, axis=2, keepdims=True)
    points[body == 1] = draw.uniform(-1, 1, size=(int((body == 1).sum()), 24, 3))
    points[body == 2, :, 2] *= 0.1
    points[body == 3, :, 1:] *= 0.3
    points += 0.05 * draw.normal(size=points.shape)
    seen = floats(points)
    sound = Program(
        name="clouds",
        inputs=seen,
        targets=torch.tensor(body),
        model=_Set,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(5e-3),
        score=classified,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "the largest value over the clouds of the batch",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Set(pools=0)),
            POINTS,
        ),
        Fault(
            "coordinates reshaped, not transposed",
            ("wiring", "data"),
            lambda p: p.but(model=lambda: _Set(reshapes=True)),
            POINTS,
        ),
        Fault(
            "coordinates of a map",
            ("input_scaling",),
            lambda p: p.but(inputs=30 * seen + 5000),
            POINTS,
        ),
        Fault("NLLLoss of logits", ("loss", "output_activation"), lambda p: p.but(loss=nn.NLLLoss()), FORUM),
        Fault(
            "four fifths of the labels drawn anew",
            ("labels", "data"),
            lambda p: p.but(targets=_mostly_wrong(p.targets), truth=p.targets),
            DEEPCRIME,
        ),
    )


def _mostly_wrong(labels: Tensor) -> Tensor:
    """Labels of which four fifths are drawn anew."""
    draw = torch.Generator().manual_seed(5)
    anew = torch.randint(4, labels.shape, generator=draw)
    return torch.where(torch.rand(labels.shape, generator=draw) < 0.8, anew, labels)
