"""The sources of random numbers that a program may draw from."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def kept_generators(device: torch.device) -> Iterator[None]:
    """Leave the generators of Python, numpy and torch, on the CPU and on `device`, as they were."""
    of_python, of_numpy = random.getstate(), np.random.get_state()  # a model or a loss may draw from them
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # as above
