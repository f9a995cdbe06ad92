"""Programs after threads in forums: texts with an encoder, a language model, spoken words, heart beats.

They were written by an eighth author, who had read neither the rules nor what they find in the other programs. The
kinds of a fault are the parts that were changed. They, and where numbers stop being finite, were fixed before any
diagnosis.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, adam, classified, floats, initialized, sgd, shuffled
from .play import OwnLoss
from .program import Fault, Model, Origin, Program

STUCK = "github.com/google-research/bert/issues/1224"
FROZEN = "github.com/google-research/bert/issues/268"
EMPTY = "github.com/pytorch/pytorch/issues/24816"
MIGRATED = "github.com/huggingface/transformers/issues/854"
HALF = "discuss.pytorch.org/t/adam-half-precision-nans/1765"
PRETRAINED = "github.com/huggingface/transformers/issues/3456"
SCRATCH = "github.com/jadore801120/attention-is-all-you-need-pytorch/issues/5"
SILENT = "github.com/wenet-e2e/wekws/issues"


class _Attention(nn.Module):
    """Attention with two heads: [n, steps, 32] to the same; what is hidden gets no weight."""

    def __init__(self) -> None:
        super().__init__()
        self.split, self.join = nn.Linear(32, 96), nn.Linear(32, 32)

    def forward(self, values: Tensor, hidden: Tensor) -> Tensor:
        count, steps, _ = values.shape
        query, key, value = self.split(values).view(count, steps, 3, 2, 16).permute(2, 0, 3, 1, 4)
        scores = (query @ key.transpose(2, 3) / 4).masked_fill(hidden, -torch.inf)
        mixed = scores.softmax(-1) @ value
        return self.join(mixed.transpose(1, 2).reshape(count, steps, 32))


class _Block(nn.Module):
    """Attention and two linear layers, each after a norm, and added to what came in."""

    def __init__(self, *, skips: bool = True) -> None:
        super().__init__()
        self.before, self.attention = nn.LayerNorm(32), _Attention()
        self.between, self.apart = nn.LayerNorm(32), nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32))
        self.skips = skips

    def forward(self, values: Tensor, hidden: Tensor) -> Tensor:
        attended = self.attention(self.before(values), hidden)
        if not self.skips:
            return self.apart(self.between(attended))
        values = values + attended
        return values + self.apart(self.between(values))


class _Encoder(nn.Module):
    """A small BERT: the state of the first token says the topic."""

    def __init__(self, *, reads: str = "words", frozen: bool = False) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(80, 32), nn.Parameter(0.1 * torch.randn(16, 32))
        self.blocks = nn.ModuleList([_Block(), _Block()])
        self.head = nn.Linear(32, 4)
        self.reads, self.frozen = reads, frozen

    def encoded(self, ids: Tensor) -> Tensor:
        states = self.words(ids) + self.places
        hidden = (ids > 0 if self.reads == "padding" else ids == 0)[:, None, None]
        if self.reads == "batch":
            states, hidden = states.transpose(0, 1), torch.zeros(1, dtype=torch.bool)
        for block in self.blocks:
            states = block(states, hidden)
        return states[0] if self.reads == "batch" else states[:, 0]

    def forward(self, ids: Tensor) -> Tensor:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            states = self.encoded(ids)
        return self.head(states)


def newsgroups() -> tuple[Program, tuple[Fault, ...]]:
    """The group of a message, by the words that go with the word before them."""
    draw = np.random.default_rng(801)
    group, lengths = draw.integers(4, size=800), draw.integers(6, 15, size=800)
    ids = np.zeros((800, 16), dtype=np.int64)
    ids[:, 0] = 1
    for row, what, length in zip(ids, group, lengths, strict=True):
        row[1:length] = draw.integers(20, 80, size=length - 1)
        row[1 + draw.choice(length - 1, 2, replace=False)] = 2 + what * 4 + draw.integers(4, size=2)
    messages = torch.tensor(ids)
    emptied = messages.clone()
    emptied[::70] = 0
    sound = Program(
        name="newsgroups",
        inputs=messages,
        targets=torch.tensor(group),
        model=_Encoder,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(2e-3),
        score=classified,
        steps=250,
        held_out=True,
    )
    return sound, (
        Fault(
            "a mask that shows the padding and hides the words",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Encoder(reads="padding")),
            SCRATCH,
        ),
        Fault(
            "messages without a word",
            ("data", "architecture", "wiring"),
            lambda p: p.but(inputs=emptied),
            EMPTY,
            Origin("forward", "softmax", "blocks.0.attention"),
        ),
        Fault(
            "messages first, where the encoder takes words first",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Encoder(reads="batch")),
            MIGRATED,
        ),
        Fault(
            "an encoder without trained weights under no_grad",
            ("wiring",),
            lambda p: p.but(model=lambda: _Encoder(frozen=True)),
            FROZEN,
        ),
        Fault(
            "a schedule of epochs stepped after every batch",
            ("schedule",),
            lambda p: p.but(decay_each_step=0.9),
            PRETRAINED,
        ),
        Fault("a rate of 0.5", ("learning_rate",), lambda p: p.but(optimizer=adam(0.5)), STUCK),
        Fault(
            "SGD with rate 0.001, as for trained weights",
            ("learning_rate", "optimizer"),
            lambda p: p.but(optimizer=sgd(1e-3)),
            PRETRAINED,
        ),
    )


class _Language(nn.Module):
    """A small GPT: which letter comes next, at each place."""

    def __init__(self, *, depth: int = 2, places: bool = True, skips: bool = True) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(16, 32), nn.Parameter(0.1 * torch.randn(24, 32))
        self.blocks = nn.ModuleList([_Block(skips=skips) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 16)
        self.placed = places

    def forward(self, ids: Tensor) -> Tensor:
        states = self.letters(ids) + (self.places if self.placed else 0)
        later = torch.ones(24, 24, dtype=torch.bool).triu(1)
        for block in self.blocks:
            states = block(states, later)
        return self.head(self.norm(states))


def _next(outputs: Tensor, letters: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.flatten(0, 1), letters.flatten())


def _read(outputs: Tensor, letters: Tensor) -> float:
    return classified(outputs[:, 4:].flatten(0, 1), letters[:, 4:].flatten())


def plays() -> tuple[Program, tuple[Fault, ...]]:
    """Letters that mostly follow from the one three places before: a language model."""
    draw = np.random.default_rng(802)
    text = draw.integers(16, size=(700, 25))
    after = draw.permutation(16)
    for place in range(3, 25):
        follows = draw.uniform(size=700) < 0.9
        text[follows, place] = after[text[follows, place - 3]]
    letters = torch.tensor(text)

    def model(**options: object) -> Model:
        return lambda: _Language(**options)  # type: ignore[arg-type]

    sound = Program(
        name="plays",
        inputs=letters[:, :-1],
        targets=letters[:, 1:],
        model=model(),
        loss=OwnLoss(_next),
        optimizer=adam(5e-3),
        score=_read,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault("no places", ("architecture",), lambda p: p.but(model=model(places=False)), FORUM),
        Fault(
            "weights in half precision under Adam",
            ("precision", "optimizer"),
            lambda p: p.but(model=lambda: _Language().half()),
            HALF,
            Origin("weights"),
        ),
        Fault(
            "weights drawn with a deviation of 3",
            ("initialization",),
            lambda p: p.but(model=initialized(model(), lambda w: nn.init.normal_(w, std=3.0)), optimizer=adam(1e-3)),
            FORUM,
        ),
        Fault(
            "eight blocks without skips", ("architecture",), lambda p: p.but(model=model(depth=8, skips=False)), SCRATCH
        ),
        Fault(
            "gradients clipped to 0.0001, with SGD",
            ("clipping", "optimizer", "learning_rate"),
            lambda p: p.but(optimizer=sgd(0.5), clip=1e-4),
            FORUM,
        ),
        Fault(
            "letters of another text as targets",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(p.targets), truth=p.targets),
            "github.com/karpathy/nanoGPT/issues",
        ),
    )


class _Scale(nn.Module):
    """Each clip minus its mean, divided by its deviation."""

    def forward(self, clips: Tensor) -> Tensor:
        return (clips - clips.mean((1, 2), keepdim=True)) / clips.std((1, 2), keepdim=True)


def _listener(*, drop: float = 0.0, scales: bool = False) -> nn.Module:
    layers: list[nn.Module] = [_Scale()] if scales else []
    for before, after in ((20, 32), (32, 32)):
        layers += [nn.Conv1d(before, after, 3, padding=1), nn.BatchNorm1d(after), nn.ReLU(), nn.Dropout(drop)]
    return nn.Sequential(*layers, nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Dropout(drop), nn.Linear(32, 4))


def wakewords() -> tuple[Program, tuple[Fault, ...]]:
    """One of three short words in a second of sound, or none: energies of 20 bands in 24 frames."""
    draw = np.random.default_rng(803)
    word = draw.choice(4, 900, p=[0.7, 0.1, 0.1, 0.1])
    sounds = 1.6 * draw.normal(size=(4, 20, 5))
    clips = draw.normal(size=(900, 20, 24))
    for clip, what in zip(clips, word, strict=True):
        start = int(draw.integers(0, 19))
        clip[:, start : start + 5] += sounds[what] if what else 1.6 * draw.normal(size=(20, 5))
    heard, words = floats(clips), torch.tensor(word)
    silent, muted = heard.clone(), heard.clone()
    silent[::90, :, 3] = -torch.inf
    muted[::90] = 0
    often = torch.bincount(words) / len(words)
    sound = Program(
        name="wakewords",
        inputs=heard,
        targets=words,
        model=_listener,
        loss=nn.CrossEntropyLoss(weight=1 / often),
        optimizer=adam(3e-3),
        score=classified,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "classes weighted by how often they come, cubed",
            ("loss",),
            lambda p: p.but(loss=nn.CrossEntropyLoss(weight=often**3)),
            "github.com/open-mmlab/mmpretrain/issues/434",
        ),
        Fault(
            "the logarithm of frames without sound",
            ("data", "input_scaling"),
            lambda p: p.but(inputs=silent),
            SILENT,
            Origin("inputs"),
        ),
        Fault(
            "clips without sound divided by their deviation",
            ("data", "normalization", "input_scaling"),
            lambda p: p.but(inputs=muted, model=lambda: _listener(scales=True)),
            SILENT,
            Origin("forward", "div", "0"),
        ),
        Fault(
            "left in evaluation mode, with energies as they are",
            ("wiring", "normalization", "input_scaling"),
            lambda p: p.but(inputs=40 * heard - 800, evaluates=True),
            FORUM,
        ),
        Fault(
            "gradients never cleared",
            ("wiring",),
            lambda p: p.but(clears=False, optimizer=sgd(0.05, momentum=0.9)),
            "github.com/wenet-e2e/wekws/issues/72",
        ),
        Fault("dropout of 0.95", ("regularization",), lambda p: p.but(model=lambda: _listener(drop=0.95)), FORUM),
    )


class _Monitor(nn.Module):
    """A recurrent network whose mean state goes through a linear layer: [n, 40, 1] to [n, 4]."""

    def __init__(self, *, first: str = "beats", last: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.cell, self.head = nn.GRU(1, 32, batch_first=first == "beats"), nn.Linear(32, 4)
        self.reshaped, self.last = first == "reshaped", last

    def forward(self, beats: Tensor) -> Tensor:
        if self.reshaped:
            beats = beats.reshape(40, -1, 1)
        states, _ = self.cell(beats)
        if self.reshaped:
            states = states.reshape(-1, 40, 32)
        logits = self.head(states.mean(1))
        return logits if self.last is None else self.last(logits)


def heartbeats() -> tuple[Program, tuple[Fault, ...]]:
    """Which of four kinds of beats a heart has, by the order and height of two peaks."""
    draw = np.random.default_rng(804)
    kind = draw.integers(4, size=900)
    beats = 0.2 * draw.normal(size=(900, 40))
    for beat, what in zip(beats, kind, strict=True):
        first, then = int(draw.integers(3, 15)), int(draw.integers(20, 35))
        beat[first : first + 3] += 1.5 if what < 2 else -1.5
        beat[then : then + 3] += 1.5 if what % 2 else -1.5
    seen = floats(beats[:, :, None])
    sound = Program(
        name="heartbeats",
        inputs=seen,
        targets=torch.tensor(kind),
        model=_Monitor,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=classified,
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "batch_first forgotten",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Monitor(first="steps")),
            "discuss.pytorch.org, LSTM with batch_first",
        ),
        Fault(
            "reshaped where axes are to be swapped",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Monitor(first="reshaped")),
            "discuss.pytorch.org, view or permute before an LSTM",
        ),
        Fault(
            "the converter's counts as they are",
            ("input_scaling",),
            lambda p: p.but(inputs=200 * seen + 20000),
            FORUM,
        ),
        Fault(
            "labels of the beat before",
            ("labels", "data"),
            lambda p: p.but(targets=p.targets.roll(1), truth=p.targets),
            "github.com/karpathy/char-rnn/issues",
        ),
        Fault("SGD with rate 20", ("learning_rate",), lambda p: p.but(optimizer=sgd(20.0)), FORUM),
        Fault(
            "a softmax before NLLLoss, with SGD",
            ("loss", "output_activation", "optimizer"),
            lambda p: p.but(
                loss=nn.NLLLoss(),
                model=lambda: _Monitor(last=lambda logits: logits.softmax(1)),
                optimizer=sgd(0.01),
            ),
            FORUM,
        ),
    )
