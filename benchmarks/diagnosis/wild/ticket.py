"""Programs of people who ask why nothing is learned: images, sequences and words.

They were written by somebody who had read neither the rules nor what they find in the other programs.
"""

import numpy as np
import torch
from torch import Tensor, nn

from .parts import LastStep, adam, classified, explained, sgd
from .program import Fault, Program
from .question import KARPATHY, REASONS, SAME_CLASS

FROZEN = "discuss.pytorch.org, the optimizer holds the parameters of the replaced layer"
RELU_LSTM = "stackoverflow.com/questions/51432661"
RANGE = "stackoverflow.com/questions/44601367"
BATCH_FIRST = "discuss.pytorch.org, is batch_first of nn.Transformer set"
PADDING = "discuss.pytorch.org, the last output of a padded sequence"
NEGATIVE_LOSS = "discuss.pytorch.org, the loss of NLLLoss is negative"


class _Picture(nn.Module):
    """Two convolutions with batch norm, a mean over each quarter of the picture, and a linear layer."""

    def __init__(self, channels: int, classes: int, *, dropout: float = 0.0, learned: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 12, 3, padding=1),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(96, classes)
        self.body.requires_grad_(learned)

    def forward(self, values: Tensor) -> Tensor:
        return self.head(self.dropout(self.body(values)))


def _plain(channels: int, classes: int, *, last: type[nn.Module] | None = None) -> nn.Sequential:
    """The same without norms."""
    return nn.Sequential(
        nn.Conv2d(channels, 12, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(96, classes),
        *([last()] if last is not None else []),
    )


def shapes() -> tuple[Program, tuple[Fault, ...]]:
    """Squares, discs, crosses and rings in a noisy picture of 16 by 16 in three colours."""
    draw = np.random.default_rng(41)
    kinds = draw.integers(4, size=800)
    rows, columns = np.mgrid[:16, :16]
    pictures = draw.normal(0.3, 0.1, (800, 16, 16, 3))
    for picture, kind in zip(pictures, kinds, strict=True):
        (y, x), r, colour = draw.uniform(5, 11, 2), draw.uniform(3, 5), draw.uniform(0.3, 0.6, 3)
        far, across = np.hypot(rows - y, columns - x), np.minimum(abs(rows - y), abs(columns - x))
        square = np.maximum(abs(rows - y), abs(columns - x)) < r
        picture[[square, far < r, square & (across < 1), (far < r) & (far > r - 1.5)][kind]] += colour
    labels = torch.tensor(kinds)
    channels_first = torch.tensor(pictures.transpose(0, 3, 1, 2), dtype=torch.float32).contiguous()
    sound = Program(
        name="shapes",
        inputs=(channels_first - channels_first.mean()) / channels_first.std(),
        targets=labels,
        model=lambda: _Picture(3, 4),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(5e-3),
        score=classified,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "pixels up to 255, SGD",
            ("input_scaling", "learning_rate"),
            lambda p: p.but(inputs=channels_first * 255, model=lambda: _plain(3, 4), optimizer=sgd(0.01, momentum=0.9)),
            REASONS,
        ),
        Fault(
            "softmax over the batch",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: nn.Sequential(_Picture(3, 4), nn.Softmax(0)), optimizer=sgd(0.01)),
            KARPATHY,
        ),
        Fault(
            "likelihood of outputs that are no logarithms",
            ("loss", "output_activation"),
            lambda p: p.but(loss=nn.NLLLoss(), model=lambda: _plain(3, 4), optimizer=sgd(0.05)),
            NEGATIVE_LOSS,
        ),
        Fault(
            "one class for all by an integer division of labels",
            ("labels", "data"),
            lambda p: p.but(targets=labels // 4, truth=labels),
            REASONS,
        ),
        Fault(
            "dropout of .98 before the last layer",
            ("regularization",),
            lambda p: p.but(model=lambda: _Picture(3, 4, dropout=0.98), optimizer=adam(1e-3)),
            REASONS,
        ),
    )


