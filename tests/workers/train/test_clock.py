from typing import Any

import pytest
import torch

from gradclinic_workers.train import fit
from gradclinic_workers.train.clock import Clock, GpuTimes, clock_of
from gradclinic_workers.train.progress import Progress
from gradclinic_workers.train.reporter import Silent

from ..specs import layers


class Told:
    """Times as a test sets them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.read = 0

    def mark(self) -> float:
        return self.now

    def between(self, begin: float, end: float) -> float:
        self.read += 1
        return end - begin


@pytest.fixture
def told() -> Told:
    return Told()


def a_step(clock: Clock, told: Told, *, trains: float, records: float) -> None:
    with clock.step():
        told.now += trains
        with clock.recording():
            told.now += records


def seconds(clock: Clock) -> tuple[float, float]:
    progress = Progress()
    clock.read(into=progress)
    return progress.train_seconds, progress.recording_seconds


def test_recording_within_a_step_is_not_training(told: Told) -> None:
    clock = Clock(told)
    a_step(clock, told, trains=3.0, records=1.0)
    told.now += 100.0  # what is between steps is neither
    a_step(clock, told, trains=2.0, records=0.5)
    with clock.recording():
        told.now += 0.25
    assert told.read == 0  # a device is not asked before a reading
    assert seconds(clock) == (5.0, 1.75)
    assert seconds(clock) == (0.0, 0.0)


def test_steps_that_are_taken_back_took_no_time(told: Told) -> None:
    clock = Clock(told)
    a_step(clock, told, trains=1.0, records=0.5)
    clock.keep()
    a_step(clock, told, trains=10.0, records=10.0)
    clock.go_back()
    a_step(clock, told, trains=2.0, records=0.0)
    assert seconds(clock) == (3.0, 0.5)


def test_a_gpus_times_are_those_of_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    class Event:
        def __init__(self, *, enable_timing: bool) -> None:
            assert enable_timing
            self.waited = False

        def record(self) -> None:
            made.append(self)

        def synchronize(self) -> None:
            self.waited = True

        def elapsed_time(self, end: Any) -> float:
            assert end.waited
            return 250.0  # milliseconds

    monkeypatch.setattr(torch.cuda, "Event", Event)
    clock = clock_of(torch.device("cuda"))
    with clock.step():
        pass
    assert [event.waited for event in made] == [False, False]
    assert seconds(clock) == (0.25, 0.0)
    assert isinstance(GpuTimes().mark(), Event)


def test_warming_up_changes_nothing() -> None:
    experiment = layers({"kind": "linear", "out_features": 4}, {"kind": "batch_norm"}, {"kind": "dropout", "p": 0.5})

    def trained(*, warm: bool) -> list[torch.Tensor]:
        with torch.random.fork_rng():
            training = fit.Fit(experiment, device="cpu", reporter=Silent(), record=True)
            if warm:
                training._warm_up()
            training.run(None)
            return [tensor.clone() for tensor in training.modules.state_dict().values()]

    assert all(torch.equal(a, b) for a, b in zip(trained(warm=True), trained(warm=False), strict=True))
