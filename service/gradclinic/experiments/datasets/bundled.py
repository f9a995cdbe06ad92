"""The data that ships with scikit-learn, read once in a process: a worker trains on the same data again and again."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt


@cache
def bundled(name: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Inputs and targets of scikit-learn's `load_<name>`, in its order; nobody can change them."""
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{name}")()
    inputs, targets = bunch.data.astype(np.float32), bunch.target.astype(np.int64)
    inputs.flags.writeable = targets.flags.writeable = False
    return inputs, targets
