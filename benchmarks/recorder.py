"""The cost of recording: CPU time of the same training with and without it, interleaved in one process.

An untouched second baseline shows the noise, and memory is handed out as in a worker. A run's cost is highest at its
start, so that short runs cost more than long ones: see --steps. Networks are trained by the service's own loop, under
several plans, and by a plain PyTorch loop: bare, with a `Recording`, and, where it is installed, with the watch of
Weights & Biases (offline; the loss is logged at every step).
Usage: ./run benchmark recorder [--json] [--repeats N] [--seconds S] [--network WORD] [--subject WORD] [--steps N]
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import cache, partial
from importlib import util
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from gradclinic.experiments.experiment import Experiment
from gradclinic_torch import Recording
from gradclinic_workers.process.app import MALLOC
from gradclinic_workers.train.fit import train

BASELINES = {"service": "no recording", "own loop": "bare loop"}
AGAIN = ", again"

PLANS: dict[str, dict[str, Any] | None] = {
    "no recording": None,
    "no recording, again": None,
    "probes alone": {"every": 100_000, "full_every": 100_000, "dense_until": 0},
    "basic statistics every step": {"every": 1, "full_every": 100_000, "dense_until": 0},
    "default plan": {},
    "default plan, not adaptive": {"adaptive": False},
    "all statistics every step": {"every": 1, "full_every": 1},
}

LOOPS: dict[str, dict[str, Any] | None] = {
    "bare loop": None,
    "bare loop, again": None,
    "Recording": {},
    "Recording with a probe": {"probe": True},
}
WATCHES = {f"W&B watch, log_freq {every}": every for every in (10, 100)}
"""Steps between two logs of all gradients."""
WARM_UP = 20
"""Steps of the first round, which is not counted."""

KAIMING = {"scheme": "kaiming_normal"}
NETWORKS: dict[str, dict[str, Any]] = {
    "MLP 30 x 128, batch 128": {
        "model": {"kind": "mlp", "depth": 30, "width": 128, "activation": "relu", "initialization": KAIMING},
        "data": {"kind": "digits"},
        "optimizer": {"kind": "adam", "learning_rate": 1e-4},
        "training": {"batch_size": 128},
    },
    "CNN 18 x 16 channels, batch 64": {
        "model": {"kind": "cnn", "depth": 18, "channels": 16, "activation": "relu", "initialization": KAIMING},
        "data": {"kind": "digits"},
        "optimizer": {"kind": "adam", "learning_rate": 1e-4},
    },
    "LSTM, 64 steps of 128, batch 64": {
        "model": {"kind": "rnn", "cell": "lstm", "width": 128},
        "data": {"kind": "adding_problem", "length": 64},
        "optimizer": {"kind": "adam", "learning_rate": 1e-3},
    },
    "MLP 6 x 512, batch 256": {
        "model": {"kind": "mlp", "depth": 6, "width": 512, "activation": "relu", "initialization": KAIMING},
        "data": {"kind": "digits"},
        "optimizer": {"kind": "adam", "learning_rate": 1e-4},
        "training": {"batch_size": 256},
    },
    "RNN, 8 steps of 32": {
        "model": {"kind": "rnn", "cell": "rnn", "width": 32},
        "data": {"kind": "digit_rows"},
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


class Memory(nn.Module):
    """An LSTM of torch's own kernel, and a readout of its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.readout = nn.LSTM(2, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        """The logits, [batch, 10]."""
        outputs: Tensor = self.readout(self.lstm(inputs)[0][:, -1])
        return outputs


