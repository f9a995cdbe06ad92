"""Tasks of small pictures: classes, masks, what they are made of, and which of them are alike."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from .task import ACTIVATIONS, Draw, Function, Lambda, Residual, Task, accuracy, explained, split


def _handwritten(draw: Draw) -> tuple[Tensor, Tensor]:
    """Digits between 0 and 1, in random order. [1797, 1, 8, 8] and [1797]."""
    found = load_digits()
    order = torch.randperm(len(found.target), generator=torch.Generator().manual_seed(draw.randrange(2**31)))
    pictures = torch.tensor(found.data, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    return pictures[order], torch.tensor(found.target)[order]


def _shifted(pictures: Tensor) -> Tensor:
    up, left = (int(each) for each in torch.randint(-1, 2, (2,)))
    return torch.roll(pictures, (up, left), dims=(2, 3))


def _noisy(pictures: Tensor) -> Tensor:
    return pictures + 0.1 * torch.randn_like(pictures)


def _norm(draw: Draw, width: int) -> list[nn.Module]:
    return draw.choice(([nn.BatchNorm2d(width)], [nn.BatchNorm2d(width)], [nn.GroupNorm(4, width)], []))


def digits(draw: Draw) -> Task:
    """Which digit it is: a CNN, plain or residual, pooled or flattened."""
    pictures, targets = _handwritten(draw)
    if draw.random() < 0.6:
        pictures = (pictures - pictures.mean()) / pictures.std()
    width, act = draw.choice((12, 16)), draw.choice(ACTIVATIONS)
    layers: list[nn.Module] = [nn.Conv2d(1, width, 3, padding=1), *_norm(draw, width), act()]
    for _ in range(draw.randint(1, 3)):
        inner = [nn.Conv2d(width, width, 3, padding=1), *_norm(draw, width), act()]
        layers += [Residual(*inner)] if draw.random() < 0.5 else inner
    layers.append(draw.choice((nn.MaxPool2d, nn.AvgPool2d))(2))
    pooled = draw.random() < 0.3
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if pooled else [nn.Flatten()]
    if draw.random() < 0.4:
        layers.append(nn.Dropout(0.25))
    layers.append(nn.Linear(width * (1 if pooled else 16), 10))
    loss = nn.CrossEntropyLoss(label_smoothing=draw.choice((0.0, 0.0, 0.1)))
    augment = draw.choice((None, None, _noisy, _shifted))
    return Task(
        **split(pictures, targets),
        model=nn.Sequential(*layers),
        loss=loss,
        score=accuracy(10),
        augment=augment,
        adaptive=pooled,
        dear=True,
    )


def _overlap(outputs: Tensor, targets: Tensor) -> float:
    said, truth = outputs > 0, targets > 0.5
    return float((said & truth).sum() / (said | truth).sum().clamp(min=1))


def _dice(outputs: Tensor, targets: Tensor) -> Tensor:
    said = outputs.sigmoid()
    common = (said * targets).sum((1, 2, 3))
    dice = 1 - ((2 * common + 1) / (said.sum((1, 2, 3)) + targets.sum((1, 2, 3)) + 1)).mean()
    return dice + functional.binary_cross_entropy_with_logits(outputs, targets)


class _Net(nn.Module):
    """Down, and up again beside what was seen on the way."""

    def __init__(self, width: int, norm: list[nn.Module]) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), *norm, nn.ReLU())
        self.deep = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(width, width, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(width, width, 2, stride=2)
        self.out = nn.Sequential(nn.Conv2d(2 * width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        seen = self.down(pictures)
        found: Tensor = self.out(torch.cat([seen, self.up(self.deep(seen))], dim=1))
        return found


def masks(draw: Draw) -> Task:
    """Where bright discs lie in noisy pictures."""
    torch.manual_seed(draw.randrange(2**31))
    places = torch.arange(16.0)
    centres, radii = torch.rand(500, 2, 1, 1) * 10 + 3, torch.rand(500, 1, 1) * 3 + 2
    discs = (places[:, None] - centres[:, 0]) ** 2 + (places[None] - centres[:, 1]) ** 2 < radii**2
    truth = discs.float()[:, None]
    pictures = truth + draw.choice((0.3, 0.5)) * torch.randn(truth.shape)
    loss: nn.Module = draw.choice((nn.BCEWithLogitsLoss(), Function(_dice)))
    width = draw.choice((8, 12))
    model = _Net(width, draw.choice(([nn.BatchNorm2d(width)], [])))
    return Task(**split(pictures, truth), model=model, loss=loss, score=_overlap, adaptive=True, dear=True)


def compressed(draw: Draw) -> Task:
    """An autoencoder of digits: dense or of convolutions, squared error or cross entropy, with or without noise."""
    pictures, _ = _handwritten(draw)
    code = draw.choice((8, 12, 16))
    noise = draw.choice((None, None, _noisy))
    likely = draw.random() < 0.4
    act = draw.choice((nn.ReLU, nn.GELU, nn.ELU))
    if draw.random() < 0.5:
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 48), act(), nn.Linear(48, code))
        decoder = nn.Sequential(nn.Linear(code, 48), act(), nn.Linear(48, 64), nn.Unflatten(1, (1, 8, 8)))
    else:
        encoder = nn.Sequential(nn.Conv2d(1, 12, 3, stride=2, padding=1), act(), nn.Flatten(), nn.Linear(192, code))
        decoder = nn.Sequential(
            nn.Linear(code, 192),
            act(),
            nn.Unflatten(1, (12, 4, 4)),
            nn.ConvTranspose2d(12, 12, 2, stride=2),
            act(),
            nn.Conv2d(12, 1, 3, padding=1),
        )
    end: list[nn.Module] = [nn.Sigmoid()] if not likely and draw.random() < 0.5 else []
    loss = nn.BCEWithLogitsLoss() if likely else nn.MSELoss()
    return Task(
        **split(pictures, pictures),
        model=nn.Sequential(encoder, decoder, *end),
        loss=loss,
        score=lambda outputs, known: explained(outputs.sigmoid() if likely else outputs, known),
        augment=noise,
        adaptive=True,
        rate=1.5,
    )


class _Variational(nn.Module):
    """An encoder of means and logarithms of variances, a draw, a decoder; all three results side by side."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2 * code))
        self.decoder = nn.Sequential(nn.Linear(code, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, pictures: Tensor) -> Tensor:
        mean, log_variance = self.encoder(pictures).chunk(2, dim=1)
        drawn = mean + (0.5 * log_variance).exp() * torch.randn_like(mean) if self.training else mean
        return torch.cat([self.decoder(drawn), mean, log_variance], dim=1)


def variational(draw: Draw) -> Task:
    """A variational autoencoder of digits, with the usual loss."""
    pictures, _ = _handwritten(draw)
    code, share = draw.choice((6, 10)), draw.choice((0.1, 0.3, 0.5))

    def bound(outputs: Tensor, known: Tensor) -> Tensor:
        shown, mean, log_variance = outputs[:, :64], *outputs[:, 64:].chunk(2, dim=1)
        error = functional.binary_cross_entropy_with_logits(shown, known.flatten(1), reduction="none").sum(1)
        apart = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1)
        return (error + share * apart).mean()

    return Task(
        **split(pictures, pictures),
        model=_Variational(code),
        loss=Function(bound),
        score=lambda outputs, known: explained(outputs[:, :64].sigmoid(), known.flatten(1)) / 0.7,
        adaptive=True,
        rate=2.0,
        half=False,
    )


