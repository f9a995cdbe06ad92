"""A training loop as people write them, drawn at random: optimizer, schedule, accumulation, clipping, precision."""

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn

from gradclinic_torch import Recording

from . import pictures, sequences, tables
from .task import Draw, Task

TASKS: tuple[Callable[[Draw], Task], ...] = (
    tables.classes,
    pictures.digits,
    tables.amounts,
    sequences.forecast,
    sequences.language,
    pictures.compressed,
    tables.yes_or_no,
    sequences.signals,
    pictures.masks,
    tables.tags,
    sequences.topics,
    tables.spreads,
    pictures.variational,
    sequences.tokens,
    tables.mixed,
    tables.counts,
    sequences.labelled_words,
    pictures.diffusion,
    tables.ratings,
    pictures.tuned,
    tables.quantiles,
    sequences.graphs,
    tables.distilled,
    pictures.embedded,
    tables.two_tasks,
)
"""In the order in which they are drawn."""
Schedule = torch.optim.lr_scheduler.LRScheduler


@dataclass(frozen=True)
class Habits:
    """How a loop trains, whatever its task."""

    optimizer: str
    rate: float
    decay: float
    groups: bool
    """Whether biases and norms have no weight decay."""
    schedule: str
    batch: int
    parts: int
    """Backward passes for each step."""
    clip: str
    half: bool
    """Whether the forward pass is computed in bfloat16."""
    evaluates: int
    """Steps between two evaluations of the held-out samples; 0 for none."""
    averages: bool
    """Whether a moving average of the weights is kept beside."""
    told: bool
    """Whether the recording is told the number of steps."""
    judged: bool
    """Whether the recording is given the loss as a module."""
    steps: int

    @classmethod
    def drawn(cls, draw: Draw, task: Task) -> "Habits":
        """At random; rates are usual ones of the optimizer."""
        slow = ("SGD", "momentum", "nesterov") if not task.adaptive else ()
        optimizer = draw.choice(("Adam", "Adam", "AdamW", "AdamW", "NAdam", "RAdam", "RMSprop", "Adagrad", *slow))
        low, high = {
            "SGD": (0.05, 0.15),
            "momentum": (0.01, 0.03),
            "nesterov": (0.01, 0.03),
            "RMSprop": (7e-4, 2e-3),
            "Adagrad": (0.015, 0.04),
        }.get(optimizer, (1.5e-3, 5e-3))
        parts = draw.choice((1, 1, 1, 2) if task.dear else (1, 1, 1, 1, 2, 4))
        return cls(
            optimizer=optimizer,
            rate=draw.uniform(low, high) * (task.rate if low < 0.01 else max(1.0, task.rate / 2)),
            decay=draw.choice((0.0, 0.0, 1e-4, 0.01 if optimizer == "AdamW" else 1e-4)),
            groups=draw.random() < 0.2,
            schedule=draw.choice(("none", "none", "cosine", "one cycle", "steps", "warmup", "plateau", "by epoch")),
            batch=draw.choice((16, 32) if task.dear or parts > 1 else (32, 32, 64, 128)),
            parts=parts,
            clip=draw.choice(("none", "none", "none", "norm", "value")),
            half=task.half and draw.random() < 0.2,
            evaluates=draw.choice((0, 25, 50)),
            averages=draw.random() < 0.1,
            told=draw.random() < 0.7,
            judged=draw.random() < 0.8,
            steps=draw.randint(200, 350) if task.dear else draw.randint(300, 600),
        )


@dataclass(frozen=True)
class Seen:
    """What was found of one loop."""

    task: str
    habits: Habits
    number: int
    score: float
    primary: str
    alarms: tuple[str, ...]
    """The conditions that are said to have done harm."""
    summary: str
    """Of the primary finding."""


