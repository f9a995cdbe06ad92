"""Requests about runs."""

from typing import Literal

from pydantic import ConfigDict, Field

from ...experiments.experiment import Experiment
from ...kernel.names import Labels, Name
from ...kernel.spec import Spec
from ...remedies import RemedyList
from ..examples import EXPERIMENT


class RunRequest(Spec):
    """One training to queue."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "experiment": EXPERIMENT,
                    "remedies": [{"kind": "swap_activation", "activation": "relu"}],
                    "name": "sigmoid, twelve layers",
                    "labels": {"team": "vision"},
                }
            ]
        }
    )

    experiment: Experiment
    """The experiment to train."""
    remedies: RemedyList = ()
    """Changes of the experiment, applied in order."""
    name: Name | None = None
    """For people."""
    labels: Labels = Field(default_factory=dict)
    """Labels for finding the run."""
    reuse: Literal["if_identical"] | None = None
    """`if_identical`: return a succeeded run of the same resolved experiment and seed, if there is one."""
