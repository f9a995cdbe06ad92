"""The specification of a prescription."""

from pydantic import Field

from ..experiments.experiment import Experiment
from ..kernel.names import Labels, Name
from ..kernel.spec import Spec
from .trials import DEFAULT_BUDGET, Budget


class PrescriptionSpec(Spec):
    """An experiment that trains badly, and the budget for finding a cure."""

    experiment: Experiment
    """The experiment to cure."""
    budget: Budget = DEFAULT_BUDGET
    """Total seconds of training, or a number of runs."""
    name: Name | None = None
    """For people."""
    labels: Labels = Field(default_factory=dict)
    """Labels for finding the runs of the prescription."""