class _Denoiser(nn.Module):
    """Predicts the noise of a picture, of whose last channel every pixel is the time."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, width, 3, padding=1),
            nn.SiLU(),
            Residual(nn.GroupNorm(4, width), nn.Conv2d(width, width, 3, padding=1), nn.SiLU()),
            Residual(nn.GroupNorm(4, width), nn.Conv2d(width, width, 3, padding=1), nn.SiLU()),
            nn.Conv2d(width, 1, 3, padding=1),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        found: Tensor = self.body(pictures)
        return found


def diffusion(draw: Draw) -> Task:
    """The noise that was added to digits, more or less of it by a time between 0 and 1."""
    pictures, _ = _handwritten(draw)
    pictures = torch.cat([2 * pictures - 1] * 2)
    time = torch.rand(len(pictures), 1, 1, 1) * 0.9 + 0.1
    noise = torch.randn(pictures.shape)
    seen = (1 - time**2).sqrt() * pictures + time * noise
    inputs = torch.cat([seen, time.expand_as(seen)], dim=1)
    model = _Denoiser(draw.choice((12, 16)))
    return Task(**split(inputs, noise), model=model, loss=nn.MSELoss(), score=explained, adaptive=True, dear=True)


def embedded(draw: Draw) -> Task:
    """Vectors of digits, of which those of one class are alike: a contrastive loss over the batch."""
    pictures, targets = _handwritten(draw)
    heat = draw.choice((0.1, 0.2, 0.5))

    def contrast(outputs: Tensor, known: Tensor) -> Tensor:
        alike = outputs @ outputs.mT / heat
        itself = torch.eye(len(known), dtype=torch.bool)
        chances = alike.masked_fill(itself, float("-inf")).log_softmax(1)
        partners = (known[:, None] == known[None]) & ~itself
        return -(chances.masked_fill(~partners, 0).sum(1) / partners.sum(1).clamp(min=1)).mean()

    def score(outputs: Tensor, known: Tensor) -> float:
        """How much of whether two digits are the same the likeness of their vectors explains."""
        pairs = torch.ones(len(known), len(known), dtype=torch.bool).triu(1)
        same = (known[:, None] == known[None])[pairs].float()
        return float(torch.corrcoef(torch.stack([(outputs @ outputs.mT)[pairs], same]))[0, 1] ** 2) / 0.8

    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Linear(64, 32),
        Lambda(lambda x: functional.normalize(x, dim=1)),
    )
    return Task(
        **split(pictures, targets), model=model, loss=Function(contrast), score=score, adaptive=True, half=False
    )


def tuned(draw: Draw) -> Task:
    """Digits again, from a network that learned a few of them before: its first layers are frozen, or all are tuned."""
    pictures, targets = _handwritten(draw)
    torch.manual_seed(draw.randrange(2**31))
    body = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 64))
    model = nn.Sequential(body, nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    few = targets < 5
    for _ in range(60):
        rows = torch.randint(int(few.sum()), (64,))
        optimizer.zero_grad()
        functional.cross_entropy(model(pictures[few][rows]), targets[few][rows]).backward()
        optimizer.step()
    optimizer.zero_grad()
    model[2] = nn.Linear(64, 10)
    if draw.random() < 0.6:
        for parameter in body.parameters():
            parameter.requires_grad_(False)  # noqa: FBT003  # as everybody writes it
    return Task(**split(pictures, targets), model=model, loss=nn.CrossEntropyLoss(), score=accuracy(10), adaptive=True)
