"""The kind of network, on which the choice of remedies depends. It is read from an experiment or from a record."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

from ..experiments.experiment import Experiment
from ..experiments.lowering import lower
from ..measurements.record import RunRecord


@dataclass(frozen=True)
class Network:
    """The properties of a network that the choice of remedies depends on."""

    recurrent: bool
    transformer: bool
    bounded: bool
    """Whether some activation is bounded on both sides and can saturate."""
    linear: bool
    """Whether all activations are linear."""
    depth: int
    """Number of layer outputs along the path of the gradient, at least 1."""

    @property
    def family(self) -> Literal["recurrent", "transformer", "feedforward"]:
        """The family in which cures are counted."""
        return "recurrent" if self.recurrent else "transformer" if self.transformer else "feedforward"

    @property
    def branch(self) -> float:
        """1 / sqrt(depth): the scale of residual branches that keeps their sum bounded over depth."""
        return round(1.0 / sqrt(self.depth), 3)

    @classmethod
    def declared(cls, experiment: Experiment) -> "Network":
        """The network of an experiment."""
        sites = lower(experiment).sites
        activations = [site.activation for site in sites if site.activation is not None]
        return cls(
            recurrent=any(site.kind == "state" for site in sites),
            transformer=experiment.model.kind == "transformer",
            bounded=any(activation.bounded for activation in activations),
            linear=all(activation.name == "identity" for activation in activations),
            depth=max(1, sum(site.in_profile for site in sites)),
        )

    @classmethod
    def recorded(cls, record: RunRecord) -> "Network":
        """The network of a recorded run."""
        sites = record.sites
        return cls(
            recurrent=any(site.kind == "state" for site in sites),
            transformer=any(site.name.endswith(".block") for site in sites),
            bounded=any(site.bounded for site in sites),
            linear=all(site.activation in (None, "identity") for site in sites),
            depth=max(1, sum(site.in_profile for site in sites)),
        )
