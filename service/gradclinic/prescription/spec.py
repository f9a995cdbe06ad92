"""What can be asked for: a search for what cures an experiment."""

from pydantic import Field

from ..experiments.experiment import Experiment
from ..kernel.names import Labels, Name
from ..kernel.spec import Spec
from .trials import DEFAULT_BUDGET, Budget


class PrescriptionSpec(Spec):
    """A sick experiment, and what finding its cure may cost."""

    experiment: Experiment
    """What does not train as it should."""
    budget: Budget = DEFAULT_BUDGET
    """Seconds of training over all runs, or a number of runs."""
    name: Name | None = None
    """For people."""
    labels: Labels = Field(default_factory=dict)
    """For finding the prescription's runs again."""
