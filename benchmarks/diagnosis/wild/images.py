"""Programs on images: digits through convolutions, a residual network, an autoencoder."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from .parts import DEEPCRIME, FORUM, adam, classified, dense, explained, initialized, large, sgd, shuffled, zeros
from .program import Fault, Program


def _digits() -> tuple[Tensor, Tensor]:
    found = load_digits()
    pixels = torch.tensor(found.images, dtype=torch.float32)[:, None] / 16.0
    return pixels, torch.tensor(found.target)


def _convolutions(*, hidden: type[nn.Module] = nn.ReLU, last: nn.Module | None = None) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        hidden(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        hidden(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 64),
        hidden(),
        nn.Linear(64, 10),
        *([last] if last is not None else []),
    )


def digits() -> tuple[Program, tuple[Fault, ...]]:
    """Which digit: a small convolutional network, cross entropy."""
    pixels, kinds = _digits()
    sound = Program(
        name="digits",
        inputs=pixels,
        targets=kinds,
        model=_convolutions,
        loss=nn.CrossEntropyLoss(),
        optimizer=adam(1e-3),
        score=classified,
    )
    grey = pixels * 4080.0
    return sound, (
        Fault(
            "pixels of 0 to 4080 under SGD",
            ("input_scaling",),
            lambda p: p.but(inputs=grey, optimizer=sgd(0.05, momentum=0.9)),
            FORUM,
        ),
        Fault(
            "softmax before cross entropy",
            ("output_activation", "loss"),
            lambda p: p.but(model=lambda: _convolutions(last=nn.Softmax(1)), optimizer=sgd(0.01)),
            FORUM,
        ),
        Fault(
            "ReLU after the last layer, rate .05",
            ("output_activation", "learning_rate"),
            lambda p: p.but(model=lambda: _convolutions(last=nn.ReLU()), optimizer=adam(0.02)),
            FORUM,
        ),
        Fault("Adam with rate .3", ("learning_rate",), lambda p: p.but(optimizer=adam(0.3)), DEEPCRIME),
        Fault(
            "SGD with rate 1e-4",
            ("learning_rate", "optimizer", "steps"),
            lambda p: p.but(optimizer=sgd(1e-4)),
            DEEPCRIME,
        ),
        Fault("fifteen steps", ("steps",), lambda p: p.but(steps=15), DEEPCRIME),
        Fault(
            "sigmoids under SGD",
            ("hidden_activation", "optimizer"),
            lambda p: p.but(model=lambda: _convolutions(hidden=nn.Sigmoid), optimizer=sgd(0.05)),
            FORUM,
        ),
        Fault("weights of zero", ("initialization",), lambda p: p.but(model=initialized(p.model, zeros)), DEEPCRIME),
        Fault(
            "weights of one deviation",
            ("initialization",),
            lambda p: p.but(model=initialized(p.model, large), optimizer=sgd(0.1)),
            DEEPCRIME,
        ),
        Fault(
            "labels shuffled",
            ("labels", "data"),
            lambda p: p.but(
                targets=shuffled(p.targets),
                truth=kinds,
            ),
            DEEPCRIME,
        ),
        Fault(
            "LogSoftmax and NLL without a log",
            ("loss", "output_activation"),
            lambda p: p.but(model=lambda: _convolutions(last=nn.Softmax(1)), loss=nn.NLLLoss(), optimizer=sgd(1e-3)),
            FORUM,
        ),
    )


class _Block(nn.Module):
    def __init__(self, width: int, *, normed: bool, scale: float) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width) if normed else nn.Identity(),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width) if normed else nn.Identity(),
        )
        self.scale = scale

    def forward(self, values: Tensor) -> Tensor:
        return (values + self.scale * self.inner(values)).relu()


def _residual(*, normed: bool = True, scale: float = 1.0, blocks: int = 4) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16) if normed else nn.Identity(),
        nn.ReLU(),
        *(_Block(16, normed=normed, scale=scale) for _ in range(blocks)),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def residual() -> tuple[Program, tuple[Fault, ...]]:
    """Which digit: a residual network with batch norms."""
    pixels, kinds = _digits()
    sound = Program(
        name="residual",
        inputs=pixels,
        targets=kinds,
        model=_residual,
        loss=nn.CrossEntropyLoss(),
        optimizer=sgd(0.05, momentum=0.9),
        score=classified,
        steps=400,
    )
    return sound, (
        Fault("batches of two", ("batch_size", "normalization"), lambda p: p.but(batch=2), FORUM),
        Fault(
            "evaluation mode while training",
            ("wiring", "normalization"),
            lambda p: p.but(evaluates=True, optimizer=sgd(0.5, momentum=0.9)),
            FORUM,
        ),
        Fault(
            "no norms, weights of one deviation",
            ("normalization", "initialization", "architecture"),
            lambda p: p.but(
                model=initialized(lambda: _residual(normed=False, blocks=8), lambda w: nn.init.normal_(w, std=0.3))
            ),
            FORUM,
        ),
        Fault("rate of 100", ("learning_rate",), lambda p: p.but(optimizer=sgd(100.0, momentum=0.9)), DEEPCRIME),
        Fault("rate of 1e-6", ("learning_rate",), lambda p: p.but(optimizer=sgd(1e-6, momentum=0.9)), DEEPCRIME),
        Fault(
            "decay of .5",
            ("regularization",),
            lambda p: p.but(optimizer=sgd(0.05, momentum=0.9, decay=0.5)),
            DEEPCRIME,
        ),
        Fault("ten steps", ("steps",), lambda p: p.but(steps=10, optimizer=sgd(0.005, momentum=0.9)), DEEPCRIME),
    )


def autoencoder() -> tuple[Program, tuple[Fault, ...]]:
    """Digits through 16 numbers and back: mean squared error."""
    pixels = _digits()[0].flatten(1)
    sound = Program(
        name="autoencoder",
        inputs=pixels,
        targets=pixels,
        model=dense(64, 48, 16, 48, 64),
        loss=nn.MSELoss(),
        optimizer=adam(3e-3),
        score=explained,
        steps=1000,
    )
    centred = (pixels - pixels.mean(0)) * 2
    return sound, (
        Fault(
            "sigmoid at the end of centred pixels",
            ("output_activation", "target_scaling"),
            lambda p: p.but(targets=centred, model=dense(64, 48, 16, 48, 64, last=nn.Sigmoid)),
            FORUM,
        ),
        Fault("code of one unit", ("architecture",), lambda p: p.but(model=dense(64, 48, 1, 48, 64)), DEEPCRIME),
        Fault(
            "ReLU at the end of centred pixels",
            ("output_activation",),
            lambda p: p.but(targets=centred, model=dense(64, 48, 16, 48, 64, last=nn.ReLU)),
            FORUM,
        ),
        Fault(
            "ten sigmoid layers",
            ("hidden_activation", "architecture"),
            lambda p: p.but(model=dense(64, *[48] * 10, 64, hidden=nn.Sigmoid)),
            FORUM,
        ),
        Fault(
            "SGD with rate .001",
            ("learning_rate", "optimizer", "steps"),
            lambda p: p.but(optimizer=sgd(1e-3)),
            DEEPCRIME,
        ),
        Fault("Adam with rate .5", ("learning_rate",), lambda p: p.but(optimizer=adam(0.5)), DEEPCRIME),
    )
