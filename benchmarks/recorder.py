"""The cost of recording: CPU time of the same training with and without it, interleaved in one process.

An untouched second baseline shows the noise, and memory is handed out as in a worker. A run's probes are about 60
however long it is, so that they weigh most in short runs; a line of their own shows what they cost.
Usage: ./run benchmark recorder [--json] [--repeats N] [--network WORD]
"""

import argparse
import json
import os
import statistics
import sys
import time
from typing import Any

import torch

from gradclinic.experiments.experiment import Experiment
from gradclinic_workers.process.app import MALLOC
from gradclinic_workers.train.fit import train

PLANS: dict[str, dict[str, Any] | None] = {
    "no recording": None,
    "no recording, again": None,
    "probes alone": {"every": 100_000, "full_every": 100_000, "dense_until": 0},
    "basic statistics every step": {"every": 1, "full_every": 100_000, "dense_until": 0},
    "default plan": {},
    "default plan, not adaptive": {"adaptive": False},
    "all statistics every step": {"every": 1, "full_every": 1},
}

NETWORKS: dict[str, dict[str, Any]] = {
    "MLP 30 x 128, batch 128": {
        "model": {
            "kind": "mlp",
            "depth": 30,
            "width": 128,
            "activation": "relu",
            "initialization": {"scheme": "kaiming_normal"},
        },
        "data": {"kind": "digits"},
        "optimizer": {"kind": "adam", "learning_rate": 1e-4},
        "training": {"steps": 600, "batch_size": 128},
    },
    "MLP 6 x 512, batch 256": {
        "model": {
            "kind": "mlp",
            "depth": 6,
            "width": 512,
            "activation": "relu",
            "initialization": {"scheme": "kaiming_normal"},
        },
        "data": {"kind": "digits"},
        "optimizer": {"kind": "adam", "learning_rate": 1e-4},
        "training": {"steps": 600, "batch_size": 256},
    },
    "RNN, 8 steps of 32": {
        "model": {"kind": "rnn", "cell": "rnn", "width": 32},
        "data": {"kind": "digit_rows"},
        "optimizer": {"kind": "adam", "learning_rate": 1e-3},
    },
    "LSTM, 8 steps of 32": {
        "model": {"kind": "rnn", "cell": "lstm", "width": 32},
        "data": {"kind": "digit_rows"},
        "optimizer": {"kind": "adam", "learning_rate": 1e-3},
    },
    "CNN 4 x 8 channels": {
        "model": {"kind": "cnn", "depth": 4, "channels": 8, "activation": "relu", "normalization": "batch_norm"},
        "data": {"kind": "digits"},
        "optimizer": {"kind": "adam", "learning_rate": 1e-3},
    },
    "transformer 2 x 32": {
        "model": {
            "kind": "transformer",
            "depth": 2,
            "width": 32,
            "heads": 4,
            "activation": "gelu",
            "normalization": "pre_layer_norm",
            "skip": {},
        },
        "data": {"kind": "digit_rows"},
        "optimizer": {"kind": "adam", "learning_rate": 1e-3},
    },
}


def measure(network: dict[str, Any], *, repeats: int) -> dict[str, list[float]]:
    """CPU seconds of a whole training under each plan, `repeats` times, the plans interleaved."""
    seconds: dict[str, list[float]] = {name: [] for name in PLANS}
    for repeat in range(repeats + 1):
        for name, plan in PLANS.items():
            experiment = Experiment.model_validate({**network, "recording": plan or {}})
            began = time.process_time()
            train(experiment, record=plan is not None)
            if repeat:  # the first round warms caches
                seconds[name].append(time.process_time() - began)
    return seconds


def main() -> None:
    """Print the ratios, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--network", default="", help="only networks whose name contains this word")
    options = parser.parse_args()
    if not MALLOC.keys() <= os.environ.keys():  # it counts from a process's start
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**MALLOC, **os.environ})
    torch.set_num_threads(1)
    rows = []
    for network, spec in NETWORKS.items():
        if options.network not in network:
            continue
        seconds = measure(spec, repeats=options.repeats)
        base = statistics.median(seconds["no recording"])
        noise = abs(statistics.median(seconds["no recording, again"]) / base - 1)
        for plan, taken in seconds.items():
            ratio = statistics.median(taken) / base
            rows.append(
                {
                    "benchmark": "recorder",
                    "subject": plan,
                    "configuration": network,
                    "value": round(ratio, 3),
                    "unit": "CPU time ratio to no recording",
                    "noise": round(noise, 3),
                }
            )
    if options.json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(f"{row['configuration']:26} {row['subject']:30} {row['value']:6.3f}  (noise {row['noise']:.3f})")


if __name__ == "__main__":
    main()
