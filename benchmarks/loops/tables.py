"""Tasks with a row of numbers, or of categories, for each sample."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .task import Draw, Function, Task, accuracy, columns, dense, explained, separated, smooth, split


def classes(draw: Draw) -> Task:
    """Which of some classes a row belongs to."""
    many, wide = draw.choice((2, 3, 5, 8)), draw.randint(6, 20)
    rows = columns(draw, draw.choice((800, 1600, 3000)), wide)
    targets = (3 * smooth(draw, rows, many) + 0.3 * torch.randn(len(rows), many)).argmax(1)
    kind = draw.choice(("plain", "plain", "smoothed", "weighted", "nll", "margin"))
    model: nn.Module = dense(draw, wide, many)
    loss: nn.Module = nn.CrossEntropyLoss(label_smoothing=0.1 if kind == "smoothed" else 0.0)
    if kind == "weighted":
        counts = torch.bincount(targets, minlength=many).clamp(min=1).float()
        loss = nn.CrossEntropyLoss(weight=len(targets) / (many * counts))
    elif kind == "nll":
        model, loss = nn.Sequential(model, nn.LogSoftmax(dim=1)), nn.NLLLoss()
    elif kind == "margin":
        loss = nn.MultiMarginLoss()
    return Task(**split(rows, targets), model=model, loss=loss, score=accuracy(many))


def yes_or_no(draw: Draw) -> Task:
    """Whether something happens, which it does in a tenth to a half of the rows."""
    wide = draw.randint(6, 20)
    rows = columns(draw, draw.choice((1000, 2000, 3000)), wide)
    truth = smooth(draw, rows, 1) + 0.2 * torch.randn(len(rows), 1)
    share = draw.uniform(0.15, 0.5)
    targets = (truth > truth.quantile(1 - share)).float()
    model: nn.Module = dense(draw, wide, 1)
    loss: nn.Module = nn.BCEWithLogitsLoss()
    if share < 0.3:
        loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor((1 - share) / share))
    elif draw.random() < 0.3:
        model, loss = nn.Sequential(model, nn.Sigmoid()), nn.BCELoss()
        return Task(
            **split(rows, targets),
            model=model,
            loss=loss,
            score=lambda outputs, known: separated(outputs - 0.5, known),
            half=False,
        )
    if draw.random() < 0.4:
        model, targets = nn.Sequential(model, nn.Flatten(0)), targets[:, 0]
    return Task(**split(rows, targets), model=model, loss=loss, score=separated)


def tags(draw: Draw) -> Task:
    """Which of several things are true of a row."""
    wide, many = draw.randint(8, 20), draw.randint(3, 8)
    rows = columns(draw, 2000, wide)
    targets = (smooth(draw, rows, many) + 0.2 * torch.randn(len(rows), many) > 0.4).float()
    loss = draw.choice((nn.BCEWithLogitsLoss, nn.MultiLabelSoftMarginLoss))()
    return Task(**split(rows, targets), model=dense(draw, wide, many), loss=loss, score=separated, rate=1.5)


def amounts(draw: Draw) -> Task:
    """One to three amounts, with some noise."""
    wide, many = draw.randint(4, 16), draw.choice((1, 1, 2, 3))
    rows = columns(draw, draw.choice((800, 1500, 3000)), wide)
    targets = smooth(draw, rows, many) + draw.choice((0.0, 0.1, 0.3)) * torch.randn(len(rows), many)
    loss = draw.choice((nn.MSELoss, nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss))()
    return Task(**split(rows, targets), model=dense(draw, wide, many, noisy=False), loss=loss, score=explained)


def spreads(draw: Draw) -> Task:
    """An amount and how sure it is: a Gaussian likelihood of the loop's own."""
    wide = draw.randint(4, 12)
    rows = columns(draw, 2000, wide)
    spread = 0.15 + 0.2 * torch.rand(len(rows), 1)
    targets = smooth(draw, rows, 1) + spread * torch.randn(len(rows), 1)

    def likelihood(outputs: Tensor, known: Tensor) -> Tensor:
        mean, log_variance = outputs.chunk(2, dim=1)
        return 0.5 * (log_variance + (known - mean) ** 2 * (-log_variance).exp()).mean()

    return Task(
        **split(rows, targets),
        model=dense(draw, wide, 2, noisy=False),
        loss=Function(likelihood),
        score=lambda outputs, known: explained(outputs[:, :1], known),
        adaptive=True,
        half=False,
    )


def counts(draw: Draw) -> Task:
    """How often something happens: Poisson."""
    wide = draw.randint(4, 12)
    rows = columns(draw, 3000, wide)
    logs = 1.0 + 0.8 * smooth(draw, rows, 1).clamp(-2.5, 2.5)
    targets = torch.poisson(logs.exp())

    def score(outputs: Tensor, known: Tensor) -> float:
        best = functional.poisson_nll_loss(logs[-len(known) :], known)
        average = functional.poisson_nll_loss(known.mean().log().expand_as(known), known)
        return float((average - functional.poisson_nll_loss(outputs, known)) / (average - best))

    return Task(
        **split(rows, targets),
        model=dense(draw, wide, 1),
        loss=nn.PoissonNLLLoss(),
        score=score,
        adaptive=True,
        rate=1.5,
    )


def quantiles(draw: Draw) -> Task:
    """The 10 %, 50 % and 90 % quantiles of an amount: a pinball loss."""
    wide, levels = draw.randint(4, 10), torch.tensor([0.1, 0.5, 0.9])
    rows = columns(draw, 2500, wide)
    targets = smooth(draw, rows, 1) + 0.2 * torch.randn(len(rows), 1)

    def pinball(outputs: Tensor, known: Tensor) -> Tensor:
        over = known - outputs
        return torch.maximum(levels * over, (levels - 1) * over).mean()

    return Task(
        **split(rows, targets),
        model=dense(draw, wide, 3, noisy=False),
        loss=Function(pinball),
        score=lambda outputs, known: explained(outputs[:, 1:2], known),
        adaptive=True,
    )


