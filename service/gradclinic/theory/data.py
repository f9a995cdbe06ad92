"""How large the inputs are: the q that the first layer starts from."""

from functools import lru_cache
from math import prod

import numpy as np

from ..experiments.datasets import AnyDataset
from ..experiments.layers.base import Layout
from ..kernel.errors import NotFound
from .batch import Batch
from .closed_form import Array
from .signal import Signal, of_batch, uniform

FOLLOWED = 128
"""Samples of a batch whose likeness is followed pair by pair; of larger batches they stand for the rest."""
SIZED = 1024
"""Samples whose sizes are followed one by one over time; of larger data sets they stand for the rest."""
_CANNOT_BE_DRAWN = (ImportError, NotFound)
"""Scikit-learn is a worker's part, and uploaded rows may have been deleted."""
MOST_SAMPLED = 10_000_000
"""Values of a data set that are drawn for a prediction: a fraction of a second."""


@lru_cache(maxsize=256)
def input_signal(data: AnyDataset, layout: Layout) -> tuple[Signal, str]:
    """The inputs' second moment at each position, and in words where it comes from.

    Standardized inputs have it by declaration: 1. Others are sampled; where they cannot be drawn, 1 is assumed,
    and said.
    """
    shape = data.input_shape(layout)
    if layout == "tokens":
        return uniform(shape), "symbols: their embedding decides"
    positions = shape[1:] if layout == "image" else shape[:-1]
    if data.standardize and not data.inputs_as_they_are:
        return uniform(positions), "standardized inputs: second moment 1"
    try:
        inputs = data.sample(layout).train.inputs.astype(np.float64)
    except _CANNOT_BE_DRAWN:
        return uniform(positions), "second moment 1 assumed: the samples cannot be drawn here"
    units = 1 if layout == "image" else inputs.ndim - 1
    signal = Signal(
        second=(inputs**2).mean(axis=(0, units)),
        mean=np.zeros(positions),
        shared=(inputs.mean(axis=0) ** 2).mean(axis=units - 1),
    )
    return signal, f"sampled inputs: second moment {float(signal.second.mean()):.3g}"


@lru_cache(maxsize=256)
def input_batch(data: AnyDataset, batch_size: int) -> tuple[Signal, str]:
    """A batch of flat inputs, its samples pair by pair; where they cannot be drawn, they count as unrelated."""
    signal, origin = input_signal(data, "flat")
    features = prod(data.input_shape("flat"))
    followed = min(batch_size, FOLLOWED, data.size()[0])
    kernel = float(signal.second) * np.eye(followed)
    if sum(data.size()) * features > MOST_SAMPLED:
        return of_batch(Batch(kernel, batch_size)), f"{origin}; samples taken as unrelated: too many to be drawn here"
    try:
        inputs = data.sample("flat").train.inputs[:followed].astype(np.float64)
    except _CANNOT_BE_DRAWN:
        return of_batch(Batch(kernel, batch_size)), f"{origin}; samples taken as unrelated: they cannot be drawn here"
    return of_batch(Batch(inputs @ inputs.T / features, batch_size)), f"{origin}; samples as alike as the data's are"


@lru_cache(maxsize=256)
def input_sizes(data: AnyDataset) -> tuple[Array, str, bool]:
    """[samples, T]: E[x^2] over the features of each sample at each step; where it comes from; whether it is certain.

    Where the samples cannot be drawn, their features are taken as independent normal ones: sizes of chi-squared.
    """
    try:
        inputs = data.sample("sequence").train.inputs[:SIZED].astype(np.float64)
    except _CANNOT_BE_DRAWN:
        signal, origin = input_signal(data, "sequence")
        drawn = np.random.default_rng(0).chisquare(data.input_shape("sequence")[1], (SIZED, len(signal.second)))
        sizes = signal.second * drawn / data.input_shape("sequence")[1]
        return sizes, f"{origin}; samples' sizes as of normal features: they cannot be drawn here", False
    sizes = (inputs**2).mean(axis=2)
    return sizes, f"sampled inputs: second moment {float(sizes.mean()):.3g}, sizes sample by sample", True
