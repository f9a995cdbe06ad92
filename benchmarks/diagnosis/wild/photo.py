"""Programs of people who post that their network learns nothing: images, autoencoders, fine-tuning, pairs.

They were written by somebody who had read neither the rules nor what they find in the other programs. The kinds of a
fault are those that were put in, and those whose repair alone, in plain PyTorch, brought the score back.
"""

import copy
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from .parts import Apply, adam, classified, dense, explained, floats, initialized, sgd, shuffled, standard, told_apart
from .program import Fault, Model, Program

COLOURS = "github.com/farizrahman4u/seq2seq/issues/246"
NLL = "discuss.pytorch.org, a negative loss of NLLLoss without log-softmax"
SAME_CLASS = "github.com/keras-team/keras/issues/1476"
AUTOENCODER = "github.com/tensorflow/tensorflow/issues/48308"
HALF = "discuss.pytorch.org/t/adam-half-precision-nans/1765"
FREEZE = "discuss.pytorch.org/t/best-practice-for-freezing-layers/58156"
MARGIN = "github.com/xiaolonw/caffe-video_triplet/issues/8"
DISTANCE = "github.com/keras-team/keras-io/pull/2261"
COLLAPSE = "github.com/VisualComputingInstitute/triplet-reid/issues/30"
DEEPCRIME = "Humbatova et al. 2021, DeepCrime (ISSTA)"
CHECKER = "Ben Braiek and Khomh 2023, TheDeepChecker"


def _convolutions(*channels: int, head: Model, hidden: Model = nn.ReLU) -> Model:
    """Convolutions of three by three with pooling by two, and a head."""

    def build() -> nn.Module:
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 3, padding=1), hidden(), nn.MaxPool2d(2)]
        return nn.Sequential(*layers, nn.Flatten(), head())

    return build


def strokes() -> tuple[Program, tuple[Fault, ...]]:
    """The direction of a stroke in an image of twelve by twelve: four directions."""
    draw = np.random.default_rng(61)
    kinds = draw.integers(4, size=900)
    images = draw.uniform(0, 0.5, (900, 12, 12))
    steps = ((0, 1), (1, 0), (1, 1), (1, -1))
    for image, kind in zip(images, kinds, strict=True):
        row, column = draw.integers(3), draw.integers(8, 12) if kind == 3 else draw.integers(4)
        for at in range(8):
            image[row + at * steps[kind][0], column + at * steps[kind][1]] += 0.5
    inputs, answers = floats(images)[:, None], torch.tensor(kinds)
    sound = Program(
        name="strokes",
        inputs=inputs,
        targets=answers,
        model=_convolutions(1, 8, 16, head=lambda: nn.Linear(144, 4)),
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(3e-3),
        score=classified,
        steps=300,
        held_out=True,
    )
    return sound, (
        Fault(
            "pixels up to 255, SGD with momentum",
            ("input_scaling", "learning_rate", "optimizer"),
            lambda p: p.but(inputs=inputs * 255, optimizer=sgd(0.01, momentum=0.9)),
            SAME_CLASS,
        ),
        Fault("likelihood over raw scores", ("loss", "output_activation"), lambda p: p.but(loss=nn.NLLLoss()), NLL),
        Fault(
            "one channel, pooled to one number",
            ("architecture",),
            lambda p: p.but(model=_convolutions(1, 1, 1, 1, head=lambda: nn.Linear(1, 4))),
            CHECKER,
        ),
        Fault(
            "images shuffled without their labels",
            ("labels", "data"),
            lambda p: p.but(inputs=shuffled(inputs)),
            CHECKER,
        ),
        Fault(
            "dropout of .95 before the last layer and between",
            ("regularization",),
            lambda p: p.but(
                model=_convolutions(
                    1,
                    8,
                    16,
                    head=lambda: nn.Sequential(nn.Dropout(0.95), nn.Linear(144, 4)),
                    hidden=lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.8)),
                )
            ),
            DEEPCRIME,
        ),
        Fault("Adam with rate .3", ("learning_rate",), lambda p: p.but(optimizer=adam(0.3)), SAME_CLASS),
    )


