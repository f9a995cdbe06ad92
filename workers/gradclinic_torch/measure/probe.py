"""Evaluates a few samples during training, without side effects."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..model.generator import kept_generators


def probe_loss(model: nn.Module, criterion: nn.Module, probe: tuple[Any, Any], *, device: torch.device) -> Tensor:
    """The current loss of (inputs, targets); batch norm uses batch statistics."""
    with _without_a_trace(model, device):
        loss: Tensor = criterion(_call(model, probe[0]), probe[1])
    return loss


def part_of(probe: tuple[Any, Any], rows: int) -> tuple[Any, Any]:
    """So many samples of a probe, chosen evenly by target; all of them if it is not two tensors with a row each."""
    inputs, targets = probe
    if not isinstance(inputs, Tensor) or not isinstance(targets, Tensor):
        return probe
    if not inputs.ndim or not targets.ndim or len(inputs) != len(targets) or len(targets) <= rows:
        return probe
    chosen = evenly_chosen(targets, rows)
    return inputs[chosen], targets[chosen]


def evenly_chosen(targets: Tensor, rows: int) -> Tensor:
    """Indices of so many samples, rising: each class is represented in proportion, and so is each range of numbers.

    Of targets with several numbers a sample, evenly spaced ones.
    Source: systematic sampling of a sorted list, Cochran 1977, Sampling Techniques, chapter 8.
    """
    samples = len(targets)
    alone = targets.reshape(samples, -1)
    order = torch.argsort(alone[:, 0], stable=True) if alone.shape[1] == 1 else torch.arange(samples)
    places = ((torch.arange(rows, dtype=torch.float64) + 0.5) * samples / rows).long()
    return order.to(places.device)[places].sort().values.to(targets.device)


def _call(model: nn.Module, inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


@contextmanager
def _without_a_trace(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Look at the model as it trains, and leave its buffers and every source of randomness as they were."""
    buffers = [(buffer, buffer._version, buffer.detach().clone()) for buffer in model.buffers()]
    try:
        with kept_generators(device), on_batch_statistics(model, device):
            yield
    finally:
        for buffer, version, before in buffers:
            if buffer._version != version:
                buffer.detach().copy_(before)


@contextmanager
def on_batch_statistics(modules: nn.Module, device: torch.device) -> Iterator[None]:
    """Look at the network as it trains: batch norm on batch statistics; buffers and random state left as they were."""
    norms = [module for module in modules.modules() if getattr(module, "track_running_stats", False)]
    for norm in norms:
        norm.track_running_stats = False  # type: ignore[assignment]  # with it off, torch updates no buffer
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        for norm in norms:
            norm.track_running_stats = True  # type: ignore[assignment]  # as above
