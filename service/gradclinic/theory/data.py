"""The second moment of the inputs: q at the first layer."""

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
"""Maximum number of samples of a batch whose correlations are followed; they represent larger batches."""
SIZED = 1024
"""Maximum number of samples that are followed individually over time; they represent larger data sets."""
_CANNOT_BE_DRAWN = (ImportError, NotFound)
"""Scikit-learn is installed only on workers, and uploaded rows may have been deleted."""
MOST_SAMPLED = 10_000_000
"""Largest data set, in values, that is drawn for a prediction; drawing it takes a fraction of a second."""


@lru_cache(maxsize=256)
def input_signal(data: AnyDataset, layout: Layout) -> tuple[Signal, str]:
    """The second moment of the inputs at each position, and its origin in words.

    It is 1 for standardized inputs. Others are sampled; if they are not available, 1 is assumed and reported.
    """
    shape = data.input_shape(layout)
    if layout == "tokens":
        return uniform(shape), "symbols: set by the embedding"
    positions = shape[1:] if layout == "image" else shape[:-1]
    if data.standardize and not data.inputs_as_they_are:
        return uniform(positions), "standardized inputs: second moment 1"
    try:
        inputs = data.sample(layout).train.inputs.astype(np.float64)
    except _CANNOT_BE_DRAWN:
        return uniform(positions), "second moment 1 assumed: the samples are not available here"
    units = 1 if layout == "image" else inputs.ndim - 1
    signal = Signal(
        second=(inputs**2).mean(axis=(0, units)),
        mean=np.zeros(positions),
        shared=(inputs.mean(axis=0) ** 2).mean(axis=units - 1),
    )
    return signal, f"sampled inputs: second moment {float(signal.second.mean()):.3g}"


@lru_cache(maxsize=256)
def input_batch(data: AnyDataset, batch_size: int) -> tuple[Signal, str]:
    """A batch of flat inputs and its origin in words; samples count as uncorrelated if they are not available."""
    signal, origin = input_signal(data, "flat")
    features = prod(data.input_shape("flat"))
    followed = min(batch_size, FOLLOWED, data.size()[0])
    kernel = float(signal.second) * np.eye(followed)
    if sum(data.size()) * features > MOST_SAMPLED:
        return of_batch(Batch(kernel, batch_size)), f"{origin}; samples assumed uncorrelated: too many to draw here"
    try:
        inputs = data.sample("flat").train.inputs[:followed].astype(np.float64)
    except _CANNOT_BE_DRAWN:
        return of_batch(Batch(kernel, batch_size)), f"{origin}; samples assumed uncorrelated: not available here"
    return of_batch(Batch(inputs @ inputs.T / features, batch_size)), f"{origin}; sample correlations from the data"


@lru_cache(maxsize=256)
def input_sizes(data: AnyDataset) -> tuple[Array, str, bool]:
    """[samples, T]: E[x^2] over the features of each sample at each step; its origin in words; whether it is certain.

    If the samples are not available, features are assumed to be independent and normal: sizes are chi-squared.
    """
    try:
        inputs = data.sample("sequence").train.inputs[:SIZED].astype(np.float64)
    except _CANNOT_BE_DRAWN:
        signal, origin = input_signal(data, "sequence")
        drawn = np.random.default_rng(0).chisquare(data.input_shape("sequence")[1], (SIZED, len(signal.second)))
        sizes = signal.second * drawn / data.input_shape("sequence")[1]
        return sizes, f"{origin}; sample sizes assumed as for normal features: not available here", False
    sizes = (inputs**2).mean(axis=2)
    return sizes, f"sampled inputs: second moment {float(sizes.mean()):.3g}, for each sample separately", True
