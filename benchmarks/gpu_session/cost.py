"""What training and recording cost on a device: time, waits, launches, memory, and several processes at once."""

import multiprocessing
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import Any

import torch
from benchmarks.recorder import NETWORKS

from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.estimate import estimate
from gradclinic_workers.train.fit import train

from .check import Result, check
from .example import MODELS, experiment

STEPS, REPEATS = 200, 3
WARM_UP_STEPS = 20
STEPS_ON_A_CPU, REPEATS_ON_A_CPU = 20, 1
"""Enough to see that it runs; `./run benchmark recorder` measures the costs on a CPU."""
PLANS: dict[str, dict[str, Any] | None] = {
    "no recording, again": None, "default": {}, "all statistics at every step": {"every": 1, "full_every": 1},
}  # fmt: skip


@check(limit_s=150)
def recording_costs(device: str) -> Iterator[Result]:
    """The time of training with a plan of recording, relative to none; the second baseline shows the noise."""
    for name, spec in NETWORKS.items():
        seconds: dict[str, list[float]] = {plan: [] for plan in ("no recording", *PLANS)}
        for plan in PLANS.values():  # so that no training that is timed loads kernels or compiles
            _seconds(_of(spec, plan, steps=WARM_UP_STEPS), device=device, record=plan is not None)
        for _ in range(REPEATS if _is_gpu(device) else REPEATS_ON_A_CPU):
            for plan, asked in {"no recording": None, **PLANS}.items():
                posted = _of(spec, asked, steps=_steps(device))
                seconds[plan].append(_seconds(posted, device=device, record=asked is not None))
        for plan in PLANS:
            ratio = median(a / b for a, b in zip(seconds[plan], seconds["no recording"], strict=True))
            yield Result(f"{name}: {plan}", round(ratio, 3), "time ratio to no recording", None)


@check(limit_s=60, needs_gpu=True)
def waits_for_the_device(device: str) -> Iterator[Result]:
    """The lines of a training at which it waits, and how often in 64 steps."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        train(experiment("mlp", device=device, steps=64), device=device)
        torch.cuda.set_sync_debug_mode("default")
    lines = Counter(f"{each.filename.rpartition('/')[2]}:{each.lineno}" for each in caught)
    for line, count in lines.most_common(12):
        yield Result(line, count, "waits in 64 steps", None)
    in_all = sum(lines.values())
    yield Result("all", in_all, "fewer than one a step", in_all < 64)


@check(limit_s=60, needs_gpu=True)
def launches_kernels(device: str) -> Iterator[Result]:
    """The kernels that a step launches, and the fraction of the time in which the GPU works."""
    from torch.profiler import ProfilerActivity, profile

    for plan, asked in PLANS.items():
        posted = _of(NETWORKS["MLP 30 x 128, batch 128"], asked, steps=STEPS)
        began = time.perf_counter()
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
            train(posted, device=device, record=asked is not None)
        seconds = time.perf_counter() - began
        averages = profiled.key_averages()
        launched = sum(each.count for each in averages if "LaunchKernel" in each.key)
        busy = sum(each.self_device_time_total for each in averages) / 1e6
        yield Result(f"{plan}: launches a step", round(launched / STEPS, 1), "kernels", None)
        yield Result(f"{plan}: busy", round(busy / seconds, 3), "fraction of the time", None)


@check(limit_s=60, needs_gpu=True)
def needs_the_estimated_memory(device: str) -> Iterator[Result]:
    """Peak memory against the estimate."""
    for name in MODELS:
        posted = experiment(name, device=device)
        torch.cuda.reset_peak_memory_stats(device)
        train(posted, device=device)
        peak, estimated = torch.cuda.max_memory_allocated(device), estimate(posted).memory_bytes
        yield Result(
            name, round(peak / 2**20, 1), f"MiB; at most {estimated / 2**20 + 64:.1f}", peak <= estimated + 2**26
        )


@check(limit_s=120)
def shares_the_device(device: str) -> Iterator[Result]:
    """Steps a second of several processes on one device."""
    for processes in (1, 2, 4, 8) if _is_gpu(device) else (1, 2):
        began = time.perf_counter()
        context = multiprocessing.get_context("spawn")
        with context.Pool(processes) as pool:
            pool.map(_train_one, [device] * processes)
        rate = processes * _steps(device) / (time.perf_counter() - began)
        yield Result(f"{processes} processes, start included", round(rate, 1), "steps a second", None)


def _train_one(device: str) -> None:
    torch.set_num_threads(1)
    train(experiment("mlp", device=device, steps=_steps(device)), device=device)


def _is_gpu(device: str) -> bool:
    return device.startswith("cuda")


def _steps(device: str) -> int:
    return STEPS if _is_gpu(device) else STEPS_ON_A_CPU


def _seconds(posted: Experiment, *, device: str, record: bool) -> float:
    began = time.perf_counter()
    train(posted, device=device, record=record)  # it ends with an evaluation, which waits for the device
    return time.perf_counter() - began


def _of(spec: dict[str, Any], plan: dict[str, Any] | None, *, steps: int) -> Experiment:
    training = {**spec.get("training", {}), "steps": steps}
    return Experiment.model_validate({**spec, "training": training, "recording": plan or {}})