def dots() -> tuple[Program, tuple[Fault, ...]]:
    """How many dots an image of ten by ten has."""
    draw = np.random.default_rng(62)
    images, counts = np.zeros((1200, 100)), draw.integers(1, 12, 1200)
    for image, count in zip(images, counts, strict=True):
        image[draw.permutation(100)[:count]] = draw.uniform(0.3, 1.0, count)
    inputs = floats(images).view(-1, 1, 10, 10)
    number = floats(counts)[:, None]
    model = _convolutions(1, 16, 16, head=lambda: nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1)))
    sound = Program(
        name="dots",
        inputs=inputs,
        targets=standard(number),
        model=model,
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=600,
        held_out=True,
    )
    return sound, (
        Fault(
            "sigmoid at the end, counts as they are",
            ("output_activation", "target_scaling"),
            lambda p: p.but(targets=number, model=lambda: nn.Sequential(model(), nn.Sigmoid())),
            AUTOENCODER,
        ),
        Fault(
            "gradients clipped to a norm of 1e-4, SGD",
            ("clipping", "optimizer"),
            lambda p: p.but(clip=1e-4, optimizer=sgd(0.02, momentum=0.9)),
            CHECKER,
        ),
        Fault(
            "the maximum over the whole image",
            ("architecture",),
            lambda p: p.but(
                model=lambda: nn.Sequential(
                    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(16, 1)
                )
            ),
            CHECKER,
        ),
        Fault("Adam with rate 1e-6", ("learning_rate",), lambda p: p.but(optimizer=adam(1e-6)), DEEPCRIME),
        Fault("ten steps", ("steps",), lambda p: p.but(steps=10), DEEPCRIME),
    )


def codes() -> tuple[Program, tuple[Fault, ...]]:
    """An autoencoder of 32 columns that depend on four numbers."""
    draw = np.random.default_rng(63)
    mixed = np.tanh(draw.normal(size=(1500, 4)) @ draw.normal(size=(4, 24)) * 0.6) @ draw.normal(size=(24, 32))
    rows = standard(floats(mixed))
    sizes = (32, 48, 4, 48, 32)
    sound = Program(
        name="codes",
        inputs=rows,
        targets=rows,
        model=dense(*sizes, hidden=nn.Tanh),
        loss=nn.MSELoss(),
        optimizer=adam(5e-3),
        score=explained,
        steps=800,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "sigmoid at the end, standardized columns",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=dense(*sizes, hidden=nn.Tanh, last=nn.Sigmoid)),
            AUTOENCODER,
        ),
        Fault(
            "one unit in the middle",
            ("architecture",),
            lambda p: p.but(model=dense(32, 48, 1, 48, 32, hidden=nn.Tanh)),
            AUTOENCODER,
        ),
        Fault(
            "weights in float16 under Adam",
            ("precision", "optimizer"),
            lambda p: p.but(model=_halved(dense(*sizes, hidden=nn.Tanh))),
            HALF,
        ),
        Fault(
            "binary cross entropy of standardized columns",
            ("loss", "target_scaling"),
            lambda p: p.but(loss=nn.BCEWithLogitsLoss()),
            AUTOENCODER,
        ),
        Fault("SGD with rate 1e-3", ("learning_rate", "optimizer"), lambda p: p.but(optimizer=sgd(1e-3)), AUTOENCODER),
        Fault(
            "targets shuffled by a second loader",
            ("labels", "data"),
            lambda p: p.but(targets=shuffled(rows), truth=rows),
            CHECKER,
        ),
    )


def _halved(build: Model) -> Model:
    """The same model in float16, fed and read in float32."""
    return lambda: nn.Sequential(Apply(Tensor.half), build().half(), Apply(Tensor.float))


