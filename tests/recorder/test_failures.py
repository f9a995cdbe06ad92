"""A failure of any function that runs inside of a training, one after the other, leaves the training as it is."""

import copy
import logging
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gradclinic_torch
from gradclinic_torch import Recording, watch

from .loops import digits, mlp, probe, same, weights_of
from .model.test_attention import Small

pytestmark = pytest.mark.slow

HOME = str(Path(gradclinic_torch.__file__).parent)
GUARDS = {
    "Recording._safely",
    "Watch.guarded",
    "SideLook.do",
    "SideLook.ask",
    "Harmless.__call__",
}
"""Functions that call others and catch what they raise."""
CALLED_FROM_OUTSIDE = {
    "Recording.after_backward",
    "Recording.finish",
    "TrainingHooks.__init__.<locals>.<lambda>",
    "TrainingHooks.after_backward",
    "TrainingHooks.after_multiplied",
    "TrainingHooks._called",
    "TrainingHooks._returned",
    "TrainingHooks._saw_targets",
    "TrainingHooks._saw_targets.<locals>.<lambda>",
    "TrainingHooks._before_step",
    "TrainingHooks._stepped",
    "TrainingHooks._before_step.<locals>.look",
    "Watch._hook.<locals>.before",
    "Watch._hook.<locals>.after",
    "Taps._catch.<locals>.<lambda>",
    "LossWatch.__init__.<locals>.<lambda>",
    "LossWatch._hook.<locals>.<lambda>",
    "LossWatch._hook_module.<locals>.look",
    "LossWatch._begun.<locals>.<lambda>",
    "LossWatch._begun.<locals>.<lambda>.<locals>.<lambda>",
    "followed.<locals>.closure",
    "OutsideGraph.__call__",
}
"""Functions that torch or the program calls, and that do nothing themselves but call others through a guard."""
KEEP_OR_REMOVE = {
    "Discovery.leaves.<locals>.<lambda>",
    "LossGradient.saw.<locals>.take",
    "LastBatch._came_back",
    "Recording._leave",
    "TrainingHooks.close",
    "LossWatch.close",
    "is_transformed",
    "is_within_backward",
}
"""Functions that only keep a gradient, only remove hooks, or only ask torch what this thread does."""
STEPS = 7


class Injected(Exception):
    pass


class Nothing:
    """A recording that does nothing."""

    def after_backward(self, loss: Tensor) -> None: ...
    def finish(self) -> None: ...


Record = Callable[..., Any]
Program = Callable[[Record], list[Tensor]]


def trained(
    record: Record, model: nn.Module, batches: Any, *, criterion: Any = None, rate: float = 0.1, **options: Any
) -> list[Tensor]:
    criterion = criterion or nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    recording = record(model, optimizer, criterion, dense_until=2, full_every=3, **options)
    for inputs, targets in batches:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()
    recording.finish()
    return weights_of(model)


def dense(record: Record) -> list[Tensor]:
    return trained(record, mlp(depth=2, act=nn.ReLU), digits(steps=STEPS), steps=STEPS)


def probed(record: Record) -> list[Tensor]:
    return trained(record, mlp(depth=2, act=nn.ReLU), digits(steps=STEPS), probe=probe())