def textures() -> tuple[Program, tuple[Fault, ...]]:
    """Which way the stripes of a picture go: six directions, a body with batch norm and a new last layer."""
    draw = np.random.default_rng(42)
    kinds = draw.integers(6, size=800)
    rows, columns = np.mgrid[:14, :14]
    angles, phases = (kinds * np.pi / 6)[:, None, None], draw.uniform(0, 6.3, (800, 1, 1))
    waves = np.sin((rows * np.cos(angles) + columns * np.sin(angles)) * draw.uniform(0.9, 1.5, (800, 1, 1)) + phases)
    labels = torch.tensor(kinds)
    sound = Program(
        name="textures",
        inputs=torch.tensor(waves + 0.6 * draw.normal(size=waves.shape), dtype=torch.float32)[:, None],
        targets=labels,
        model=lambda: _Picture(1, 6),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(3e-3),
        score=classified,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "the last layer replaced after the optimizer was made, the body frozen",
            ("wiring",),
            lambda p: p.but(model=lambda: _Picture(1, 6, learned=False), optimizer=_then_new_head),
            FROZEN,
        ),
        Fault(
            "squared error of the class's number from one output",
            ("loss", "architecture", "labels"),
            lambda p: p.but(
                model=lambda: _Picture(1, 1),
                loss=nn.MSELoss(),
                targets=labels[:, None].float(),
                truth=labels,
                score=_rounded,
            ),
            SAME_CLASS,
        ),
        Fault(
            "SGD with a rate of 20",
            ("learning_rate",),
            lambda p: p.but(optimizer=sgd(20.0)),
            REASONS,
        ),
        Fault(
            "labels of the picture before",
            ("labels", "data"),
            lambda p: p.but(targets=labels.roll(1), truth=labels),
            REASONS,
        ),
    )


def _rounded(outputs: Tensor, targets: Tensor) -> float:
    """Accuracy above chance of the nearest class."""
    return classified(nn.functional.one_hot(outputs[:, 0].round().long().clamp(0, 5), 6), targets)


def _then_new_head(model: nn.Module) -> torch.optim.Optimizer:
    """Adam over the parameters as they are; then the last layer is replaced."""
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    model.head = nn.Linear(96, 6)
    return optimizer


class _Spectrum(nn.Module):
    """Convolutions over a spectrum, flattened into a linear layer, or averaged."""

    def __init__(self, *, averaged: bool = False, last: type[nn.Module] = nn.Identity) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, 8, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 8, 5, padding=2), nn.ReLU()
        )
        self.pool = nn.AdaptiveAvgPool1d(1 if averaged else 32)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8 if averaged else 256, 32), nn.ReLU(), nn.Linear(32, 1))
        self.last = last()

    def forward(self, values: Tensor) -> Tensor:
        return self.last(self.head(self.pool(self.body(values))))


