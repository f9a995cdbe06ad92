from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from .base import Remedy, refuse

_LARGEST = 65_536


class GrowBatch(Remedy):
    """Use more samples per step: the gradient is less noisy, and each step costs more."""

    kind: Literal["grow_batch"] = "grow_batch"
    factor: Annotated[int, Field(ge=2, le=1024)] = 4
    """Factor that multiplies the batch size."""
    source: ClassVar[str] = "Smith et al. 2018, arXiv:1711.00489"

    def apply(self, experiment: Experiment) -> Experiment:
        size = experiment.training.batch_size * self.factor
        if size > _LARGEST:
            raise refuse(f"a batch of {size:,} samples is more than {_LARGEST:,}")
        training = experiment.training.model_copy(update={"batch_size": size})
        return experiment.model_copy(update={"training": training})
