"""Seeds all random generators of a program for one training, and restores them afterwards."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ..model.generator import kept_generators


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the block, torch, numpy and `random` start from the seed; afterwards, they are as they were before."""
    with kept_generators():
        seed_all(seed)
        yield


def seed_all(seed: int) -> None:
    """Seed torch, numpy and `random`."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)
