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
