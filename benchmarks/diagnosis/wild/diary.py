"""Programs over sequences: keystrokes, melodies, meters, entities and ledgers.

They were written by a tenth author; see survey.py.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .parts import FORUM, Apply, adam, classified, explained, floats, sgd, shuffled
from .program import Fault, Program

PLATEAU = "github.com/yunjey/pytorch-tutorial/issues/196"
SENTENCE = "github.com/timbmg/Sentence-VAE/issues/15"
CHARACTERS = "discuss.pytorch.org, char-rnn always predicts the most frequent letter"
RESHAPED = "github.com/zy1996code/nlp_basic_model/issues/1"
METER = "stackoverflow.com, LSTM or TCN forecast is a flat line"
TAGS = "discuss.pytorch.org, named entities: everything is predicted as O"
MASK = "github.com/pytorch/pytorch, src_key_padding_mask is True for what is left out"
WARMUP = "discuss.pytorch.org, transformer does not learn at a rate that suits an LSTM"


class _Keys(nn.Module):
    """An LSTM of both directions over padded times, read where each sequence ends."""

    def __init__(self, *, batch_first: bool = True, memory: float | None = None) -> None:
        super().__init__()
        self.cell = nn.LSTM(2, 24, batch_first=batch_first, bidirectional=True)
        self.head = nn.Linear(48, 4)
        if memory is not None:
            for name, weight in self.cell.named_parameters():
                if "bias" in name:
                    nn.init.constant_(weight, memory)

    def forward(self, rows: Tensor) -> Tensor:
        states, _ = self.cell(rows)
        there = (rows[:, :, 1] > 0).unsqueeze(2)
        return self.head((states * there).sum(1) / there.sum(1).clamp(min=1))


def keystrokes() -> tuple[Program, tuple[Fault, ...]]:
    """Which of four persons types, by the pauses between 5 to 20 keys: a recurrent network of both directions."""
    draw = np.random.default_rng(1021)
    persons, lengths = draw.integers(4, size=1200), draw.integers(6, 21, size=1200)
    rows = np.zeros((1200, 24, 2))
    for row, person, length in zip(rows, persons, lengths, strict=True):
        pauses = 0.25 + 0.1 * draw.normal(size=length)
        pauses[:: 2 + person] += 0.45
        row[:length, 0], row[:length, 1] = pauses, 1
    rows[:, :, 0] -= 0.35 * rows[:, :, 1]
    inputs, answers = floats(rows), torch.tensor(persons)
    milliseconds = inputs * torch.tensor([1000.0, 1.0]) + torch.tensor([350.0, 0.0]) * inputs[:, :, 1:]
    marked = milliseconds.clone()
    marked[:, :, 0][inputs[:, :, 1] == 0] = -9999
    sound = Program(
        name="keystrokes",
        inputs=inputs,
        targets=answers,
        model=_Keys,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=classified,
        steps=250,
        batch=48,
        clip=1.0,
        held_out=True,
    )
    return sound, (
        Fault(
            "milliseconds, with -9999 for padding",
            ("input_scaling", "data"),
            lambda p: p.but(inputs=marked),
            "stackoverflow.com, LSTM on unscaled values does not learn",
        ),
        Fault(
            "batch_first forgotten",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Keys(batch_first=False)),
            PLATEAU,
        ),
        Fault(
            "biases of 12 in all gates",
            ("initialization",),
            lambda p: p.but(model=lambda: _Keys(memory=12.0)),
            "discuss.pytorch.org, how to set the forget gate's bias",
        ),
        Fault(
            "a clipping norm of 1e-5 with SGD",
            ("clipping",),
            lambda p: p.but(clip=1e-5, optimizer=sgd(0.3, momentum=0.9)),
            FORUM,
        ),
        Fault("SGD with rate 1e-3", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-3)), PLATEAU),
        Fault(
            "persons of sorted files, sequences of unsorted ones",
            ("labels", "data"),
            lambda p: p.but(targets=answers.sort().values, truth=answers),
            PLATEAU,
        ),
    )


class _Notes(nn.Module):
    """A GRU that says the next of twelve notes at each place: [n, 16] to [n, 12, 16]."""

    def __init__(
        self, *, views: bool = False, scale: float = 1.0, frozen: bool = False, dropout: float = 0.0, cut: bool = False
    ) -> None:
        super().__init__()
        self.notes, self.cell, self.head = nn.Embedding(12, 16), nn.GRU(16, 32, batch_first=True), nn.Linear(32, 12)
        self.dropout, self.views, self.cut = nn.Dropout(dropout), views, cut
        with torch.no_grad():
            self.notes.weight.mul_(scale)
        self.notes.weight.requires_grad_(not frozen)

    def forward(self, tune: Tensor) -> Tensor:
        states, _ = self.cell(self.notes(tune))
        said = self.head(self.dropout(states.detach() if self.cut else states))
        return said.reshape(len(tune), 12, -1) if self.views else said.transpose(1, 2)


def _each_note(outputs: Tensor, targets: Tensor) -> float:
    return classified(outputs.transpose(1, 2).flatten(0, 1), targets.flatten()) / 0.85


def melodies() -> tuple[Program, tuple[Fault, ...]]:
    """The next note of a tune that depends on the two before: a small language model."""
    draw = np.random.default_rng(1022)
    after = np.stack([draw.permutation(12) for _ in range(12)])
    tunes = draw.integers(12, size=(900, 17))
    for at in range(2, 17):
        usual = after[tunes[:, at - 2] % 4, tunes[:, at - 1]]
        tunes[:, at] = np.where(draw.uniform(size=900) < 0.9, usual, tunes[:, at])
    known = torch.tensor(tunes)
    sound = Program(
        name="melodies",
        inputs=known[:, 1:-1],
        targets=known[:, 2:],
        model=_Notes,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=_each_note,
        steps=250,
        clip=5.0,
        held_out=True,
    )
    return sound, (
        Fault(
            "classes and places swapped by a reshape",
            ("wiring", "loss"),
            lambda p: p.but(model=lambda: _Notes(views=True)),
            RESHAPED,
        ),
        Fault(
            "notes as embeddings of almost zero, frozen",
            ("initialization", "wiring"),
            lambda p: p.but(model=lambda: _Notes(scale=1e-3, frozen=True)),
            CHARACTERS,
        ),
        Fault(
            "states cut off from the graph, SGD",
            ("wiring",),
            lambda p: p.but(model=lambda: _Notes(cut=True), optimizer=sgd(0.1)),
            "discuss.pytorch.org, hidden state repackaged at the wrong place",
        ),
        Fault(
            "dropout of .95 before the head",
            ("regularization",),
            lambda p: p.but(model=lambda: _Notes(dropout=0.95), optimizer=adam(2e-3)),
            CHARACTERS,
        ),
        Fault(
            "Adam with rate 1, not clipped", ("learning_rate",), lambda p: p.but(optimizer=adam(1.0), clip=None), FORUM
        ),
        Fault("thirty steps at 1e-3", ("steps",), lambda p: p.but(steps=30, optimizer=adam(1e-3)), CHARACTERS),
    )


class _Causal(nn.Module):
    """Dilated convolutions over the past two days, then the next six hours: [n, 3, 48] to [n, 6]."""

    def __init__(
        self, *, hidden: type[nn.Module] = nn.ReLU, last: type[nn.Module] = nn.Identity, depth: int = 4
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for level in range(depth):
            layers += [nn.Conv1d(3 if not level else 16, 16, 2, dilation=min(2**level, 8)), hidden()]
        self.body, self.head, self.last = nn.Sequential(*layers), nn.Linear(16, 6), last()

    def forward(self, hours: Tensor) -> Tensor:
        return self.last(self.head(self.body(hours)[:, :, -1]))


def meters() -> tuple[Program, tuple[Fault, ...]]:
    """The electricity that a house uses in the next six hours, by two days before: dilated convolutions."""
    draw = np.random.default_rng(1023)
    hours = np.arange(1400)
    warm = np.sin(2 * np.pi * hours / 24 - 1) + 0.3 * draw.normal(size=1400)
    home = ((hours % 24 > 17) | (hours % 24 < 7)).astype(float)
    used = 0.4 + 0.9 * home + 0.5 * np.clip(-warm, 0, None) + 0.12 * draw.normal(size=1400)
    columns = np.stack([used, warm, np.cos(2 * np.pi * hours / 24)], 0)
    scaled = (columns - columns.mean(1, keepdims=True)) / columns.std(1, keepdims=True)
    spots = np.arange(1400 - 54)[:, None]

    def windows(values: np.ndarray) -> Tensor:
        return floats(values[:, spots + np.arange(48)]).transpose(0, 1).contiguous()

    inputs, answers = windows(scaled), floats(scaled[0][spots + np.arange(48, 54)])
    watts = floats(1000 * used[spots + np.arange(48, 54)])
    stamped = columns.copy()
    stamped[2] = 1.7e9 + 3600 * hours
    gaps = inputs.clone()
    gaps[::30, 1, 20:24] = torch.nan

    sound = Program(
        name="meters",
        inputs=inputs,
        targets=answers,
        model=_Causal,
        loss=nn.L1Loss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "the time as a stamp in seconds",
            ("input_scaling",),
            lambda p: p.but(inputs=windows(stamped)),
            METER,
        ),
        Fault(
            "watts under Adam at .0005",
            ("target_scaling", "learning_rate"),
            lambda p: p.but(
                targets=watts,
                optimizer=adam(5e-4),
            ),
            METER,
        ),
        Fault(
            "hours whose temperature is missing",
            ("data",),
            lambda p: p.but(inputs=gaps),
            METER,
        ),
        Fault(
            "a ReLU after the head",
            ("output_activation",),
            lambda p: p.but(model=lambda: _Causal(last=nn.ReLU)),
            METER,
        ),
        Fault(
            "sigmoids in eight layers, SGD",
            ("hidden_activation", "architecture", "optimizer"),
            lambda p: p.but(model=lambda: _Causal(hidden=nn.Sigmoid, depth=8), optimizer=sgd(0.05)),
            METER,
        ),
        Fault(
            "rows of a batch in the order of features",
            ("wiring", "data"),
            lambda p: p.but(inputs=floats(scaled[:, spots + np.arange(48)]).reshape(-1, 3, 48)),
            "discuss.pytorch.org, view instead of permute",
        ),
    )


class _Tagger(nn.Module):
    """A tag for each word by an LSTM of both directions: [n, 14] to [n, 4, 14]."""

    def __init__(self, *, one_way: bool = False, softmax: bool = False, over: int = 1) -> None:
        super().__init__()
        self.words = nn.Embedding(60, 16, padding_idx=0)
        self.cell = nn.LSTM(16, 16, batch_first=True, bidirectional=not one_way)
        self.head, self.softmax, self.over = nn.Linear(16 if one_way else 32, 4), softmax, over

    def forward(self, sentences: Tensor) -> Tensor:
        states, _ = self.cell(self.words(sentences))
        said = self.head(states).transpose(1, 2)
        return said.softmax(self.over) if self.softmax else said


def entities() -> tuple[Program, tuple[Fault, ...]]:
    """Persons, places and firms among words: most words are none of them, and most sentences are padded."""
    draw = np.random.default_rng(1024)
    words, tags = np.zeros((1200, 14), dtype=np.int64), np.full((1200, 14), -100)
    for row, tag in zip(words, tags, strict=True):
        length = draw.integers(5, 15)
        row[:length], tag[:length] = draw.integers(20, 60, length), 0
        for at in draw.choice(length - 1, 2, replace=False):
            kind = draw.integers(1, 4)
            row[at], row[at + 1] = kind * 2 + draw.integers(2), draw.integers(10, 20)
            tag[at], tag[at + 1] = 0, kind
    sentences, answers = torch.tensor(words), torch.tensor(tags)

    def score(outputs: Tensor, truth: Tensor) -> float:
        there = truth.flatten() >= 0
        return classified(outputs.transpose(1, 2).flatten(0, 1)[there], truth.flatten()[there])

    heavy = torch.tensor([200.0, 1.0, 1.0, 1.0])
    sound = Program(
        name="entities",
        inputs=sentences,
        targets=answers,
        model=_Tagger,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=score,
        steps=200,
        held_out=True,
    )
    return sound, (
        Fault(
            "weights of classes the wrong way round",
            ("loss",),
            lambda p: p.but(loss=nn.CrossEntropyLoss(weight=heavy), optimizer=adam(2e-3)),
            TAGS,
        ),
        Fault(
            "a softmax before cross entropy, SGD",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: _Tagger(softmax=True), optimizer=sgd(0.1)),
            TAGS,
        ),
        Fault(
            "words numbered anew for each sentence",
            ("data",),
            lambda p: p.but(
                inputs=torch.where(sentences > 0, torch.arange(1, 15).expand(1200, 14), 0),
            ),
            "stackoverflow.com, vocabulary built per sample",
        ),
        Fault(
            "the optimizer holds only the embedding",
            ("wiring",),
            lambda p: p.but(
                optimizer=lambda m: torch.optim.SGD(m.get_submodule("words").parameters(), lr=0.1),
            ),
            TAGS,
        ),
        Fault("AdamW with a decay of 60", ("regularization",), lambda p: p.but(optimizer=_decayed), TAGS),
        Fault(
            "tags of other sentences",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(answers), truth=answers),
            TAGS,
        ),
    )


def _decayed(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=60.0)


class _Ledger(nn.Module):
    """A transformer over entries, with a first token that gathers: [n, 12] to [n, 3]."""

    def __init__(
        self, *, inverted: bool = False, at: int = 0, late: bool = False, layers: int = 2, frozen: bool = False
    ) -> None:
        super().__init__()
        self.entries = nn.Embedding(31, 32, padding_idx=0)
        self.first = nn.Parameter(torch.randn(1, 1, 32) * 0.1)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=not late)
        self.body = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head, self.inverted, self.at = nn.Linear(32, 3), inverted, at
        if frozen:
            self.body.requires_grad_(requires_grad=False)

    def forward(self, entries: Tensor) -> Tensor:
        padded = functional.pad(entries == 0, (1, 0))
        if self.inverted:
            padded = functional.pad(entries != 0, (1, 0), value=True)
        found = torch.cat([self.first.expand(len(entries), -1, -1), self.entries(entries)], 1)
        return self.head(self.body(found, src_key_padding_mask=padded)[:, self.at])


def ledgers() -> tuple[Program, tuple[Fault, ...]]:
    """Which of three accounts a page has most entries of: entries are padded, a small transformer."""
    draw = np.random.default_rng(1025)
    entries, lengths = draw.integers(1, 31, size=(1400, 12)), draw.integers(4, 13, size=1400)
    for row, length in zip(entries, lengths, strict=True):
        favourite = draw.integers(3)
        row[:length] = np.where(
            draw.uniform(size=length) < 0.35, favourite * 10 + draw.integers(1, 11, length), row[:length]
        )
        row[length:] = 0
    counts = np.stack([((entries - 1) // 10 == account).sum(1) * 1.0 for account in range(3)], 1)
    counts[:, 0] -= ((entries == 0) & ((entries - 1) // 10 == 0)).sum(1)
    answers = torch.tensor((counts + np.array([0.2, 0.1, 0.0])).argmax(1))
    inputs = torch.tensor(entries)
    sound = Program(
        name="ledgers",
        inputs=inputs,
        targets=answers,
        model=_Ledger,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(2e-3),
        score=classified,
        steps=250,
        held_out=True,
    )
    return sound, (
        Fault(
            "the padding mask inverted",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Ledger(inverted=True)),
            MASK,
        ),
        Fault(
            "norms last, Adam at .1",
            ("learning_rate",),
            lambda p: p.but(model=lambda: _Ledger(late=True), optimizer=adam(0.1)),
            WARMUP,
        ),
        Fault(
            "a schedule that warms up for longer than the training",
            ("schedule", "learning_rate", "steps"),
            lambda p: p.but(decay_each_step=1.012, optimizer=adam(1e-7)),
            WARMUP,
        ),
        Fault(
            "everything frozen but the head, SGD",
            ("wiring", "optimizer"),
            lambda p: p.but(
                model=lambda: _Ledger(frozen=True),
                optimizer=lambda m: torch.optim.SGD(m.get_submodule("head").parameters(), lr=1e-3),
            ),
            "discuss.pytorch.org, fine-tuning where nothing is unfrozen",
        ),
        Fault(
            "probabilities into cross entropy, rate 1e-4",
            ("output_activation", "loss", "learning_rate"),
            lambda p: p.but(model=lambda: nn.Sequential(_Ledger(), nn.Softmax(1)), optimizer=adam(1e-4)),
            FORUM,
        ),
        Fault(
            "in float16 with Adam's small number",
            ("precision", "optimizer"),
            lambda p: p.but(model=lambda: nn.Sequential(_Ledger().half(), Apply(Tensor.float))),
            "discuss.pytorch.org/t/adam-half-precision-nans/1765",
        ),
    )