class _Half(nn.Module):
    """A network in half precision, between floats."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.half()

    def forward(self, values: Tensor) -> Tensor:
        return self.network(values.half()).float()


def peaks() -> tuple[Program, tuple[Fault, ...]]:
    """Where the peak of a noisy spectrum is."""
    draw = np.random.default_rng(43)
    places = draw.uniform(6, 58, 1000)
    height = draw.uniform(1, 2, (1000, 1))
    lines = height * np.exp(-((np.arange(64) - places[:, None]) ** 2) / 8) + 0.15 * draw.normal(size=(1000, 64))
    spectra = torch.tensor(lines, dtype=torch.float32)[:, None]
    wavelengths = torch.tensor(400 + places * 5, dtype=torch.float32)[:, None]
    values = (wavelengths - wavelengths.mean()) / wavelengths.std()
    sound = Program(
        name="peaks",
        inputs=spectra,
        targets=values,
        model=_Spectrum,
        loss=nn.MSELoss(),
        optimizer=adam(2e-3),
        score=explained,
        steps=500,
        held_out=True,
    )
    return sound, (
        Fault(
            "wavelengths in nanometres, SGD",
            ("target_scaling", "learning_rate"),
            lambda p: p.but(targets=wavelengths, optimizer=sgd(1e-2)),
            REASONS,
        ),
        Fault(
            "half precision with counts of photons",
            ("precision", "input_scaling"),
            lambda p: p.but(inputs=spectra * 3e4, model=lambda: _Half(_Spectrum())),
            "discuss.pytorch.org, nan with half precision",
        ),
        Fault(
            "sigmoid at the end for standardized places",
            ("output_activation",),
            lambda p: p.but(model=lambda: _Spectrum(last=nn.Sigmoid)),
            RANGE,
        ),
        Fault(
            "the optimizer has the biases alone",
            ("wiring", "optimizer"),
            lambda p: p.but(optimizer=_biases_only),
            FROZEN,
        ),
    )


def _biases_only(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam([each for name, each in model.named_parameters() if name.endswith("bias")], lr=2e-3)


class _Squeezed(nn.Module):
    """An autoencoder of pictures through a few numbers."""

    def __init__(self, *, width: int = 16, last: type[nn.Module] = nn.Identity, watched: bool = True) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(288, width)
        )
        self.decoder = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 144), nn.Unflatten(1, (1, 12, 12)))
        self.last = last()
        self.watched = watched

    def forward(self, values: Tensor) -> Tensor:
        with torch.set_grad_enabled(self.watched):
            code = self.encoder(values)
        return self.last(self.decoder(code))


def blobs() -> tuple[Program, tuple[Fault, ...]]:
    """Pictures of two soft spots, drawn again from 16 numbers."""
    draw = np.random.default_rng(44)
    rows, columns = np.mgrid[:12, :12]
    spots = draw.uniform(2, 10, (800, 2, 2, 1, 1))
    bright = np.exp(-((rows - spots[:, :, 0]) ** 2 + (columns - spots[:, :, 1]) ** 2) / 6).sum(1)
    pictures = torch.tensor(bright, dtype=torch.float32)[:, None]
    standard = (pictures - pictures.mean()) / pictures.std()
    sound = Program(
        name="blobs",
        inputs=standard,
        targets=standard,
        model=_Squeezed,
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=800,
        held_out=True,
    )
    return sound, (
        Fault(
            "sigmoid at the end for pictures with a deviation of 1",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=lambda: _Squeezed(last=nn.Sigmoid)),
            RANGE,
        ),
        Fault(
            "the code is a single number",
            ("architecture",),
            lambda p: p.but(model=lambda: _Squeezed(width=1)),
            REASONS,
        ),
        Fault(
            "the encoder runs under no_grad",
            ("wiring",),
            lambda p: p.but(model=lambda: _Squeezed(width=4, watched=False)),
            REASONS,
        ),
        Fault(
            "RMSprop with a rate of .1",
            ("learning_rate",),
            lambda p: p.but(optimizer=lambda m: torch.optim.RMSprop(m.parameters(), lr=0.1)),
            "keras.io, autoencoder predicts the mean picture",
        ),
    )


class _Relus(nn.Module):
    """A ReLU, an LSTM, and a linear layer with a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.network = LastStep(nn.LSTM, 1, 32, 1)

    def forward(self, values: Tensor) -> Tensor:
        return self.network(values.relu()).relu()


class _OneStep(nn.Module):
    """An LSTM that is read at one step."""

    def __init__(self, *, step: int) -> None:
        super().__init__()
        self.cell = nn.LSTM(1, 32, batch_first=True)
        self.head = nn.Linear(32, 1)
        self.step = step

    def forward(self, values: Tensor) -> Tensor:
        states, _ = self.cell(values)
        return self.head(states[:, self.step])


