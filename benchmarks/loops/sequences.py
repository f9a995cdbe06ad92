"""Tasks of series, signals, words and graphs."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .task import Draw, Function, Task, accuracy, explained, split

WORDS = 20


class _Recurrent(nn.Module):
    """A recurrent layer, of whose last or mean state a readout is made."""

    def __init__(
        self, cell: type[nn.RNNBase], inputs: int, width: int, outputs: int, *, depth: int, last: bool
    ) -> None:
        super().__init__()
        self.cell, self.last = cell(inputs, width, num_layers=depth, batch_first=True), last
        self.readout = nn.Linear(width, outputs)

    def forward(self, series: Tensor) -> Tensor:
        states = self.cell(series)[0]
        found: Tensor = self.readout(states[:, -1] if self.last else states.mean(1))
        return found


def _cell(draw: Draw) -> type[nn.RNNBase]:
    return draw.choice((nn.GRU, nn.GRU, nn.LSTM))


def _waves(draw: Draw, count: int, length: int) -> tuple[Tensor, Tensor]:
    """Sums of two waves with some noise, and their frequencies. [count, length] and [count, 2]."""
    torch.manual_seed(draw.randrange(2**31))
    frequencies = torch.rand(count, 2) * torch.tensor([0.3, 0.5]) + torch.tensor([0.2, 0.6])
    phases = 6.28 * torch.rand(count, 2)
    time = torch.arange(float(length))
    found = (frequencies[..., None] * time + phases[..., None]).sin().sum(1)
    return found + 0.05 * torch.randn(found.shape), frequencies


def forecast(draw: Draw) -> Task:
    """The next value, or the next few, of a series."""
    length, ahead = draw.choice((16, 24)), draw.choice((1, 1, 3))
    series, _ = _waves(draw, 1500, length + ahead)
    model = _Recurrent(_cell(draw), 1, draw.choice((24, 32)), ahead, depth=draw.choice((1, 1, 2)), last=True)
    return Task(
        **split(series[:, :length, None], series[:, length:]),
        model=model,
        loss=draw.choice((nn.MSELoss, nn.MSELoss, nn.L1Loss))(),
        score=explained,
        adaptive=True,
        rate=2.0,
        half=False,
    )


def signals(draw: Draw) -> Task:
    """Which shape a noisy signal of several sensors has: convolutions over time."""
    torch.manual_seed(draw.randrange(2**31))
    many, sensors, length = draw.randint(3, 6), draw.randint(1, 4), 32
    shapes = functional.avg_pool1d(torch.randn(many, sensors, length + 4), 5, stride=1) * 2
    targets = torch.randint(many, (1500,))
    inputs = torch.stack([shapes[kind].roll(int(torch.randint(-4, 5, ())), dims=1) for kind in targets])
    inputs = inputs + draw.choice((0.3, 0.6)) * torch.randn(inputs.shape)
    width = draw.choice((16, 24))
    norm: list[nn.Module] = draw.choice(([nn.BatchNorm1d(width)], []))
    model = nn.Sequential(
        nn.Conv1d(sensors, width, 5, padding=2),
        *norm,
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(width, width, 5, padding=2),
        nn.ReLU(),
        draw.choice((nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d))(1),
        nn.Flatten(),
        nn.Linear(width, many),
    )
    return Task(
        **split(inputs, targets), model=model, loss=nn.CrossEntropyLoss(), score=accuracy(many), adaptive=True, rate=2.0
    )


class _Reader(nn.Module):
    """Embeddings of words, of which 0 is padding, then a recurrent layer or a mean, then a readout."""

    def __init__(self, cell: type[nn.RNNBase] | None, width: int, outputs: int) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, width, padding_idx=0)
        self.cell = None if cell is None else cell(width, width, batch_first=True)
        self.hidden, self.readout = nn.Linear(width, width), nn.Linear(width, outputs)

    def forward(self, words: Tensor) -> Tensor:
        states, there = self.words(words), (words != 0).unsqueeze(-1)
        if self.cell is not None:
            states = self.cell(states)[0]
        mean = (states * there).sum(1) / there.sum(1)
        found: Tensor = self.readout(self.hidden(mean).relu())
        return found


def topics(draw: Draw) -> Task:
    """What a text of five to sixteen words is about."""
    torch.manual_seed(draw.randrange(2**31))
    many = draw.choice((2, 4))
    targets = torch.randint(many, (2000,))
    share = (torch.randn(many, WORDS - 1) * 1.2).softmax(1)
    words = torch.multinomial(share[targets], 16, replacement=True) + 1
    words[torch.arange(16) >= torch.randint(8, 17, (2000, 1))] = 0
    model = _Reader(draw.choice((None, nn.GRU, nn.LSTM)), draw.choice((24, 32)), many)
    return Task(
        **split(words, targets),
        model=model,
        loss=nn.CrossEntropyLoss(),
        score=lambda outputs, known: accuracy(many)(outputs, known) / 0.9,
        adaptive=True,
        rate=2.0,
        half=False,
    )


class _Decoder(nn.Module):
    """A small causal transformer, with its readout tied to its embeddings or not."""

    def __init__(self, width: int, heads: int, depth: int, *, tied: bool, drop: float) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, width), nn.Embedding(32, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=drop, activation="gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, depth, nn.LayerNorm(width), enable_nested_tensor=False)
        self.readout = nn.Linear(width, WORDS, bias=False)
        for table in (self.words, self.places):
            nn.init.normal_(table.weight, std=0.1 if tied else 0.5)
        if tied:
            self.readout.weight = self.words.weight

    def forward(self, words: Tensor) -> Tensor:
        length = words.shape[1]
        later = nn.Transformer.generate_square_subsequent_mask(length)
        x = self.words(words) + self.places(torch.arange(length))
        found: Tensor = self.readout(self.body(x, mask=later, is_causal=True))
        return found


def _texts(draw: Draw, count: int, length: int) -> tuple[Tensor, Tensor]:
    """Words of which each depends on the one before, and the logarithms of these chances."""
    torch.manual_seed(draw.randrange(2**31))
    chances = (3 * torch.randn(WORDS, WORDS)).softmax(1)
    words = [torch.randint(WORDS, (count,))]
    for _ in range(length):
        words.append(torch.multinomial(chances[words[-1]], 1)[:, 0])
    return torch.stack(words, dim=1), chances.clamp(min=1e-9).log()


def language(draw: Draw) -> Task:
    """The next word, which cannot be known for sure; some texts are padded at their end."""
    length = draw.choice((12, 20))
    words, chances = _texts(draw, 1500, length)
    targets = words[:, 1:].clone()
    if draw.random() < 0.5:
        targets[torch.arange(length) >= torch.randint(length // 2, length + 1, (len(words), 1))] = -100

    def entropy(outputs: Tensor, known: Tensor) -> Tensor:
        return functional.cross_entropy(outputs.flatten(0, 1), known.flatten())

    def score(outputs: Tensor, known: Tensor) -> float:
        counted = known[known != -100]
        share = torch.bincount(counted, minlength=WORDS).float() / len(counted)
        average = -(share * share.clamp(min=1e-9).log()).sum()
        best = entropy(chances[words[-len(known) :, :-1]], known)
        return float((average - entropy(outputs, known)) / (average - best))

    model = _Decoder(
        draw.choice((32, 48)),
        draw.choice((2, 4)),
        draw.randint(1, 2),
        tied=draw.random() < 0.4,
        drop=draw.choice((0.0, 0.1)),
    )
    return Task(
        **split(words[:, :-1], targets), model=model, loss=Function(entropy), score=score, adaptive=True, half=False
    )


class _Tagger(nn.Module):
    """A layer that reads in both directions, and a readout for each word, with the classes second."""

    def __init__(self, cell: type[nn.RNNBase], width: int, many: int) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, width)
        self.cell = cell(width, width, batch_first=True, bidirectional=True)
        self.readout = nn.Linear(2 * width, many)

    def forward(self, words: Tensor) -> Tensor:
        found: Tensor = self.readout(self.cell(self.words(words))[0]).transpose(1, 2)
        return found


def labelled_words(draw: Draw) -> Task:
    """A label for each word, by the word and the one before."""
    torch.manual_seed(draw.randrange(2**31))
    many = draw.choice((3, 5))
    words = torch.randint(WORDS, (1500, 12))
    table = torch.randint(many, (WORDS, 3))
    before = torch.cat([words[:, :1], words[:, :-1]], dim=1)
    targets = (table[words, 0] + (before < WORDS // 3) * table[words, 1]) % many
    return Task(
        **split(words, targets),
        model=_Tagger(_cell(draw), draw.choice((24, 32)), many),
        loss=nn.CrossEntropyLoss(),
        score=lambda outputs, known: accuracy(many)(outputs.transpose(1, 2), known),
        adaptive=True,
        rate=2.0,
        half=False,
    )


class _Graphs(nn.Module):
    """Two layers that take the mean over neighbours; rows are the features of ten nodes beside their bonds."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.features = features
        self.first, self.second = nn.Linear(2 * features, width), nn.Linear(2 * width, width)
        self.readout = nn.Linear(width, 1)

    def forward(self, rows: Tensor) -> Tensor:
        x, bonds = rows[..., : self.features], rows[..., self.features :]
        near = bonds / bonds.sum(-1, keepdim=True).clamp(min=1)
        x = self.first(torch.cat([x, near @ x], dim=-1)).relu()
        x = self.second(torch.cat([x, near @ x], dim=-1)).relu()
        found: Tensor = self.readout(x.mean(1))
        return found


