"""The specification of a prescription."""

from typing import Annotated

from pydantic import Field

from ..experiments.experiment import Experiment
from ..kernel.names import Labels, Name
from ..kernel.spec import Spec
from .trials import DEFAULT_BUDGET, Budget

LEAST_RUNS = 16
"""Three runs for the diagnosis, two candidates, the better one on two seeds, and it, the unchanged experiment and the
random control on three new seeds."""


class RequestedBudget(Budget):
    """The budget of a search: seconds of training, or a number of runs (a short run counts as one)."""

    runs: Annotated[int | None, Field(ge=LEAST_RUNS, le=10_000)] = None
    """Total number of runs, which is never exceeded; 16 are the least with which a cure can be confirmed."""


class PrescriptionSpec(Spec):
    """An experiment that trains badly, and the budget for finding a cure."""

    experiment: Experiment
    """The experiment to cure."""
    budget: RequestedBudget = RequestedBudget(seconds=DEFAULT_BUDGET.seconds)
    """Total seconds of training, or a number of runs."""
    name: Name | None = None
    """For people."""
    labels: Labels = Field(default_factory=dict)
    """Labels for finding the runs of the prescription."""