def convolutional(record: Record) -> list[Tensor]:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.1), nn.Flatten(), nn.LazyLinear(10)
    )
    model(torch.zeros(2, 1, 8, 8))
    return trained(record, model, digits(steps=STEPS, image=True))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells, self.last = nn.LSTM(8, 6, batch_first=True), nn.Linear(6, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = self.last(self.cells(inputs.reshape(len(inputs), 8, 8))[0][:, -1])
        return found


def recurrent(record: Record) -> list[Tensor]:
    return trained(record, Recurrent(), digits(steps=STEPS))


def attending(record: Record) -> list[Tensor]:
    words = [torch.randint(11, (4, 6), generator=torch.Generator().manual_seed(step)) for step in range(STEPS)]
    return trained(record, Small(checkpointed=False), [(each, each.flatten()) for each in words])


def broken(record: Record) -> list[Tensor]:
    """Whose inputs have an infinity in the fifth step."""
    batches = [(inputs.clone(), targets) for inputs, targets in digits(steps=STEPS)]
    batches[4][0][3, 2] = torch.inf
    return trained(record, mlp(depth=2), batches)


def scaled(record: Record) -> list[Tensor]:
    """In which a scaler multiplies the loss, a closure computes it, and two passes make a step."""
    model, criterion = mlp(depth=2), nn.CrossEntropyLoss()
    optimizer, scaler = torch.optim.SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu", init_scale=8.0)
    recording = record(model, optimizer, criterion)
    for inputs, targets in digits(steps=STEPS):
        optimizer.zero_grad()
        for rows in (slice(0, 16), slice(16, None)):
            loss = criterion(model(inputs[rows]), targets[rows]) / 2
            scaler.scale(loss).backward()
            recording.after_backward(loss)
        scaler.step(optimizer)
        scaler.update()
    recording.finish()
    return weights_of(model)


def closed(record: Record) -> list[Tensor]:
    model, criterion = mlp(depth=2), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = record(model, optimizer, criterion)
    for inputs, targets in digits(steps=STEPS):

        def closure(inputs: Tensor = inputs, targets: Tensor = targets) -> Tensor:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            recording.after_backward(loss)
            return loss

        optimizer.step(closure)
    recording.finish()
    return weights_of(model)


class Own(nn.Module):
    """A loss of the program's own, which breaks where a target is -1."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        share = outputs.softmax(dim=1).gather(1, targets.clamp(min=0)[:, None])[:, 0]
        return -(share * (targets >= 0)).log().mean()


def with_own_loss(record: Record) -> list[Tensor]:
    batches = [(inputs, targets.clone()) for inputs, targets in digits(steps=STEPS)]
    batches[5][1][3] = -1
    return trained(record, mlp(depth=2, act=nn.ReLU), batches, criterion=Own())


def regressing(record: Record) -> list[Tensor]:
    """With one step in which the loss of a row is far above the others, and targets that come first."""
    model = nn.Sequential(nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 1), nn.ReLU())
    batches = [(inputs[:16], inputs[:16, 10:11].abs()) for inputs, _ in digits(steps=40)]
    batches[36][1][2] = 1e3
    return trained(record, model, batches, criterion=nn.SmoothL1Loss(), rate=1e-3)


class Reading(nn.Module):
    """Attends over steps, and computes something that the loss does not use."""

    def __init__(self) -> None:
        super().__init__()
        self.places, self.attention = nn.Parameter(torch.randn(8, 8)), nn.MultiheadAttention(8, 2, batch_first=True)
        self.unused, self.last = nn.Linear(8, 8), nn.Linear(8, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        steps = inputs + self.places
        read = self.attention(steps, steps, steps)[0]
        self.unused(read)
        found: Tensor = self.last(read.mean(1))
        return found


def reading(record: Record) -> list[Tensor]:
    return trained(
        record, Reading(), [(inputs.unflatten(1, (8, 8)), targets) for inputs, targets in digits(steps=STEPS)]
    )


def checkpointed(record: Record) -> list[Tensor]:
    words = [torch.randint(11, (4, 6), generator=torch.Generator().manual_seed(step)) for step in range(STEPS)]
    return trained(record, Small(checkpointed=True), [(each, each.flatten()) for each in words])


def adversarial(record: Record) -> list[Tensor]:
    """A discriminator, whose criterion also trains a generator."""
    model, generator = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 1)), nn.Linear(8, 64)
    criterion, other = nn.BCEWithLogitsLoss(), torch.optim.SGD(generator.parameters(), lr=0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = record(model, optimizer, criterion)
    for inputs, _ in digits(steps=STEPS):
        made, ones = generator(torch.randn(64, 8)), torch.ones(64, 1)
        optimizer.zero_grad()
        loss = criterion(model(inputs), ones) + criterion(model(made.detach()), 0 * ones)
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()
        criterion(model(made), ones).backward()
        other.step()
    recording.finish()
    return weights_of(model)


def saved(record: Record) -> list[Tensor]:
    """The model is copied and saved as a whole, and each step is taken with the gradients of a second pass."""
    model, criterion = mlp(depth=2), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recording = record(model, optimizer, criterion)
    for inputs, targets in digits(steps=STEPS):
        copy.deepcopy(model)(inputs)
        pickle.dumps(model)
        for told in (True, False):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            if told:
                recording.after_backward(loss)
        optimizer.step()
    recording.finish()
    return weights_of(model)


PROGRAMS: dict[str, tuple[Program, Record]] = {
    "dense": (dense, Recording),
    "watched": (dense, watch),
    "probed": (probed, Recording),
    "convolutional": (convolutional, Recording),
    "recurrent": (recurrent, Recording),
    "attending": (attending, Recording),
    "broken": (broken, Recording),
    "scaled": (scaled, Recording),
    "closed": (closed, Recording),
    "with_own_loss": (with_own_loss, Recording),
    "regressing": (regressing, Recording),
    "reading": (reading, Recording),
    "checkpointed": (checkpointed, Recording),
    "adversarial": (adversarial, Recording),
    "watched_adversarial": (adversarial, watch),
    "saved": (saved, Recording),
}


def run(name: str, then: Callable[[], None], *, record: bool = True) -> list[Tensor]:
    """Train a program, and do this when its recording has been made."""
    program, recorder = PROGRAMS[name]

    def make(*args: Any, **options: Any) -> Any:
        made = recorder(*args, **options) if record else Nothing()
        then()
        return made

    torch.manual_seed(0)
    return [each.nan_to_num(nan=-1e30) for each in program(make)]


def called_in(name: str) -> set[CodeType]:
    """The functions of the recorder that run between the making of a recording and its end."""
    found: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(HOME):
            found.add(frame.f_code)

    try:
        run(name, lambda: sys.setprofile(note))
    finally:
        sys.setprofile(None)
    return found


@contextmanager
def traced() -> Iterator[None]:
    before = sys.gettrace()
    try:
        yield
    finally:
        sys.settrace(before)


def fails_in(name: str, code: CodeType) -> list[Tensor]:
    """The weights of a program in which the first call of this function fails."""

    def fail(frame: FrameType, _: str, __: object) -> None:
        if frame.f_code is code:
            raise Injected  # which ends the tracing, too

    with traced():
        return run(name, lambda: sys.settrace(fail))


def test_no_failure_ends_or_changes_a_training(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    seen: set[CodeType] = set()
    harmful: list[str] = []
    for name in PROGRAMS:
        plain = run(name, lambda: None, record=False)
        new = called_in(name) - seen
        seen |= new
        for code in new:
            if code.co_qualname in GUARDS | CALLED_FROM_OUTSIDE | KEEP_OR_REMOVE:
                continue
            place = f"{name}: {Path(code.co_filename).relative_to(HOME)}:{code.co_firstlineno} {code.co_qualname}"
            try:
                if not same(fails_in(name, code), plain):
                    harmful.append(f"{place} changes weights")
            except Injected:
                harmful.append(f"{place} ends the training")
    assert len(seen) > 500
    assert not harmful, "\n".join(harmful)