def graphs(draw: Draw) -> Task:
    """A number of a graph of ten nodes: the mean over its nodes of their own value times their neighbours'."""
    torch.manual_seed(draw.randrange(2**31))
    features = draw.choice((3, 5))
    x = torch.randn(2000, 10, features)
    bonds = (torch.rand(2000, 10, 10) < 0.25).float().triu(1)
    bonds = bonds + bonds.mT
    near = bonds @ x[..., :1] / bonds.sum(-1, keepdim=True).clamp(min=1)
    truth = (x[..., 1:2].relu() + near.relu() * 1.5).mean(1)
    truth = (truth - truth.mean()) / truth.std()
    model = _Graphs(features, draw.choice((24, 32)))
    return Task(
        **split(torch.cat([x, bonds], dim=-1), truth),
        model=model,
        loss=draw.choice((nn.MSELoss, nn.SmoothL1Loss))(),
        score=explained,
        adaptive=True,
        rate=2.0,
    )


class _Attending(nn.Module):
    """Patches or readings as tokens, a class token, an encoder, and a readout of the class token."""

    def __init__(self, inputs: int, length: int, width: int, many: int, *, before: bool) -> None:
        super().__init__()
        self.read = nn.Linear(inputs, width)
        self.token = nn.Parameter(0.1 * torch.randn(1, 1, width))
        self.places = nn.Parameter(0.1 * torch.randn(1, length + 1, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=before)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.readout = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, many))

    def forward(self, tokens: Tensor) -> Tensor:
        x = torch.cat([self.token.expand(len(tokens), -1, -1), self.read(tokens)], dim=1) + self.places
        found: Tensor = self.readout(self.body(x)[:, 0])
        return found


def tokens(draw: Draw) -> Task:
    """Which of several series it is, by attention over their pieces."""
    torch.manual_seed(draw.randrange(2**31))
    many, length, wide = draw.randint(3, 6), 8, 8
    shapes = 1.5 * torch.randn(many, length, wide)
    targets = torch.randint(many, (1600,))
    inputs = shapes[targets] + 1.5 * torch.randn(1600, length, wide)
    model = _Attending(wide, length, 32, many, before=draw.random() < 0.6)
    return Task(
        **split(inputs, targets),
        model=model,
        loss=nn.CrossEntropyLoss(label_smoothing=draw.choice((0.0, 0.1))),
        score=accuracy(many),
        adaptive=True,
        half=False,
    )
