"""What the choice of a remedy depends on: the kind of network, known from its declaration or from its record."""

from dataclasses import dataclass
from math import sqrt

from ..experiments.experiment import Experiment
from ..experiments.lowering import lower
from ..measurements.record import RunRecord


@dataclass(frozen=True)
class Network:
    """The kind of a network, as far as remedies depend on it."""

    recurrent: bool
    transformer: bool
    bounded: bool
    """Whether an activation is bounded on both sides, so that it can saturate."""
    linear: bool
    """Whether no activation bends anything."""
    depth: int
    """Layer outputs along the path of the gradient, at least 1."""

    @property
    def branch(self) -> float:
        """1 / sqrt(depth): the scale of residual branches that keeps their sum over the depth level."""
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
        """The network whose training was recorded."""
        sites = record.sites
        return cls(
            recurrent=any(site.kind == "state" for site in sites),
            transformer=any(site.name.endswith(".block") for site in sites),
            bounded=any(site.bounded for site in sites),
            linear=all(site.activation in (None, "identity") for site in sites),
            depth=max(1, sum(site.in_profile for site in sites)),
        )
