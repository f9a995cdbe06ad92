"""Ensembles against the same runs one by one: CPU time of both, in pairs, in one process.

Lanes are recorded by the default plan. The runs one by one are not recorded (the bar), and recorded (what an ensemble
replaces). An untouched second round of unrecorded runs shows the noise. A lone run of each network is timed as often as
the ensemble, and its time multiplied by the number of lanes.
Usage: ./run benchmark ensemble [--json] [--repeats N] [--steps N] [--network WORD]
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import torch

from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.ensemble import Form, form_of
from gradclinic.measurements.estimate import estimate
from gradclinic.measurements.record import RunRecord
from gradclinic_workers.process.app import MALLOC
from gradclinic_workers.train.fit import train
from gradclinic_workers.train.lanes import LaneRun, train_together


class Network(NamedTuple):
    """What is trained, at a batch size."""

    model: Mapping[str, Any]
    data: Mapping[str, Any]
    batch_size: int
    bars: Mapping[int, float] = MappingProxyType({})
    """By lanes: how many times as fast recorded lanes shall be as unrecorded runs."""


def dense(depth: int, width: int, batch_size: int, bars: Mapping[int, float]) -> Network:
    """Hidden layers of one width on handwritten digits."""
    initialization = {"scheme": "kaiming_normal"}
    model = {"kind": "mlp", "depth": depth, "width": width, "activation": "relu", "initialization": initialization}
    return Network(model, {"kind": "digits"}, batch_size, bars)


def recurrent(cell: str, width: int, length: int, batch_size: int) -> Network:
    """One recurrent layer that adds two of `length` numbers."""
    model = {"kind": "rnn", "cell": cell, "width": width}
    return Network(model, {"kind": "adding_problem", "length": length}, batch_size)


NETWORKS: dict[str, Network] = {
    "10 x 16, batch 64": dense(10, 16, 64, {32: 8.0}),
    "12 x 32, batch 64": dense(12, 32, 64, {3: 2.2, 32: 4.5}),
    "12 x 64, batch 64": dense(12, 64, 64, {3: 1.5, 32: 2.5}),
    "30 x 128, batch 128": dense(30, 128, 128, {32: 1.25}),
    "rnn 32 over 50 steps, batch 64": recurrent("rnn", 32, 50, 64),
    "gru 32 over 50 steps, batch 64": recurrent("gru", 32, 50, 64),
    "lstm 32 over 50 steps, batch 64": recurrent("lstm", 32, 50, 64),
}
LANES = (3, 16, 32)


def experiments(network: str, lanes: int, *, steps: int) -> list[Experiment]:
    """Runs that differ in their seed."""
    model, data, batch_size, _ = NETWORKS[network]
    spec = {
        "model": model,
        "data": data,
        "optimizer": {"kind": "adam", "learning_rate": 1e-3},
        "training": {"steps": steps, "batch_size": batch_size},
    }
    return [Experiment.model_validate(spec).with_seed(seed) for seed in range(lanes)]


def trained_together(runs: Sequence[Experiment], *, record: bool) -> None:
    """Train an ensemble; raises the error of a lane that fails."""
    for _, result in train_together([LaneRun(run) for run in runs], record=record):
        if not isinstance(result, RunRecord):
            raise result


def measure(network: str, lanes: int, *, steps: int, repeats: int) -> list[dict[str, Any]]:
    """Ratios of CPU time, medians over rounds."""
    runs = experiments(network, lanes, steps=steps)
    subjects: dict[str, Callable[[], object]] = {
        "alone": lambda: train(runs[0], record=False),
        "alone, again": lambda: train(runs[0], record=False),
        "alone, recorded": lambda: train(runs[0]),
        "lanes": lambda: trained_together(runs, record=True),
        "lanes, not recorded": lambda: trained_together(runs, record=False),
    }
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for repeat in range(repeats + 1):
        for name, training in subjects.items():
            began = time.process_time()
            training()
            if repeat:  # the first round warms caches
                seconds[name].append(time.process_time() - began)
    return rows_of(seconds, network=network, lanes=lanes, steps=steps)


def rows_of(seconds: Mapping[str, Sequence[float]], *, network: str, lanes: int, steps: int) -> list[dict[str, Any]]:
    """How many times as fast the lanes are, with the bar and the estimate of the planner beside it."""

    def ratio(alone: str, together: str, runs: int) -> float:
        pairs = zip(seconds[alone], seconds[together], strict=True)
        return statistics.median(runs * one / all_lanes for one, all_lanes in pairs)

    noise = abs(ratio("alone, again", "alone", 1) - 1)
    (one,) = experiments(network, 1, steps=steps)
    form = form_of(one, estimate(one))
    found = {
        "recorded lanes to unrecorded runs": (ratio("alone", "lanes", lanes), NETWORKS[network].bars.get(lanes)),
        "recorded lanes to recorded runs": (ratio("alone, recorded", "lanes", lanes), None),
        "unrecorded lanes to unrecorded runs": (ratio("alone", "lanes, not recorded", lanes), None),
        "the planner's estimate": (form.gain(lanes) if isinstance(form, Form) else 1.0, None),
    }
    return [
        {
            "benchmark": "ensemble",
            "subject": subject,
            "configuration": f"{network}, {lanes} lanes, {steps} steps",
            "value": round(value, 2),
            "unit": "times as fast",
            "noise": round(noise, 3),
            "bar": bar,
        }
        for subject, (value, bar) in found.items()
    ]


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the ratios as a Markdown table."""
    print("| network | measured | times as fast | bar | noise |\n|---|---|---|---|---|")
    for row in rows:
        bar = "" if row["bar"] is None else f">= {row['bar']:g}"
        print(f"| {row['configuration']} | {row['subject']} | {row['value']:.2f} | {bar} | {row['noise']:.3f} |")


def main() -> None:
    """Print the ratios, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--network", default="", help="only networks whose name contains this word")
    parser.add_argument("--lanes", type=int, nargs="*", default=list(LANES))
    options = parser.parse_args()
    if not MALLOC.keys() <= os.environ.keys():  # it counts from a process's start
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**MALLOC, **os.environ})
    torch.set_num_threads(1)
    rows = [
        row
        for network in NETWORKS
        if options.network in network
        for lanes in options.lanes
        for row in measure(network, lanes, steps=options.steps, repeats=options.repeats)
    ]
    if options.json:
        print(json.dumps(rows))
    else:
        show(rows)


if __name__ == "__main__":
    main()
