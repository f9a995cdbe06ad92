"""The gradient of the loss at the outputs: its size, and its component along them."""

from typing import TYPE_CHECKING

import numpy as np

from ..experiments.initializations import scheme_named
from ..experiments.layers import Node
from .gradient import Gradient, from_loss
from .signal import Signal
from .start import Setting, scheme_of

if TYPE_CHECKING:
    from ..experiments.experiment import Experiment

DRAWS = 4096
"""Number of random outputs that are averaged over; the generator is seeded, so the result is reproducible."""


def at_readout(experiment: "Experiment", readout: Node, signal: Signal) -> Gradient:
    """dL/dh at the readout's input h, up to a factor of the batch size.

    Outputs are f ~ N(0, v), and targets are independent of them.
    """
    scheme = scheme_of(readout, Setting(scheme_named(experiment.model.initialization.readout), 1))
    weight = next(parameter for parameter in readout.parameters if parameter.role == "weight")
    gain = scheme.weight_variance(weight.fan_in, weight.fan_out)
    generator = np.random.default_rng(0)
    f = generator.standard_normal((DRAWS, weight.fan_out)) * np.sqrt(gain * float(signal.second))
    if experiment.data.task == "classification":
        shifted = np.exp(f - f.max(axis=1, keepdims=True))
        delta = shifted / shifted.sum(axis=1, keepdims=True)
        delta[np.arange(DRAWS), generator.integers(weight.fan_out, size=DRAWS)] -= 1.0
    else:
        delta = f - generator.standard_normal((DRAWS, weight.fan_out))
    along = float(((delta * f).sum(axis=1) ** 2).mean())
    whole = float((delta**2).sum(axis=1).mean())
    return from_loss(along, whole, signal=signal, weight_variance=gain, units=weight.fan_in)