def mlp() -> nn.Module:
    """30 layers of 128 units."""
    widths = [64] + [128] * 30
    hidden = [layer for a, b in pairwise(widths) for layer in (_kaiming(nn.Linear(a, b)), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(128, 10))


def cnn() -> nn.Module:
    """18 convolutions of 16 channels."""
    channels = [1] + [16] * 18
    hidden = [layer for a, b in pairwise(channels) for layer in (_kaiming(nn.Conv2d(a, b, 3, padding=1)), nn.ReLU())]
    return nn.Sequential(*hidden, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


def _kaiming(layer: nn.Linear | nn.Conv2d) -> nn.Module:
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer


OWN_LOOPS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "MLP 30 x 128, batch 128": (mlp, (64,), 128),
    "CNN 18 x 16 channels, batch 64": (cnn, (1, 8, 8), 64),
    "LSTM, 64 steps of 128, batch 64": (Memory, (64, 2), 64),
}
"""The model, the shape of a sample and the batch size."""


def trained(spec: Mapping[str, Any], plan: Mapping[str, Any] | None, steps: int) -> None:
    """Train a network in the service's loop."""
    training = {**spec.get("training", {}), "steps": steps}
    experiment = Experiment.model_validate({**spec, "training": training, "recording": dict(plan or {})})
    train(experiment, record=plan is not None)


def looped(name: str, options: Mapping[str, Any] | None, steps: int) -> None:
    """Train a network in a loop as a user has one."""
    build, shape, batch_size = OWN_LOOPS[name]
    torch.manual_seed(0)
    model, criterion = build(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    inputs, targets = torch.randn(1024, *shape), torch.randint(10, (1024,))
    wanted = dict(options or {})
    if wanted.pop("probe", False):
        wanted["probe"] = (inputs[:256], targets[:256])
    every = wanted.pop("watch_every", None)
    if every is not None:
        watching().watch(model, log_freq=every)
    recorded = nullcontext() if options is None or every else Recording(model, optimizer, criterion, **wanted)
    with recorded as recording:
        for _ in range(steps):
            chosen = torch.randint(len(inputs), (batch_size,))
            optimizer.zero_grad()
            loss = criterion(model(inputs[chosen]), targets[chosen])
            loss.backward()
            if recording is not None:
                recording.after_backward(loss)
            optimizer.step()
            if every is not None:
                watching().log({"loss": loss.item()})
    if every is not None:
        watching().unwatch(model)


@cache
def watching() -> Any:
    """A run of Weights & Biases that stays on this machine."""
    import wandb

    return wandb.init(mode="offline", dir=tempfile.mkdtemp(), settings=wandb.Settings(silent=True, console="off"))


Training = Callable[[int], None]
"""Trains for so many steps."""


def measure(trainings: Mapping[str, Training], *, steps: int, repeats: int, budget_s: float) -> dict[str, list[float]]:
    """CPU seconds of each training, interleaved: `repeats` rounds, or fewer if another would exceed the budget."""
    for training in trainings.values():
        training(WARM_UP)
    seconds: dict[str, list[float]] = {name: [] for name in trainings}
    started = time.perf_counter()
    for done in range(repeats):
        spent = time.perf_counter() - started
        if done and spent * (done + 1) / done > budget_s:
            break
        for name, training in trainings.items():
            began = time.process_time()
            training(steps)
            seconds[name].append(time.process_time() - began)
    return seconds


def trainings_of(network: str, *, kind: str, word: str) -> dict[str, Training]:
    """The trainings of one network that are compared: those whose name contains the word, and the baselines."""
    if kind == "own loop" and network not in OWN_LOOPS:
        return {}
    subjects = loops() if kind == "own loop" else PLANS
    found: dict[str, Training] = {}
    for name, options in subjects.items():
        if word in name or name.startswith(BASELINES[kind]):
            own = kind == "own loop"
            found[name] = partial(looped, network, options) if own else partial(trained, NETWORKS[network], options)
    return found if len(found) > 2 else {}


def loops() -> dict[str, dict[str, Any] | None]:
    """The loops that this machine can run; says which are skipped, and why."""
    if util.find_spec("wandb") is None:
        print("W&B watch is skipped: the package wandb is not installed", file=sys.stderr)
        return LOOPS
    return {**LOOPS, **{name: {"watch_every": every} for name, every in WATCHES.items()}}


def rows_of(seconds: Mapping[str, Sequence[float]], *, kind: str, network: str, steps: int) -> list[dict[str, Any]]:
    """The ratio of each training to the baseline, round by round, and that of the second baseline as noise."""
    base = seconds[BASELINES[kind]]
    ratios = {
        name: statistics.median(a / b for a, b in zip(taken, base, strict=True)) for name, taken in seconds.items()
    }
    noise = abs(ratios[BASELINES[kind] + AGAIN] - 1)
    return [
        {
            "benchmark": "recorder",
            "subject": name,
            "configuration": f"{network}, {steps} steps",
            "value": round(ratio, 3),
            "unit": f"CPU time ratio to {BASELINES[kind]}",
            "noise": round(noise, 3),
        }
        for name, ratio in ratios.items()
        if not name.startswith(BASELINES[kind])
    ]


def main() -> None:
    """Print the ratios, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeats", type=int, default=3, help="rounds, each of them all trainings of a network")
    parser.add_argument("--seconds", type=float, default=240.0, help="begin no other round of a network after these")
    parser.add_argument("--network", default="", help="only networks whose name contains this word")
    parser.add_argument("--subject", default="", help="only plans and loops whose name contains this word")
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    if not MALLOC.keys() <= os.environ.keys():  # it counts from a process's start
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**MALLOC, **os.environ})
    torch.set_num_threads(1)
    rows = []
    for network in (each for each in NETWORKS if options.network in each):
        for kind in BASELINES:
            trainings = trainings_of(network, kind=kind, word=options.subject)
            seconds = measure(trainings, steps=options.steps, repeats=options.repeats, budget_s=options.seconds)
            found = rows_of(seconds, kind=kind, network=network, steps=options.steps) if seconds else []
            rows += found
            if not options.json:
                show(found)
    if options.json:
        print(json.dumps(rows))


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the ratios of one network."""
    for row in rows:
        ratio = f"{row['value']:6.3f}  (noise {row['noise']:.3f})"
        print(f"{row['configuration']:44} {row['subject']:30} {ratio}", flush=True)


if __name__ == "__main__":
    main()