def grain() -> tuple[Program, tuple[Fault, ...]]:
    """Smooth images of twelve by twelve without their noise."""
    draw = np.random.default_rng(64)
    waves, places = draw.uniform(0.3, 1.0, (700, 2, 1, 1)), np.arange(12.0)
    phases = draw.uniform(0, 6, (700, 2, 1, 1))
    clean = np.sin(waves[:, 0] * places[:, None] + phases[:, 0]) + np.sin(waves[:, 1] * places + phases[:, 1])
    targets = floats(clean)[:, None]
    inputs = targets + floats(draw.normal(0, 0.8, (700, 1, 12, 12)))
    sound = Program(
        name="grain",
        inputs=inputs,
        targets=targets,
        model=_filters,
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=300,
        held_out=True,
    )
    brightness = (targets + 2) * 64
    return sound, (
        Fault(
            "ReLU at the end, centred images",
            ("output_activation", "target_scaling"),
            lambda p: p.but(model=lambda: nn.Sequential(_filters(), nn.ReLU())),
            AUTOENCODER,
        ),
        Fault(
            "errors summed over the image, SGD",
            ("loss", "learning_rate"),
            lambda p: p.but(loss=nn.MSELoss(reduction="sum"), optimizer=sgd(0.01)),
            COLOURS,
        ),
        Fault(
            "one pixel in the middle",
            ("architecture",),
            lambda p: p.but(
                model=lambda: nn.Sequential(
                    nn.Conv2d(1, 2, 12), nn.ReLU(), nn.Upsample(scale_factor=12), nn.Conv2d(2, 1, 3, padding=1)
                )
            ),
            AUTOENCODER,
        ),
        Fault(
            "a fifth less of the rate after every batch",
            ("schedule", "learning_rate"),
            lambda p: p.but(decay_each_step=0.8, optimizer=adam(1e-3)),
            "discuss.pytorch.org, a scheduler stepped per batch",
        ),
        Fault(
            "tanh at the end, bytes as targets",
            ("output_activation", "target_scaling"),
            lambda p: p.but(targets=brightness, model=lambda: nn.Sequential(_filters(), nn.Tanh())),
            COLOURS,
        ),
    )


def _filters() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 16, 5, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 1, 3, padding=1),
    )


@cache
def _signals() -> tuple[Tensor, Tensor]:
    """Rows of 20 numbers, and the eight hidden ones that all tasks depend on."""
    draw = np.random.default_rng(65)
    rows = draw.normal(size=(2000, 20))
    hidden = np.tanh(rows @ draw.normal(size=(20, 8)) * 0.7) * np.tanh(rows @ draw.normal(size=(20, 8)) * 0.7)
    return floats(rows), standard(floats(hidden))


@cache
def _trained_body() -> dict[str, Tensor]:
    """Weights of a body that was trained for another task on such rows."""
    rows, hidden = _signals()
    with torch.random.fork_rng():
        torch.manual_seed(3)
        body = _body()
        optimizer = torch.optim.Adam(body.parameters(), lr=3e-3)
        for _ in range(1500):
            at = torch.randint(len(rows), (128,))
            optimizer.zero_grad()
            (body(rows[at]) - hidden[at]).square().mean().backward()
            optimizer.step()
    return body.state_dict()


def _body() -> nn.Sequential:
    return nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 8))


def _tuned(*, loaded: bool = True, frozen: bool = True, last: Model | None = None) -> nn.Sequential:
    """The trained body, frozen, under a new head."""
    body = _body()
    if loaded:
        body.load_state_dict(_trained_body())
    body.requires_grad_(not frozen)
    return nn.Sequential(body, nn.Linear(8, 5), *([last()] if last else []))


