"""Data sets that ship with scikit-learn, cached per process because a worker trains on them repeatedly."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt


@cache
def bundled(name: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Inputs and targets of scikit-learn's `load_<name>`, in its order, as read-only arrays."""
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{name}")()
    inputs, targets = bunch.data.astype(np.float32), bunch.target.astype(np.int64)
    inputs.flags.writeable = targets.flags.writeable = False
    return inputs, targets
