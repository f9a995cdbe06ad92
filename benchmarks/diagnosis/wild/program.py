"""A training program: what it trains, on what, how; and the faults that can be added to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from gradclinic.diagnosis import Diagnosis, diagnose
from gradclinic.kernel.vocabulary import Blame
from gradclinic.measurements.origin import NonFiniteOrigin, Where
from gradclinic_torch import Recording

Model = Callable[[], nn.Module]
Optimizing = Callable[[nn.Module], torch.optim.Optimizer]


@dataclass(frozen=True, kw_only=True)
class Program:
    """A training loop as a person writes it."""

    name: str
    inputs: Tensor
    targets: Tensor
    model: Model
    loss: nn.Module
    optimizer: Optimizing
    score: Callable[[Tensor, Tensor], float]
    """How good outputs are, whatever the loss: 0 is as good as a constant, 1 is perfect."""
    truth: Tensor | None = None
    """The targets for the score, if a fault changed the targets of the training."""
    steps: int = 600
    batch: int = 32
    clears: bool = True
    """Whether gradients are cleared before each backward pass."""
    clears_late: bool = False
    """Whether gradients are cleared between the backward pass and the step, so that none is left to apply."""
    shuffles: bool = True
    """Whether each epoch has the samples in another order."""
    evaluates: bool = False
    """Whether the model stays in evaluation mode."""
    clip: float | None = None
    decay_each_step: float = 1.0
    """The learning rate is multiplied by this after every step."""
    held_out: bool = False
    """Whether it is held out: it was first run after the rules were fixed."""

    def but(self, **changes: object) -> "Program":
        """The same program, changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Origin:
    """Where the first number of a training that was not finite stood."""

    where: Where
    operation: str | None = None
    """The operation that made it; None where it came with the data, or from the optimizer's step."""
    module: str | None = None
    """The module whose own operation it was, and None for the loss and the data."""

    def is_named_by(self, named: NonFiniteOrigin | None) -> bool:
        """Whether an origin that was found is this one."""
        return (
            named is not None
            and named.where == self.where
            and self.operation in {None, named.operation and named.operation.strip("_")}
            and self.module in {None, named.module or ""}
        )


@dataclass(frozen=True)
class Fault:
    """A fault in a program."""

    name: str
    kinds: tuple[Blame, ...]
    """The parts of the training that are at fault; naming any of them is correct."""
    put_into: Callable[[Program], Program]
    source: str
    """Where such a fault was reported."""
    origin: Origin | None = None
    """Where its first number that is not finite stands, if that is part of what is to be found."""


@dataclass(frozen=True)
class Trained:
    """The result of a program."""

    diagnosis: Diagnosis
    peers: Mapping[str, Diagnosis]
    score: float
    origin: NonFiniteOrigin | None
    """Where the first number that was not finite was found to stand."""


def train(program: Program, *, seed: int = 0, rule_sets: Sequence[str] = ()) -> Trained:
    """Trains with a recording, as the README shows; without a probe or `constant_loss`."""
    torch.manual_seed(seed)
    model = program.model()
    optimizer = program.optimizer(model)
    model.train(not program.evaluates)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, program.decay_each_step)
    count = len(program.inputs)
    with Recording(model, optimizer, program.loss, steps=program.steps) as recording:
        order = torch.randperm(count)
        for step in range(program.steps):
            start = step * program.batch % count
            if start + program.batch > count or not start:
                order, start = torch.randperm(count) if program.shuffles else torch.arange(count), 0
            rows = order[start : start + program.batch]
            if program.clears:
                optimizer.zero_grad()
            loss = program.loss(model(program.inputs[rows]), program.targets[rows])
            loss.backward()
            recording.after_backward(loss)
            if program.clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), program.clip)
            if program.clears_late:
                optimizer.zero_grad()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        outputs = model.eval()(program.inputs)
    truth = program.targets if program.truth is None else program.truth
    peers = {rule_set: diagnose(recording.record, rule_set=rule_set) for rule_set in rule_sets}
    outcome = recording.record.outcome
    origin = None if outcome is None else outcome.nonfinite_origin
    return Trained(recording.diagnosis(), peers, program.score(outputs, truth), origin)
