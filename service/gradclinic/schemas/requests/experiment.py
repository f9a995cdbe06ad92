"""Requests about experiments."""

from pydantic import ConfigDict

from ...experiments.experiment import Experiment
from ...kernel.spec import Spec
from ...remedies import RemedyList
from ..examples import EXPERIMENT


class ResolveRequest(Spec):
    """An experiment, and the remedies to apply to it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"experiment": EXPERIMENT, "remedies": [{"kind": "add_batch_norm"}]}]}
    )

    experiment: Experiment
    """The experiment to resolve."""
    remedies: RemedyList = ()
    """Changes of the experiment, applied in order."""
