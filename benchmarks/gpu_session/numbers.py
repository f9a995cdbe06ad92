"""Whether a device computes what it should: as a CPU does, the same each time, and unaffected by the recorder."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from gradclinic.measurements.record import Outcome, RunRecord, Series
from gradclinic_torch.measure.reductions import norms_of
from gradclinic_workers.train import fit
from gradclinic_workers.train.device import fingerprint, prove
from gradclinic_workers.train.fit import train
from gradclinic_workers.train.reporter import Interrupted, Silent

from .check import Result, check
from .example import BREAKING, MODELS, PRECISIONS, breaking, experiment

STOP_AT = 21
"""No multiple of the 16 steps between two looks at a GPU."""
CLOSE = 1e-4
FIRST = ("train_loss", "grad_norm_l2", "weight_grad_norm_l2", "site_grad_rms", "preactivation_rms")
"""What is compared between devices: the first step, before rounding has grown."""


@check(limit_s=60)
def versions(device: str) -> Iterator[Result]:
    """The versions, and a first product."""
    for name, value in fingerprint(device).items():
        yield Result(name, value, "", None)
    prove(device)
    yield Result("a product of 64 x 64", "right", "right", passed=True)


@check(limit_s=120)
def trains(device: str) -> Iterator[Result]:
    """Every kind of model in every precision."""
    for name in MODELS:
        for precision in PRECISIONS:
            loss = _outcome(train(experiment(name, device=device, precision=precision), device=device)).final_train_loss
            yield Result(f"{name}, {precision}", round(loss, 4), "a finite loss", math.isfinite(loss))


@check(limit_s=60, needs_gpu=True)
def agrees_with_the_cpu(device: str) -> Iterator[Result]:
    """The first step of every kind of model."""
    for name in MODELS:
        there, here = (train(experiment(name, device=each, steps=1), device=each) for each in (device, "cpu"))
        worst = max(_apart(there.get(series), here.get(series)) for series in FIRST)
        yield Result(name, worst, f"relative difference at most {CLOSE:g}", worst <= CLOSE)


@check(limit_s=60)
def repeats_bit_for_bit(device: str) -> Iterator[Result]:
    """The same run twice."""
    for name in MODELS:
        first, again = (train(experiment(name, device=device), device=device) for _ in range(2))
        yield _same(name, first.series, again.series)


@check(limit_s=60)
def is_unaffected_by_recording(device: str) -> Iterator[Result]:
    """The weights after training with and without the recorder."""
    for name in MODELS:
        recorded, bare = (_weights(name, device=device, record=record) for record in (True, False))
        same = all(torch.equal(recorded[key], bare[key]) for key in bare)
        yield Result(name, "equal" if same else "different", "equal bit for bit", same)


@check(limit_s=90)
def resumes_exactly(device: str) -> Iterator[Result]:
    """A run that is interrupted and resumed, against one that is not."""
    for name in MODELS:
        whole = train(experiment(name, device=device, steps=40), device=device)
        kept = _Kept()
        try:
            train(experiment(name, device=device, steps=40), device=device, reporter=kept)
        except Interrupted:
            rest = train(experiment(name, device=device, steps=40), device=device, checkpoint=kept.checkpoint)
            expected = {key: _since(series, STOP_AT) for key, series in whole.series.items()}
            yield _same(name, expected, rest.series)
        else:
            yield Result(name, "not interrupted", f"interrupted at step {STOP_AT}", passed=False)


@check(limit_s=60)
def reduces_exactly(device: str) -> Iterator[Result]:
    """Norms of numbers that float32 can hardly hold, against float64."""
    for size in (1e-30, 1e-25, 1.0, 1e25, 1e37):
        values = size * (1 + torch.arange(1000, dtype=torch.float64) / 1000)
        (norm,) = norms_of([values.float().to(device)]).cpu().tolist()
        error = abs(norm / float(values.float().double().norm()) - 1)
        yield Result(f"norm of numbers about {size:g}", error, "relative error at most 1e-6", error <= 1e-6)
    for name in ("inf", "nan"):
        (norm,) = norms_of([torch.tensor([1.0, float(name)], device=device)]).cpu().tolist()
        yield Result(f"norm with {name}", str(norm), name, str(norm) == name)


@check(limit_s=60)
def ends_where_it_broke(device: str) -> Iterator[Result]:
    """Runs that break, looked at after every step and after every 16th."""
    kind = torch.device(device).type
    for name, learning_rate in BREAKING.items():
        records = []
        for every in (1, 16):
            fit.CHECK_EVERY[kind] = every
            records.append(train(breaking(learning_rate, device=device), device=device))
        dense, seldom = records
        step = _outcome(dense).nonfinite_step
        yield Result(f"{name}: the step", step, "a step", step is not None)
        yield _same(f"{name}: all statistics", dense.series, seldom.series)
        ends = [repr(_outcome(each).final_validation_loss) for each in records]
        yield Result(f"{name}: validation loss", ends[1], ends[0], ends[0] == ends[1])


class _Kept(Silent):
    """Interrupts a run, and keeps its checkpoint."""

    checkpoint: bytes | None = None
    _step = 0

    def should_stop(self) -> bool:
        self._step += 1
        return self._step > STOP_AT

    def flushed(self, *, step: int, series: Mapping[str, Series], checkpoint: bytes | None) -> None:
        self.checkpoint = checkpoint or self.checkpoint


def _weights(name: str, *, device: str, record: bool) -> Mapping[str, Tensor]:
    run = fit.Fit(experiment(name, device=device), device=device, reporter=Silent(), record=record)
    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
        run.run(None)
    return run.modules.state_dict()


def _outcome(record: RunRecord) -> Outcome:
    if record.outcome is None:
        raise TypeError("a run that ended has an outcome")
    return record.outcome


def _same(name: str, first: Mapping[str, Series], second: Mapping[str, Series]) -> Result:
    different = sorted(
        key
        for key in first.keys() | second.keys()
        if key not in first
        or key not in second
        or not np.array_equal(first[key].steps, second[key].steps)
        or not np.array_equal(first[key].values, second[key].values, equal_nan=True)
    )
    found = f"different: {', '.join(different)}" if different else "equal"
    return Result(name, found, "equal bit for bit", not different)


def _since(series: Series, step: int) -> Series:
    return Series(series.steps[series.steps >= step], series.values[series.steps >= step])


def _apart(there: Series, here: Series) -> float:
    """The largest relative difference of two series' first values, among those that are not tiny."""
    a, b = (np.nan_to_num(series.values[0].astype(np.float64)) for series in (there, here))
    scale = np.maximum(np.abs(b), 1e-12)
    return float(np.max(np.abs(a - b) / scale))