def sunspots() -> tuple[Program, tuple[Fault, ...]]:
    """The next number of sunspots from the last 24: an LSTM over standardized numbers."""
    draw = np.random.default_rng(45)
    months = np.arange(1500)
    counts = 80 + 60 * np.sin(months / 11) * (1 + 0.4 * np.sin(months / 53)) + 4 * draw.normal(size=1500)
    windows = np.lib.stride_tricks.sliding_window_view(counts, 25)
    raw = torch.tensor(windows.copy(), dtype=torch.float32)
    scaled = (raw - 80) / 45
    sound = Program(
        name="sunspots",
        inputs=scaled[:, :-1, None],
        targets=scaled[:, -1:],
        model=lambda: _OneStep(step=-1),
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "ReLU before the LSTM and at the end",
            ("output_activation", "hidden_activation"),
            lambda p: p.but(model=_Relus),
            RELU_LSTM,
        ),
        Fault("decay of 1 in Adam", ("regularization",), lambda p: p.but(optimizer=adam(5e-3, decay=1.0)), REASONS),
        Fault(
            "the first step's output is read",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _OneStep(step=0)),
            PADDING,
        ),
        Fault(
            "numbers as they are, SGD",
            ("target_scaling", "input_scaling", "learning_rate"),
            lambda p: p.but(inputs=raw[:, :-1, None], targets=raw[:, -1:], optimizer=sgd(1e-3)),
            "datascience.stackexchange.com, LSTM predicts the mean",
        ),
    )


class _Intent(nn.Module):
    """Word vectors, a recurrent layer, and its state at the last word, or at the last place."""

    def __init__(self, *, cell: type[nn.RNNBase] = nn.GRU, at_end: bool = False, zero: bool = False) -> None:
        super().__init__()
        self.words = nn.Embedding(200, 16, padding_idx=0)
        self.cell = cell(16, 32, batch_first=True)
        self.head = nn.Linear(32, 5)
        self.at_end = at_end
        if zero:
            nn.init.zeros_(self.words.weight)
            nn.init.zeros_(self.head.weight)

    def forward(self, values: Tensor) -> Tensor:
        states, _ = self.cell(self.words(values))
        lengths = (values > 0).sum(1) - 1
        last = torch.full_like(lengths, -1) if self.at_end else lengths
        return self.head(states[torch.arange(len(values)), last])


