"""Preserves the random state of Python, numpy and torch."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def kept_generators(device: torch.device) -> Iterator[None]:
    """Restore the generators of Python, numpy and torch, on the CPU and on `device`, after the block."""
    of_python, of_numpy = random.getstate(), np.random.get_state()  # a model or a loss may draw from them
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # as above
