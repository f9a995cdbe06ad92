"""Lowers a model on data that fits it."""

from typing import Any

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import Network, lower


def lowered(model: dict[str, Any], data: str, **knobs: Any) -> Network:
    """The network of that model on that data."""
    optimizer = {"kind": "sgd", "learning_rate": 0.1}
    return lower(Experiment.model_validate({"model": model, "data": {"kind": data, **knobs}, "optimizer": optimizer}))


def kinds(network: Network) -> list[str]:
    """The kinds of the lowered list, without what is inside blocks."""
    return [node.kind for node in network.nodes]


def profile(network: Network) -> list[str]:
    """Names of the sites that make the profile."""
    return [site.name for site in network.sites if site.in_profile]
