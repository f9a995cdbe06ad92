from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from .base import Remedy, refuse


class StandardizeInputs(Remedy):
    """Give the inputs (and regression targets) zero mean and unit variance, measured on the training split."""

    kind: Literal["standardize_inputs"] = "standardize_inputs"
    source: ClassVar[str] = "LeCun et al. 1998, Efficient BackProp"

    def apply(self, experiment: Experiment) -> Experiment:
        data = experiment.data
        if data.standardize:
            raise refuse("the data is standardized already")
        return experiment.model_copy(update={"data": data.model_copy(update={"standardize": True})})
