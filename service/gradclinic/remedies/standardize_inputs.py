from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from .base import Remedy, refuse


class StandardizeInputs(Remedy):
    """Standardize inputs (and regression targets) to mean 0 and variance 1, measured on the training split."""

    kind: Literal["standardize_inputs"] = "standardize_inputs"
    source: ClassVar[str] = "LeCun et al. 1998, Efficient BackProp"

    def apply(self, experiment: Experiment) -> Experiment:
        data = experiment.data
        if data.standardize:
            raise refuse("the data set is already standardized")
        return experiment.model_copy(update={"data": data.model_copy(update={"standardize": True})})
