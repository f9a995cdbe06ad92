"""How large the inputs are: the q that the first layer starts from."""

from functools import lru_cache

import numpy as np

from ..datasets import AnyDataset
from ..layers.base import Layout
from .signal import Signal, uniform


@lru_cache(maxsize=256)
def input_signal(data: AnyDataset, layout: Layout) -> tuple[Signal, str]:
    """The inputs' second moment at each position, and in words where it comes from.

    Standardized inputs have it by declaration: 1. Others are sampled; where this installation cannot (scikit-learn
    is a worker's part), 1 is assumed, and said.
    """
    shape = data.input_shape(layout)
    if layout == "tokens":
        return uniform(shape), "symbols: their embedding decides"
    positions = shape[1:] if layout == "image" else shape[:-1]
    if data.standardize and not data.inputs_as_they_are:
        return uniform(positions), "standardized inputs: second moment 1"
    try:
        inputs = data.sample(layout).train.inputs.astype(np.float64)
    except ImportError:
        return uniform(positions), "second moment 1 assumed: the samples cannot be drawn here"
    units = 1 if layout == "image" else inputs.ndim - 1
    signal = Signal(
        second=(inputs**2).mean(axis=(0, units)),
        mean=np.zeros(positions),
        shared=(inputs.mean(axis=0) ** 2).mean(axis=units - 1),
    )
    return signal, f"sampled inputs: second moment {float(signal.second.mean()):.3g}"
