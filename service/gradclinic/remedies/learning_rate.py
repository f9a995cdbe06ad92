"""How remedies change the learning rate, and the only bounds they keep."""

from ..experiments.experiment import Experiment
from .base import refuse

SMALLEST, LARGEST = 1e-30, 1e30


def with_learning_rate(experiment: Experiment, value: float) -> Experiment:
    """The same experiment with another learning rate; refuses what it has already, and what is no rate any more."""
    optimizer = experiment.optimizer
    if value == optimizer.learning_rate:
        raise refuse(f"the learning rate is {value:g} already")
    if not SMALLEST <= value <= LARGEST:
        raise refuse(f"a learning rate of {value:g} is not between {SMALLEST:g} and {LARGEST:g}")
    return experiment.model_copy(update={"optimizer": optimizer.model_copy(update={"learning_rate": value})})
