"""Preserves the random state of Python, numpy and torch."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def kept_generators(device: torch.device | None = None) -> Iterator[None]:
    """Restore the generators of Python, numpy and torch, on the CPU and on `device`, after the block.

    Without a device, those of all GPUs are restored.
    """
    on_gpus = None if device is None else [device] if device.type == "cuda" else []
    of_python, of_numpy = random.getstate(), np.random.get_state()  # a model or a loss may draw from them
    try:
        with torch.random.fork_rng(devices=on_gpus):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # as above