def frozen() -> tuple[Program, tuple[Fault, ...]]:
    """A new head of five classes on a body that was trained for another task."""
    rows, hidden = _signals()
    answers = (hidden @ torch.randn(8, 5, generator=torch.Generator().manual_seed(4))).argmax(1)
    sound = Program(
        name="frozen",
        inputs=rows,
        targets=answers,
        model=_tuned,
        loss=nn.CrossEntropyLoss(),
        optimizer=lambda m: torch.optim.Adam([p for p in m.parameters() if p.requires_grad], lr=1e-2),
        score=classified,
        steps=500,
        batch=64,
        held_out=True,
    )
    return sound, (
        Fault(
            "the head replaced after the optimizer was made",
            ("wiring",),
            lambda p: p.but(optimizer=lambda m: torch.optim.Adam(copy.deepcopy(m)[1].parameters(), lr=1e-2)),
            FREEZE,
        ),
        Fault(
            "the body's weights never loaded",
            ("initialization", "wiring"),
            lambda p: p.but(model=lambda: _tuned(loaded=False)),
            COLLAPSE,
        ),
        Fault(
            "the body not frozen, Adam with rate .3",
            ("learning_rate",),
            lambda p: p.but(model=lambda: _tuned(frozen=False), optimizer=adam(0.3)),
            FREEZE,
        ),
        Fault(
            "inputs in another unit than the body knows",
            ("input_scaling",),
            lambda p: p.but(inputs=rows * 100 + 300),
            FREEZE,
        ),
        Fault(
            "head with SGD of rate 1e-4",
            ("learning_rate",),
            lambda p: p.but(optimizer=lambda m: torch.optim.SGD(m[1].parameters(), lr=1e-4)),
            FREEZE,
        ),
    )


class _Twins(nn.Module):
    """The distance between the embeddings of the two halves of a row."""

    def __init__(self, last: nn.Module | None = None) -> None:
        super().__init__()
        self.embed = dense(12, 48, 48, 6)()
        self.last = last if last is not None else nn.Identity()

    def forward(self, pairs: Tensor) -> Tensor:
        left, right = self.embed(pairs[:, 0]), self.embed(pairs[:, 1])
        return self.last(((left - right).square().sum(1, keepdim=True) + 1e-6).sqrt())


class _Contrastive(nn.Module):
    """Small distances where the target is 1, and at least `margin` where it is 0."""

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, distances: Tensor, same: Tensor) -> Tensor:
        return (same * distances.square() + (1 - same) * (self.margin - distances).clamp(min=0).square()).mean()


def _near(cut: float) -> Callable[[Tensor, Tensor], float]:
    """How well pairs are told apart that are nearer than `cut`."""
    return lambda distances, same: told_apart(-cut)(-distances, same)


def twins() -> tuple[Program, tuple[Fault, ...]]:
    """Whether two rows show the same of ten persons."""
    draw = np.random.default_rng(66)
    persons = draw.normal(size=(10, 12))
    left = draw.integers(10, size=2000)
    right = np.where(draw.random(2000) < 0.5, left, draw.integers(10, size=2000))
    pairs = np.stack([persons[left], persons[right]], 1) + draw.normal(0, 0.6, (2000, 2, 12))
    same = floats(left == right)[:, None]
    sound = Program(
        name="twins",
        inputs=floats(pairs),
        targets=same,
        model=_Twins,
        loss=_Contrastive(),
        optimizer=adam(2e-3),
        score=_near(0.5),
        steps=500,
        batch=64,
        held_out=True,
    )
    scales = torch.tensor([1e4, 1e3, 300.0] + [1.0] * 9)
    return sound, (
        Fault(
            "1 for different pairs",
            ("labels", "loss"),
            lambda p: p.but(targets=1 - same, truth=same),
            "github.com/KevinMusgrave/pytorch-metric-learning/issues/549",
        ),
        Fault(
            "sigmoid over the distance, margin of 5",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: _Twins(nn.Sigmoid()), loss=_Contrastive(5.0), score=_near(2.5)),
            DISTANCE,
        ),
        Fault("Adam with rate .5", ("learning_rate",), lambda p: p.but(optimizer=adam(0.5)), MARGIN),
        Fault(
            "columns in their units",
            ("input_scaling",),
            lambda p: p.but(inputs=p.inputs * scales),
            CHECKER,
        ),
        Fault(
            "weights with a deviation of 1e-4",
            ("initialization",),
            lambda p: p.but(model=initialized(_Twins, lambda w: nn.init.normal_(w, std=1e-4)), optimizer=sgd(0.01)),
            COLLAPSE,
        ),
    )
