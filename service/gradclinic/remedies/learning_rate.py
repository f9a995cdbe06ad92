"""How remedies change the learning rate, and its bounds."""

from ..experiments.experiment import Experiment
from .base import refuse

SMALLEST, LARGEST = 1e-30, 1e30


def with_learning_rate(experiment: Experiment, value: float) -> Experiment:
    """A copy of the experiment with another learning rate; rejects the current rate and rates out of bounds."""
    optimizer = experiment.optimizer
    if value == optimizer.learning_rate:
        raise refuse(f"the learning rate is already {value:g}")
    if not SMALLEST <= value <= LARGEST:
        raise refuse(f"a learning rate of {value:g} is not between {SMALLEST:g} and {LARGEST:g}")
    return experiment.model_copy(update={"optimizer": optimizer.model_copy(update={"learning_rate": value})})