def distilled(draw: Draw) -> Task:
    """A small network imitates the probabilities of a large one."""
    wide, many, heat = draw.randint(6, 16), draw.randint(3, 6), draw.choice((1.0, 2.0, 4.0))
    rows = columns(draw, 2500, wide)
    targets = (3 * smooth(draw, rows, many) / heat).softmax(1)

    def distance(outputs: Tensor, known: Tensor) -> Tensor:
        return heat**2 * functional.kl_div((outputs / heat).log_softmax(1), known, reduction="batchmean")

    best = accuracy(many)
    return Task(
        **split(rows, targets),
        model=dense(draw, wide, many),
        loss=Function(distance),
        score=lambda outputs, known: best(outputs, known.argmax(1)),
    )


class _Ratings(nn.Module):
    """A product of two vectors and two biases."""

    def __init__(self, people: int, things: int, width: int) -> None:
        super().__init__()
        self.people, self.things = nn.Embedding(people, width), nn.Embedding(things, width)
        self.biases = nn.ModuleList([nn.Embedding(people, 1), nn.Embedding(things, 1)])
        for table in (self.people, self.things):
            nn.init.normal_(table.weight, std=0.3)
        for bias in self.biases:
            nn.init.zeros_(bias.weight)

    def forward(self, pairs: Tensor) -> Tensor:
        person, thing = pairs.unbind(1)
        product = (self.people(person) * self.things(thing)).sum(1)
        found: Tensor = product + self.biases[0](person)[:, 0] + self.biases[1](thing)[:, 0]
        return found


def ratings(draw: Draw) -> Task:
    """How people like things, of whom only the number is known."""
    torch.manual_seed(draw.randrange(2**31))
    people, things, width = 60, 40, 4
    tastes = torch.randn(people, width) @ torch.randn(width, things) / 2 + torch.randn(people, 1) / 2
    pairs = torch.stack([torch.randint(people, (6000,)), torch.randint(things, (6000,))], dim=1)
    targets = tastes[pairs[:, 0], pairs[:, 1]] + 0.1 * torch.randn(6000)
    model = _Ratings(people, things, draw.choice((8, 16)))
    return Task(
        **split(pairs, targets), model=model, loss=nn.MSELoss(), score=explained, rate=6.0, adaptive=True, half=False
    )


class _Mixed(nn.Module):
    """Categories by embeddings beside numbers, into an MLP."""

    def __init__(self, sizes: list[int], numbers: int, body: nn.Module) -> None:
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(size, 6) for size in sizes])
        self.numbers, self.norm, self.body = numbers, nn.BatchNorm1d(numbers), body

    def forward(self, rows: Tensor) -> Tensor:
        codes = rows[:, self.numbers :].long()
        known = [table(codes[:, column]) for column, table in enumerate(self.tables)]
        found: Tensor = self.body(torch.cat([self.norm(rows[:, : self.numbers]), *known], dim=1))
        return found


def mixed(draw: Draw) -> Task:
    """Numbers as they are beside categories, of which the price depends."""
    numbers, sizes = draw.randint(3, 8), [draw.randint(4, 12) for _ in range(draw.randint(1, 3))]
    rows = columns(draw, 2500, numbers)
    codes = torch.stack([torch.randint(size, (2500,)) for size in sizes], dim=1)
    effects = sum(torch.randn(size)[codes[:, column]] for column, size in enumerate(sizes))
    truth = smooth(draw, rows, 1) + effects[:, None]
    truth = (truth - truth.mean()) / truth.std()
    model = _Mixed(sizes, numbers, dense(draw, numbers + 6 * len(sizes), 1))
    return Task(
        **split(torch.cat([rows, codes.float()], dim=1), truth),
        model=model,
        loss=draw.choice((nn.MSELoss, nn.SmoothL1Loss))(),
        score=explained,
        half=False,
    )


class _Heads(nn.Module):
    """One body with two heads."""

    def __init__(self, body: nn.Module, width: int, many: int) -> None:
        super().__init__()
        self.body, self.amount, self.kind = body, nn.Linear(width, 1), nn.Linear(width, many)

    def forward(self, rows: Tensor) -> Tensor:
        shared = self.body(rows).relu()
        return torch.cat([self.amount(shared), self.kind(shared)], dim=1)


def two_tasks(draw: Draw) -> Task:
    """An amount and a class from one network, whose losses are added."""
    wide, many, share = draw.randint(6, 14), draw.randint(3, 5), draw.choice((0.5, 1.0))
    rows = columns(draw, 2500, wide)
    amount, kind = smooth(draw, rows, 1), (3 * smooth(draw, rows, many)).argmax(1)

    def both(outputs: Tensor, known: Tensor) -> Tensor:
        squared = functional.mse_loss(outputs[:, 0], known[:, 0])
        return share * squared + functional.cross_entropy(outputs[:, 1:], known[:, 1].long())

    def score(outputs: Tensor, known: Tensor) -> float:
        right = accuracy(many)(outputs[:, 1:], known[:, 1].long())
        return min(right, explained(outputs[:, :1], known[:, :1]))

    return Task(
        **split(rows, torch.cat([amount, kind[:, None].float()], dim=1)),
        model=_Heads(dense(draw, wide, 48), 48, many),
        loss=Function(both),
        score=score,
    )