class _Numbered(nn.Module):
    """Numbers of words as if they were amounts, into linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 5))

    def forward(self, values: Tensor) -> Tensor:
        return self.network(values.float())


def intents() -> tuple[Program, tuple[Fault, ...]]:
    """What somebody wants, of five things: up to 12 words, then padding up to 40."""
    draw = np.random.default_rng(46)
    kinds = draw.integers(5, size=1200)
    words = np.zeros((1200, 40), dtype=np.int64)
    for row, kind in zip(words, kinds, strict=True):
        length = draw.integers(4, 13)
        row[:length] = draw.integers(1, 200, length)
        row[draw.integers(length)] = 1 + kind * 4 + draw.integers(4)
        row[:length][(row[:length] < 21) & ((row[:length] - 1) // 4 != kind)] += 100
    labels = torch.tensor(kinds)
    sound = Program(
        name="intents",
        inputs=torch.tensor(words),
        targets=labels,
        model=_Intent,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-2),
        score=classified,
        steps=250,
        held_out=True,
    )
    return sound, (
        Fault(
            "the state after all padding is read",
            ("wiring", "architecture", "data"),
            lambda p: p.but(model=lambda: _Intent(cell=nn.RNN, at_end=True)),
            PADDING,
        ),
        Fault(
            "numbers of words as amounts",
            ("input_scaling", "architecture", "data"),
            lambda p: p.but(model=_Numbered),
            "stackoverflow.com, word indices without an embedding",
        ),
        Fault(
            "plain SGD with a rate of .01",
            ("learning_rate", "optimizer"),
            lambda p: p.but(optimizer=sgd(0.01)),
            REASONS,
        ),
        Fault(
            "decay of .1 in Adam",
            ("regularization",),
            lambda p: p.but(optimizer=adam(1e-2, decay=0.1)),
            REASONS,
        ),
        Fault(
            "softmax, then cross entropy",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: nn.Sequential(_Intent(), nn.Softmax(1)), optimizer=adam(1e-3)),
            KARPATHY,
        ),
    )


class _Reader(nn.Module):
    """A transformer over ten symbols."""

    def __init__(self, *, placed: bool = True, batch_first: bool = True, causal: bool = False) -> None:
        super().__init__()
        self.symbols = nn.Embedding(8, 32)
        self.places = nn.Parameter(torch.randn(1, 10, 32) * 0.5 * placed, requires_grad=placed)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=batch_first)
        self.layers = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(32, 8)
        self.causal = causal

    def forward(self, values: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(10) if self.causal else None
        return self.head(self.layers(self.symbols(values) + self.places, mask=mask)).transpose(1, 2)


def _each_symbol(outputs: Tensor, targets: Tensor) -> float:
    """Accuracy above chance over all places."""
    return classified(outputs.transpose(1, 2).reshape(-1, 8), targets.reshape(-1))


def mirror() -> tuple[Program, tuple[Fault, ...]]:
    """Ten symbols in reverse order, from a small transformer."""
    symbols = torch.randint(8, (1500, 10), generator=torch.Generator().manual_seed(47))
    sound = Program(
        name="mirror",
        inputs=symbols,
        targets=symbols.flip(1),
        model=_Reader,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(2e-3),
        score=_each_symbol,
        steps=350,
        held_out=True,
    )
    return sound, (
        Fault(
            "no positions",
            ("architecture",),
            lambda p: p.but(model=lambda: _Reader(placed=False)),
            "discuss.pytorch.org, transformer without positional encoding",
        ),
        Fault(
            "batch_first forgotten",
            ("wiring", "architecture"),
            lambda p: p.but(model=lambda: _Reader(batch_first=False)),
            BATCH_FIRST,
        ),
        Fault(
            "the mask of a language model left in",
            ("architecture", "wiring"),
            lambda p: p.but(model=lambda: _Reader(causal=True)),
            "github.com/pytorch/pytorch, src_mask of nn.TransformerEncoder",
        ),
        Fault(
            "the rate falls by a tenth after every batch",
            ("schedule", "learning_rate"),
            lambda p: p.but(decay_each_step=0.9),
            REASONS,
        ),
        Fault(
            "Adam with a rate of .05 and no warmup",
            ("learning_rate", "schedule"),
            lambda p: p.but(optimizer=adam(0.05)),
            "discuss.pytorch.org, transformer predicts one token",
        ),
    )


class _Summing(nn.Module):
    """A recurrent network read at the last step."""

    def __init__(self, cell: type[nn.RNNBase] = nn.GRU, *, nonlinearity: str | None = None, std: float = 0.0) -> None:
        super().__init__()
        options = {"nonlinearity": nonlinearity} if nonlinearity else {}
        self.cell = cell(2, 32, batch_first=True, **options)  # type: ignore[arg-type]
        self.head = nn.Linear(32, 1)
        if std:
            for weight in self.cell.all_weights[0][:2]:
                nn.init.normal_(weight, std=std)

    def forward(self, values: Tensor) -> Tensor:
        states, _ = self.cell(values)
        return self.head(states[:, -1])


def parcels() -> tuple[Program, tuple[Fault, ...]]:
    """The weight of the marked parcels on a belt of 30."""
    draw = np.random.default_rng(48)
    weights, marked = draw.uniform(size=(1500, 30)), draw.random((1500, 30)) < 0.2
    belt = torch.tensor(np.stack([weights, marked], 2), dtype=torch.float32)
    total = torch.tensor((weights * marked).sum(1), dtype=torch.float32)[:, None]
    sound = Program(
        name="parcels",
        inputs=belt,
        targets=(total - total.mean()) / total.std(),
        model=_Summing,
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=400,
        clip=1.0,
        held_out=True,
    )
    return sound, (
        Fault(
            "a ReLU network with large weights and no clipping",
            ("initialization", "hidden_activation", "clipping"),
            lambda p: p.but(model=lambda: _Summing(nn.RNN, nonlinearity="relu", std=0.6), clip=None),
            "discuss.pytorch.org, RNN with ReLU is nan",
        ),
        Fault(
            "gradients clipped to 1e-4, SGD",
            ("clipping", "learning_rate"),
            lambda p: p.but(optimizer=sgd(0.1), clip=1e-4),
            REASONS,
        ),
        Fault(
            "a plain RNN with weights of 1.5",
            ("initialization", "architecture"),
            lambda p: p.but(model=lambda: _Summing(nn.RNN, std=1.5)),
            REASONS,
        ),
        Fault(
            "features and steps swapped by a view",
            ("data", "wiring", "labels"),
            lambda p: p.but(inputs=belt.permute(1, 2, 0).reshape(1500, 30, 2)),
            KARPATHY,
        ),
        Fault(
            "SGD with a rate of 1e-5",
            ("learning_rate", "optimizer"),
            lambda p: p.but(optimizer=sgd(1e-5)),
            REASONS,
        ),
    )


class _Norms(nn.Module):
    """Linear layers with norms, one of them after the last."""

    def __init__(self, *, last: bool = False, listed: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Linear(30, 48), nn.BatchNorm1d(48), nn.Tanh(), nn.Linear(48, 24), nn.Tanh()]
        self.head = nn.Linear(24, 1)
        self.last = nn.BatchNorm1d(1, affine=False) if last else nn.Identity()
        self.hidden: list[nn.Module] | nn.ModuleList = layers if listed else nn.ModuleList(layers)

    def forward(self, values: Tensor) -> Tensor:
        for layer in self.hidden:
            values = layer(values)
        return self.last(self.head(values))


def voices() -> tuple[Program, tuple[Fault, ...]]:
    """Whether a voice is a child's, from a spectrum of 30 bands: one in four is."""
    draw = np.random.default_rng(49)
    pitch = draw.uniform(4, 12, 1200)
    loud = draw.normal(size=(1200, 1))
    bands = np.cos(np.arange(30) / pitch[:, None] * 6.3) + 0.5 * loud + 0.2 * draw.normal(size=(1200, 30))
    child = torch.tensor((pitch > 6) & (pitch < 8), dtype=torch.float32)[:, None]
    sound = Program(
        name="voices",
        inputs=torch.tensor(bands, dtype=torch.float32),
        targets=child,
        model=_Norms,
        loss=nn.BCEWithLogitsLoss(),
        optimizer=adam(3e-3),
        score=lambda outputs, targets: classified(torch.cat([-outputs, outputs], 1), targets[:, 0]),
        steps=400,
        held_out=True,
    )
    return sound, (
        Fault(
            "hidden layers in a list",
            ("wiring",),
            lambda p: p.but(model=lambda: _Norms(listed=True), optimizer=adam(1e-3)),
            "docs.pytorch.org, nn.ModuleList",
        ),
        Fault(
            "evaluation mode and bands in decibel",
            ("wiring", "normalization", "input_scaling"),
            lambda p: p.but(evaluates=True, inputs=p.inputs * 20 - 400),
            KARPATHY,
        ),
        Fault(
            "the loss of another sign",
            ("loss",),
            lambda p: p.but(loss=_Negative()),
            "stackoverflow.com, loss goes up",
        ),
        Fault(
            "Adagrad with a rate of 1e-4",
            ("learning_rate", "optimizer"),
            lambda p: p.but(optimizer=lambda m: torch.optim.Adagrad(m.parameters(), lr=1e-4)),
            "keras.io, changed defaults of optimizers",
        ),
    )


class _Negative(nn.Module):
    """The log likelihood, where its negative was meant."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return -nn.functional.binary_cross_entropy_with_logits(outputs, targets)
