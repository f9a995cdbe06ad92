"""Training loops as people write them, with a recording or without."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, distributed, nn

from gradclinic_torch import Recording

Batches = list[tuple[Tensor, Tensor]]


def digits(*, steps: int, batch_size: int = 64, seed: int = 0, image: bool = False) -> Batches:
    """Batches of scikit-learn's digits, standardized."""
    from gradclinic.experiments.datasets.digits import Digits

    split = Digits().sample("image" if image else "flat")
    inputs, targets = torch.from_numpy(split.train.inputs), torch.from_numpy(split.train.targets)
    generator = torch.Generator().manual_seed(seed)
    chosen = [torch.randint(len(inputs), (batch_size,), generator=generator) for _ in range(steps)]
    return [(inputs[each], targets[each]) for each in chosen]


def probe(*, image: bool = False) -> tuple[Tensor, Tensor]:
    from gradclinic.experiments.datasets.digits import Digits

    train = Digits().sample("image" if image else "flat").train
    return torch.from_numpy(train.inputs[:256]), torch.from_numpy(train.targets[:256])


def mlp(*, depth: int, width: int = 32, act: Callable[[], nn.Module] = nn.Sigmoid, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for index in range(depth):
        layers += [nn.Linear(64 if index == 0 else width, width), act()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def fit(
    model: nn.Module, batches: Batches, *, record: bool = True, rate: float = 0.1, max_norm: float | None = None,
    optimizer: torch.optim.Optimizer | None = None, **options: Any,
) -> Recording | None:  # fmt: skip
    """The loop of the README."""
    criterion = nn.CrossEntropyLoss()
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=rate)
    recording = Recording(model, optimizer, criterion, **options) if record else None
    with recording or nullcontext():
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            if recording is not None:
                recording.after_backward(loss)
            if max_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), max_norm)
            optimizer.step()
    return recording


def recorded(*args: Any, **options: Any) -> Recording:
    recording = fit(*args, **options)
    assert recording is not None
    return recording


def weights_of(model: nn.Module) -> list[Tensor]:
    return [value.detach().clone() for value in model.state_dict().values()]


def same(first: list[Tensor], second: list[Tensor]) -> bool:
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def leave(store: distributed.FileStore, rank: int) -> None:
    """End this process when the other has done its work, too, and without torch's own ending.

    Now and then, gloo aborts or waits for ever where a process closes its connections before the other has ended, or
    where Python ends beside gloo's threads. It does so without a recording, too: 6 of 14 trainings with DDP
    waited, and 2 of 14 sharded ones aborted (torch 2.13).
    """
    store.set(f"done {rank}", "")
    store.wait(["done 0", "done 1"])
    os._exit(0)