def optimizer_of(model: nn.Module, habits: Habits) -> torch.optim.Optimizer:
    trained = [each for each in model.parameters() if each.requires_grad]
    groups = [{"params": trained, "weight_decay": habits.decay}]
    if habits.groups:
        wide = [each for each in trained if each.ndim > 1]
        groups = [
            {"params": wide, "weight_decay": habits.decay},
            {"params": [each for each in trained if each.ndim <= 1], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
    if habits.optimizer in ("SGD", "momentum", "nesterov"):
        momentum = 0.0 if habits.optimizer == "SGD" else 0.9
        return torch.optim.SGD(groups, lr=habits.rate, momentum=momentum, nesterov=habits.optimizer == "nesterov")
    found: torch.optim.Optimizer = getattr(torch.optim, habits.optimizer)(groups, lr=habits.rate)
    return found


def schedule_of(optimizer: torch.optim.Optimizer, habits: Habits, *, epoch: int) -> Schedule | None:
    steps, schedules = habits.steps, torch.optim.lr_scheduler
    if habits.schedule == "cosine":
        return schedules.CosineAnnealingLR(optimizer, steps)
    if habits.schedule == "one cycle":
        moves = bool(optimizer.defaults.get("momentum") or optimizer.defaults.get("betas"))
        return schedules.OneCycleLR(optimizer, 2 * habits.rate, total_steps=steps, cycle_momentum=moves)
    if habits.schedule == "steps":
        return schedules.StepLR(optimizer, step_size=steps // 2, gamma=0.3)
    if habits.schedule == "warmup":
        return schedules.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / (steps // 15)))
    if habits.schedule == "by epoch":
        return schedules.LambdaLR(optimizer, lambda step: 0.97 ** (step // epoch))
    return None


def _batches(task: Task, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end: each epoch in another order, with a smaller last one where there are two samples or more."""
    count = len(task.inputs)
    while True:
        for rows in torch.randperm(count).split(batch):
            if len(rows) > 1:
                inputs = task.inputs[rows]
                yield (inputs if task.augment is None else task.augment(inputs)), task.targets[rows]


@torch.no_grad()
def _loss_of(model: nn.Module, task: Task) -> float:
    model.eval()
    found = task.loss(model(task.held_inputs), task.held_targets)
    model.train()
    return float(found)


def run(task: Task, habits: Habits) -> tuple[nn.Module, Recording]:
    """Train with a recording, as its documents show. The first is the model after the training."""
    model, criterion = task.model, task.loss
    optimizer = optimizer_of(model, habits)
    epoch = len(task.inputs) // (habits.batch * habits.parts)
    schedule = schedule_of(optimizer, habits, epoch=max(epoch, 1))
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=4)
    average = copy.deepcopy(model)
    steps = habits.steps if habits.told else None
    batches = _batches(task, habits.batch)
    with Recording(model, optimizer, criterion if habits.judged else None, steps=steps) as recording:
        for step in range(habits.steps):
            optimizer.zero_grad()
            for inputs, targets in islice(batches, habits.parts):
                with torch.autocast("cpu", dtype=torch.bfloat16) if habits.half else nullcontext():
                    loss = criterion(model(inputs), targets) / habits.parts
                loss.backward()
                recording.after_backward(loss)
            if habits.clip == "norm":
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            elif habits.clip == "value":
                nn.utils.clip_grad_value_(model.parameters(), 0.5)
            optimizer.step()
            if schedule is not None:
                schedule.step()
            if habits.averages:
                for kept, new in zip(average.parameters(), model.parameters(), strict=True):
                    kept.data.lerp_(new.data, 0.02)
            if habits.evaluates and step % habits.evaluates == habits.evaluates - 1:
                held = _loss_of(model, task)
                if habits.schedule == "plateau":
                    plateau.step(held)
    return model, recording


def trained(number: int, *, seed: int) -> Seen:
    """The loop of this number: its task, habits and weights are drawn by the seed."""
    draw = random.Random(f"{seed}, {number}")
    make = TASKS[number % len(TASKS)]
    torch.manual_seed(draw.randrange(2**31))
    task = make(draw)
    habits = Habits.drawn(draw, task)
    model, recording = run(task, habits)
    with torch.no_grad():
        outputs = model.eval()(task.held_inputs)
    score, diagnosis = task.score(outputs, task.held_targets), recording.diagnosis()
    alarms = tuple(finding.condition for finding in diagnosis.findings if finding.harm)
    return Seen(make.__name__, habits, number, score, diagnosis.primary, alarms, diagnosis.findings[0].summary)
